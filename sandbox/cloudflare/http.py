"""HTTP/1.1 as the API, the control plane and the edge need it: heads, bodies, a small server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

Headers = list[tuple[str, str]]

PIECE = 65536
MAX_BODY = 16 * 1024 * 1024


class BadHttp(Exception):
    """What arrived is not HTTP/1.1, or is larger than is accepted here."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """A request or status line and its header fields, in order and spelling of arrival."""

    start: str
    headers: Headers

    def get(self, name: str) -> str | None:
        """The field's value, several joined by a comma; None when absent."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(found) if found else None

    def tokens(self, name: str) -> set[str]:
        return {part.strip().lower() for part in (self.get(name) or "").split(",")} - {""}

    def encode(self) -> bytes:
        lines = [self.start, *(f"{key}: {value}" for key, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A whole request. `query` keeps the last value of a name."""

    method: str
    path: str
    query: dict[str, str]
    head: Head
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Response:
    """A whole answer."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)

    @classmethod
    def of_json(cls, status: int, value: object, headers: Headers | None = None) -> "Response":
        given = headers or []
        typed = any(key.lower() == "content-type" for key, _ in given)
        content_type = [] if typed else [("Content-Type", "application/json")]
        return cls(status=status, body=json.dumps(value).encode(), headers=[*content_type, *given])

    def encode(self, *, close: bool, bodiless: bool = False) -> bytes:
        head = Head(
            start=f"HTTP/1.1 {self.status} {reason(self.status)}",
            headers=[
                *self.headers,
                ("Content-Length", str(len(self.body))),
                *([("Connection", "close")] if close else []),
            ],
        )
        return head.encode() + (b"" if bodiless else self.body)


def reason(status: int) -> str:
    """The standard phrase of a status, or "Unknown" (Cloudflare's own 5xx have none)."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next head, or None when the peer closed before sending one."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise
        return None
    except asyncio.LimitOverrunError as error:
        raise BadHttp("the head is larger than 64 KiB") from error
    start, *lines = raw.decode("latin-1").strip("\r\n").split("\r\n")
    headers: Headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or set(line) & set("\r\n\0"):
            raise BadHttp(f"not a header field: {line!r}")
        headers.append((name, value.strip()))
    return Head(start=start, headers=headers)


def body_length(head: Head) -> int | None:
    """The body's length in bytes, -1 for chunked, None when the head does not say."""
    length = head.get("content-length")
    if head.get("transfer-encoding") is not None:
        if head.tokens("transfer-encoding") != {"chunked"} or length is not None:
            raise BadHttp("the only transfer coding accepted is chunked, without Content-Length")
        return -1
    if length is None:
        return None
    if not (length.isascii() and length.isdigit()):
        raise BadHttp(f"Content-Length is not a number: {length!r}")
    return int(length)


async def pieces(
    reader: asyncio.StreamReader, length: int | None
) -> AsyncIterator[tuple[bytes, bytes]]:
    """The body as it arrives: (bytes of the wire, bytes of the content) pairs.

    `length` is as `body_length` gives it; None reads until the peer closes. A body that ends
    early raises `asyncio.IncompleteReadError`.
    """
    if length is None:
        while data := await reader.read(PIECE):
            yield data, data
    elif length >= 0:
        async for data in _exactly(reader, length):
            yield data, data
    else:
        async for piece in _chunks(reader):
            yield piece


async def _exactly(reader: asyncio.StreamReader, count: int) -> AsyncIterator[bytes]:
    while count:
        data = await reader.read(min(count, PIECE))
        if not data:
            raise asyncio.IncompleteReadError(b"", count)
        count -= len(data)
        yield data


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bytes]]:
    while True:
        line = await reader.readuntil(b"\r\n")
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise BadHttp(f"not a chunk size: {line!r}") from error
        yield line, b""
        if size == 0:
            break
        async for data in _exactly(reader, size):
            yield data, data
        yield await reader.readexactly(2), b""
    while True:
        line = await reader.readuntil(b"\r\n")
        yield line, b""
        if line == b"\r\n":
            return


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next whole request, or None when the client closed."""
    head = await read_head(reader)
    if head is None:
        return None
    words = head.start.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadHttp(f"not a request line: {head.start!r}")
    body = bytearray()
    async for _, content in pieces(reader, body_length(head) or 0):
        body += content
        if len(body) > MAX_BODY:
            raise BadHttp("the body is larger than 16 MiB")
    target = urlsplit(words[1])
    return Request(
        method=words[0],
        path=target.path,
        query=dict(parse_qsl(target.query, keep_blank_values=True)),
        head=head,
        body=bytes(body),
    )


Handler = Callable[[Request], Awaitable[Response | None]]


async def serve(
    handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer requests of one connection until it closes; `None` from the handler drops it."""
    while True:
        try:
            request = await read_request(reader)
        except BadHttp as error:
            body = {"success": False, "errors": [{"code": 6003, "message": str(error)}]}
            writer.write(Response.of_json(400, body).encode(close=True))
            await writer.drain()
            return
        if request is None:
            return
        response = await handler(request)
        if response is None:
            return
        close = "close" in request.head.tokens("connection") or request.head.start.endswith("/1.0")
        writer.write(response.encode(close=close, bodiless=request.method == "HEAD"))
        await writer.drain()
        if close:
            return
