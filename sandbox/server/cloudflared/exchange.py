"""What becomes of a request and an answer on their way through: as Go's `net/http` and the real one's `proxy/` have it."""

import re
import zlib
from collections.abc import AsyncIterator

from sandbox.cloudflare.http import Head, Headers, reason

from .rules import Rule
from .target import as_sent

NOT_PASSED = {
    "connection",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
"""Fields that HTTP/2, over which the real one is reached, has no place for."""
_USUALLY_WITHOUT_BODY = {"GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND", "SEARCH"}
_USUALLY_WITH_BODY = {"POST", "PUT", "PATCH"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_ANSWER_FIELDS = ("cf-int-", "cf-cloudflared-", "cf-proxy-")
_LAST_CHUNK = re.compile(rb"0+[ \t]*(;.*)?\r\n")
_GZIP = 31
"""zlib's window bits for gzip."""


def canonical(name: str) -> str:
    """A field's name as Go writes it."""
    if not _TOKEN.fullmatch(name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def is_websocket(head: Head) -> bool:
    """Whether a request asks for one."""
    return "upgrade" in head.tokens("connection") and "websocket" in head.tokens("upgrade")


class Request:
    """A request on its way to a service."""

    def __init__(self, head: Head, rule: Rule, connector_id: str, *, quic: bool) -> None:
        self.method, target = head.start.split(" ")[:2]
        self.websocket = is_websocket(head)
        self._chunked = "chunked" in head.tokens("transfer-encoding")
        self._length = head.get("content-length")
        self._rule = rule
        self.quic = quic
        fields: dict[str, list[str]] = {}
        for name, value in head.headers:
            if name.lower() not in NOT_PASSED:
                fields.setdefault(canonical(name), []).append(value)
        host = fields.pop("Host", [""])[0]
        fields.pop("Content-Length", None)
        agent = fields.pop("User-Agent", [])
        if "Cookie" in fields and not quic:
            fields["Cookie"] = ["; ".join(fields["Cookie"])]
        fields.setdefault("Cf-Warp-Tag-Id", []).append(connector_id)
        fields["Connection"] = ["Upgrade" if self.websocket else "keep-alive"]
        if self.websocket:
            fields |= {"Upgrade": ["websocket"], "Sec-Websocket-Version": ["13"]}
        if given := rule.origin.get("httpHostHeader"):
            fields["X-Forwarded-Host"] = [host]
            host = str(given)
        asked = [*fields.get("Accept-Encoding", [])[:1], *fields.get("Range", [])[:1]]
        self.unzips = self.method != "HEAD" and not any(asked)
        self.head = Head(
            start=f"{self.method} {as_sent(target)} HTTP/1.1",
            headers=[
                ("Host", host),
                *(("User-Agent", value) for value in agent[:1] if value),
                *self._framing(),
                *((name, value) for name in sorted(fields) for value in fields[name]),
                *([("Accept-Encoding", "gzip")] if self.unzips else []),
            ],
        )

    @property
    def length(self) -> int:
        """Bytes of the body, as `body_length` gives them; what it does not say is none."""
        return int(self._length) if self._length else -1 if self._chunked else 0

    @property
    def bodiless(self) -> bool:
        """Whether the visitor sent no body at all."""
        return self.length == 0

    @property
    def unframed(self) -> bool:
        """Whether a body of unknown length goes out without its end being told."""
        return bool(self._rule.origin.get("disableChunkedEncoding")) and not self._length

    @property
    def ending(self) -> bytes:
        """What has to follow a request without a body."""
        return (
            b"0\r\n\r\n"
            if self.bodiless and ("Transfer-Encoding", "chunked") in self.head.headers
            else b""
        )

    def _framing(self) -> Headers:
        if self._length and self._length != "0":
            return [("Content-Length", self._length)]
        if self.unframed or self.websocket:
            return []
        if self._chunked:
            return [("Transfer-Encoding", "chunked")]
        if self.quic:
            # Go sees that there is no body, and says so for the methods that have one.
            return [("Content-Length", "0")] if self.method in _USUALLY_WITH_BODY else []
        if self.method not in _USUALLY_WITHOUT_BODY:
            return [("Transfer-Encoding", "chunked")]
        return []


class Answer:
    """An answer on its way back."""

    def __init__(self, head: Head, request: Request) -> None:
        self.status = head.start.split(" ")[1]
        self.switching = self.status == "101"
        self._quic = request.quic
        self.bodiless = request.method == "HEAD" or self.status in ("204", "304")
        self._gzip = request.unzips and (head.get("content-encoding") or "").lower() == "gzip"
        dropped = {"connection", "keep-alive", "transfer-encoding"} - (
            {"connection"} if self.switching else set()
        )
        if self._gzip and not self.bodiless:
            dropped |= {"content-encoding", "content-length"}
        if head.get("transfer-encoding") is not None:
            dropped |= {
                "content-length",
                "trailer",
            }  # without chunks the second one means nothing to Go
        headers = [
            (canonical(name), value)
            for name, value in head.headers
            if name.lower() not in dropped
            and (request.quic or not name.lower().startswith(_OWN_ANSWER_FIELDS))
        ]
        names = {name for name, _ in headers}
        self.chunked = not (self.switching or self.bodiless or "Content-Length" in names)
        if self.chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        code = int(self.status)
        self.head = Head(start=f"HTTP/1.1 {code} {reason(code)}", headers=headers)

    async def body(self, pieces: AsyncIterator[tuple[bytes, bytes]]) -> AsyncIterator[bytes]:
        """The body as it goes to the edge."""
        unzip = zlib.decompressobj(_GZIP) if self._gzip else None
        trailers, ended = b"", False
        async for raw, content in pieces:
            if ended:
                trailers += raw.lstrip(b"\r\n")
            elif not content and _LAST_CHUNK.fullmatch(raw):
                ended = True
            if unzip is not None:
                content = unzip.decompress(content)
            if content:
                yield b"%x\r\n%s\r\n" % (len(content), content) if self.chunked else content
        if self.chunked:
            yield b"0\r\n" + (b"" if self._quic else trailers) + b"\r\n"
