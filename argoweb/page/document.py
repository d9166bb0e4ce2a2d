"""Makes one HTML file of all that was found of a stack, and serves it on the loopback."""

import asyncio
import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from argoweb.page.metrics import Counted, count
from argoweb.stack import Stack, list_updates
from argoweb.status.for_programs import as_json
from argoweb.status.overview import Overview, look_at

_TEMPLATE = Path(__file__).with_name("page.html")
_INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)
LOOPBACK = "127.0.0.1"
Data = dict[str, Any]


def look(stack: Stack, *, edge_url: str | None, every: float | None = None) -> Data:
    """Looks at a stack for the page; `every` is the time in seconds after which the page asks again, `None` for never."""
    with ThreadPoolExecutor(2) as pool:
        updates = pool.submit(list_updates, stack.name)
        numbers = pool.submit(lambda: asyncio.run(count(stack)) if _is_counting(stack) else {})
        found = look_at(stack, edge_url=edge_url)
    return collect(found, numbers.result(), updates.result(), every=every)


def _is_counting(stack: Stack) -> bool:
    return stack.settings.caddy.metrics is not None


def collect(
    found: Overview,
    numbers: Mapping[str, Counted],
    updates: list[Mapping[str, Any]],
    *,
    every: float | None,
) -> Data:
    """Puts together what the page's script draws: what `status --json` has, with numbers and deployments."""
    data: Data = as_json(found)
    rates = [each.requests for each in numbers.values() if each.requests is not None]
    for site in data["sites"]:
        its = [it for each in numbers.values() if (it := each.sites.get(site["hostname"]))]
        slow = [each.slow for each in its if each.slow is not None]
        site["numbers"] = None
        if its:
            site["numbers"] = {
                "requests": sum(each.requests for each in its),
                "errors": sum(each.errors for each in its),
                "slow": max(slow, default=None),
            }
    return {
        **data,
        "at": time.time(),
        "every": every,
        "rate": sum(rates) if rates else None,
        "updates": [
            {
                "kind": str(each.get("kind", "")),
                "result": str(each.get("result", "")),
                "end": str(each.get("endTime", "")),
                "by": (each.get("environment") or {}).get("git.author"),
                "message": str(each.get("message", "")),
                "changes": each.get("resourceChanges") or {},
            }
            for each in updates
        ],
    }


def render_page(data: Data) -> str:
    """Writes the HTML file, which needs no other file and runs no script but its own, whatever names and journals hold."""
    template = _TEMPLATE.read_text(encoding="utf-8")
    hashes: dict[str, str] = {
        kind: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for kind, text in _INLINE.findall(template)
    }
    policy = (
        f"default-src 'none'; script-src 'sha256-{hashes['script']}'; style-src 'sha256-{hashes['style']}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    text = json.dumps(data)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return template.replace("<!--policy-->", meta, 1).replace("<!--data-->", text, 1)


class Server(ThreadingHTTPServer):
    """Serves the page at the loopback, and looks at the stack again when somebody asks for data and those are old."""

    daemon_threads = True

    def __init__(self, port: int, ask: Callable[[], Data], every: float) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self._ask = ask
        self._every = every
        self._lock = threading.Lock()
        self._data = ask()

    @property
    def names(self) -> set[str]:
        """The `Host` headers that are answered: any other name belongs to a site that was led here to read the data."""
        return {f"{host}:{self.server_port}" for host in (LOOPBACK, "localhost")}

    def renew_data(self) -> Data:
        """Gives the data, renewed if they are old."""
        with self._lock:
            if time.time() - float(self._data["at"]) >= self._every:
                self._data = self._ask()
            return self._data

    @property
    def last(self) -> Data:
        """The data of the last look, however old."""
        return self._data


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = "argoweb"
    sys_version = ""

    def do_GET(self) -> None:
        if self.headers.get("Host", "") not in self.server.names:
            self._answer(421, "text/plain", "This page is for this machine alone.\n")
        elif self.path == "/":
            self._answer(200, "text/html", render_page(self.server.last))
        elif self.path == "/data":
            self._answer(200, "application/json", json.dumps(self.server.renew_data()))
        else:
            self._answer(404, "text/plain", "There is no such page.\n")

    do_HEAD = do_GET  # noqa: N815  # the name is http.server's

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing, since the terminal is the user's."""
