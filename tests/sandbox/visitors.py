"""Visitors of the edge: a browser that keeps cookies, and what stands behind the tunnel."""

import asyncio
import base64
import html
import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt

from tests.sandbox.zero_trust import ACCOUNT, PATIENCE, TEAM, TOKEN, ZONE, ZeroTrust, asked

ISSUER = f"https://{TEAM}.cloudflareaccess.com"
TEAM_HOST = f"{TEAM}.cloudflareaccess.localhost"
_SECRET = base64.b64encode(b"s" * 32).decode()

Fields = list[tuple[str, str]]


@dataclass(frozen=True)
class Seen:
    """An answer as a visitor sees it."""

    status: int
    headers: Fields
    body: str

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value

    @property
    def origin(self) -> Fields:
        """The header fields with which the request came to the origin."""
        assert self.status == 200, self.body
        return [(key, value) for key, value in json.loads(self.body)["headers"]]

    def at_origin(self, name: str) -> list[str]:
        return [value for key, value in self.origin if key.lower() == name.lower()]


@dataclass
class Browser:
    """A visitor with cookies, kept by host; `visit` follows nothing by itself."""

    edge: str
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def visit(
        self,
        url: str,
        method: str = "GET",
        form: dict[str, str] | None = None,
        *more: tuple[str, str],
    ) -> Seen:
        """A request for a URL, which has the port or not; all names lead to the edge."""
        where = urlsplit(url)
        host = str(where.netloc)
        jar = self.cookies.setdefault(str(where.hostname), {})
        target = (where.path or "/") + (f"?{where.query}" if where.query else "")
        fields = [("Host", host), *more]
        if jar:
            fields.append(("Cookie", "; ".join(f"{name}={value}" for name, value in jar.items())))
        body = None if form is None else urlencode(form).encode()
        seen = sent(self.edge, method, target, fields, body)
        for text in seen.all("Set-Cookie"):
            name, _, value = text.partition(";")[0].partition("=")
            jar[name] = value
            if "Max-Age=0" in text:
                del jar[name]
        return seen

    def log_in(self, seen: Seen, email: str) -> Seen:
        """From the redirect to the login page to the answer after the code."""
        page = self.visit(seen.one("Location"))
        if page.status != 200:
            return page
        step, attempt = _form(page)
        mail = self.visit(_at(seen, step), "POST", {"attempt": attempt, "email": email})
        if mail.status != 200:
            return mail
        step, attempt = _form(mail)
        found = re.search(r"<b id=code>(\d{6})</b>", mail.body)
        assert found, mail.body
        return self.visit(_at(seen, step), "POST", {"attempt": attempt, "code": found[1]})

    def enter(self, url: str, email: str) -> Seen:
        """All the way in, to the page itself."""
        seen = self.visit(url)
        seen = self.log_in(seen, email)
        assert seen.status == 302, seen.body
        seen = self.visit(seen.one("Location"))
        assert seen.status == 302, seen.body
        return self.visit(url)


def _form(seen: Seen) -> tuple[str, str]:
    action, attempt = (
        re.search(pattern, seen.body) for pattern in ('action="([^"]+)"', 'value="([^"]+)"')
    )
    assert action, seen.body
    assert attempt, seen.body
    return html.unescape(action[1]), html.unescape(attempt[1])


def _at(seen: Seen, path: str) -> str:
    return f"http://{urlsplit(seen.one('Location')).netloc}{path}"


def sent(edge: str, method: str, target: str, fields: Fields, body: bytes | None = None) -> Seen:
    """One request with just these fields."""
    with closing(http.client.HTTPConnection(str(urlsplit(edge).netloc), timeout=PATIENCE)) as link:
        link.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in fields:
            link.putheader(name, value)
        if body is not None:
            link.putheader("Content-Length", str(len(body)))
        link.endheaders(body)
        answer = link.getresponse()
        return Seen(answer.status, answer.getheaders(), answer.read().decode())


def claims_of(account: ZeroTrust, token: str) -> Any:
    """What a token says, checked with the keys that the team has published."""
    seen = sent(
        account.addresses["edge_url"], "GET", "/cdn-cgi/access/certs", [("Host", TEAM_HOST)]
    )
    keys = jwt.PyJWKSet.from_dict(json.loads(seen.body))
    kid = jwt.get_unverified_header(token)["kid"]
    options: Any = {"verify_aud": False}
    return jwt.decode(token, keys[kid], algorithms=["RS256"], issuer=ISSUER, options=options)


@contextmanager
def origin(account: ZeroTrust, *names: str) -> Iterator[None]:
    """A connector for hostnames that answers each request with what it got."""
    tunnel = _made(account, f"/accounts/{ACCOUNT}/cfd_tunnel", {"name": "t", "config_src": "local", "tunnel_secret": _SECRET})["id"]  # fmt: skip
    for name in names:
        record = {"type": "CNAME", "name": name, "content": f"{tunnel}.cfargotunnel.com"}
        _made(account, f"/zones/{ZONE}/dns_records", {**record, "proxied": True, "ttl": 1})
    host, _, port = account.addresses["tunnel_address"].rpartition(":")
    ready = threading.Event()
    ended: list[Callable[[], object]] = []

    async def serve() -> None:
        over = asyncio.Event()
        ended.append(partial(asyncio.get_running_loop().call_soon_threadsafe, over.set))
        connected = asyncio.create_task(_connected(host, int(port), tunnel, ready))
        await over.wait()
        connected.cancel()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield
    finally:
        ended[0]()
        thread.join(PATIENCE)


def _made(account: ZeroTrust, path: str, body: Any) -> Any:
    url = account.addresses["api_url"] + path
    return asked("POST", url, body, {"Authorization": f"Bearer {TOKEN}"}).result


async def _connected(host: str, port: int, tunnel: str, ready: threading.Event) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    hello = {
        "account_tag": ACCOUNT,
        "tunnel_id": tunnel,
        "tunnel_secret": _SECRET,
        "connector_id": "c",
        "conn_index": 0,
    }
    writer.write(json.dumps(hello).encode() + b"\n")
    await reader.readline()
    ready.set()
    streams = set()
    while line := await reader.readline():
        message = json.loads(line)
        if "open" in message:
            task = asyncio.create_task(_answered(host, port, message["open"]))
            streams.add(task)
            task.add_done_callback(streams.discard)
        if "ping" in message:
            writer.write(json.dumps({"pong": message["ping"]}).encode() + b"\n")


async def _answered(host: str, port: int, stream: str) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(json.dumps({"stream": stream}).encode() + b"\n")
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    fields = [line.split(": ", 1) for line in lines]
    body = json.dumps({"start": start, "headers": fields}).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.write_eof()
    await reader.read()
    writer.close()
