"""Asks for hostnames as a visitor does: through Cloudflare, from this machine."""

import http.client
import re
import socket
import ssl
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from argoweb.errors import say_why
from edge import HOPS

SECONDS = 15
"""How long one hostname may take."""
_AT_ONCE = 20
_AGENT = {"User-Agent": "argoweb"}
_LOGIN = ".cloudflareaccess"
"""Before its last label, the end of the host with a team's pages: .com at Cloudflare, its own at an edge of another kind."""
_FIRST_ERROR = 500
_REFUSALS = (403, 409)
"""Statuses that a site may answer by itself; a code in the page tells that they are Cloudflare's."""
_SHOWN = 4096
"""Bytes of an error page that are read."""
_CODE = re.compile(r"error code:?\s*(?:<[^>]*>\s*)*(\d{3,4})", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a visitor gets at a hostname."""

    status: int = 0
    """The status of HTTP; 0 if nothing answered."""
    seconds: float = 0.0
    login: bool = False
    """Whether it is the login of Access."""
    certificate_until: str | None = None
    """When the certificate ends; `None` over plain http."""
    code: str | None = None
    """The code of the finding if something is wrong."""
    text: str = ""

    @property
    def shown(self) -> str:
        """The answer in a few characters, as `200 42 ms`."""
        if not self.status:
            return "nothing"
        login = " login" if self.login else ""
        return f"{self.status}{login} {self.seconds * 1000:.0f} ms"


def ask(asked: Iterable[tuple[str, str]], edge: str | None = None) -> dict[tuple[str, str], Seen]:
    """Asks for each hostname and path at once; `edge` is a URL that is asked in the place of the address that DNS names."""
    pairs = list(dict.fromkeys(asked))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(
            zip(pairs, pool.map(lambda pair: _ask(pair[0], pair[1], edge), pairs), strict=True)
        )


def _ask(hostname: str, path: str, edge: str | None) -> Seen:
    began = time.monotonic()
    try:
        seen = _read_answer(hostname, path, edge, began)
    except ssl.SSLCertVerificationError as error:
        return Seen(code="edge-certificate", text=error.verify_message or str(error))
    except ssl.SSLError as error:
        # Cloudflare ends the handshake for a name that it has no certificate for.
        return Seen(code="edge-certificate", text=f"TLS fails: {error.reason or error}")
    except socket.gaierror:
        said = "this machine's resolver knows no such name (yet)"
        return Seen(code="edge-unreachable", text=said)
    except (OSError, http.client.HTTPException) as error:
        return Seen(code="edge-unreachable", text=say_why(error) or type(error).__name__)
    return seen


def _read_answer(hostname: str, path: str, edge: str | None, began: float) -> Seen:
    parts = urlsplit(edge or f"https://{hostname}")
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or hostname, parts.port, timeout=SECONDS)
    try:
        connection.connect()
        until = None
        if isinstance(connection.sock, ssl.SSLSocket):
            until = str((connection.sock.getpeercert() or {}).get("notAfter", "")) or None
        connection.request("GET", path, headers={**_AGENT, "Host": hostname})
        response = connection.getresponse()
        seconds = time.monotonic() - began
        location = urlsplit(response.headers["Location"] or "").hostname or ""
        may_fail = response.status >= _FIRST_ERROR or response.status in _REFUSALS
        page = response.read(_SHOWN).decode(errors="replace") if may_fail else ""
    finally:
        connection.close()
    code, text = None, ""
    if response.status >= _FIRST_ERROR or _find_number(page) in HOPS:
        code = "edge-error"
        text = explain(response.status, page)
    return Seen(
        status=response.status,
        seconds=seconds,
        login=location.rpartition(".")[0].endswith(_LOGIN),
        certificate_until=until,
        code=code,
        text=text,
    )


def explain(status: int, body: str) -> str:
    """Names the hop that an error page is about, in a sentence."""
    number = _find_number(body) or status
    named = f" with error code {number}" if number != status else ""
    hop = HOPS.get(number) or HOPS.get(status) or "the service"
    return f"{status}{named}; it is {hop}"


def _find_number(body: str) -> int | None:
    """Finds Cloudflare's code in its error page."""
    found = _CODE.search(body)
    return int(found[1]) if found else None
