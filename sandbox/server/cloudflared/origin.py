"""What stands behind a rule, over connections that are kept open.

As Go's `http.Transport` has them, of which each rule of the real one has its own (`newHTTPTransport` in its
`ingress/origin_service.go`).
"""

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox.cloudflare.http import BadHttp, Head, body_length, pieces, read_head

from .exchange import Answer, Request
from .rules import Rule, duration
from .websocket import accepted, carried

DEFAULT_PORTS = {
    "http": 80,
    "ws": 80,
    "https": 443,
    "wss": 443,
    "ssh": 22,
    "rdp": 3389,
    "smb": 445,
    "tcp": 7864,
}
TLS_SCHEMES = ("https", "wss")
STREAM_SCHEMES = ("ssh", "rdp", "smb", "tcp")
REPLAYABLE = ("GET", "HEAD", "OPTIONS", "TRACE")
"""`isReplayable` in Go's `net/http/request.go`, of requests without a body."""


class Unreachable(Exception):
    """The service gave no answer; nothing was written yet."""


@dataclass(eq=False)
class Connection:
    """A connection to the service; `idle_since` tells that it has carried a request before."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idle_since: float | None = None
    sent: bool = False
    """Whether the whole request is under way."""

    @property
    def open(self) -> bool:
        """Whether the other side has not ended it and says nothing unasked, as far as is known."""
        unasked = self.reader._buffer  # type: ignore[attr-defined]  # asyncio has no public way
        return not unasked and not self.reader.at_eof() and self.reader.exception() is None


class Origin:
    """The service of one rule."""

    def __init__(self, rule: Rule, connector_id: str = "", *, quic: bool = False) -> None:
        self._rule = rule
        self._connector_id = connector_id
        self._quic = quic
        self._idle: list[Connection] = []
        self._most_idle = int(rule.origin.get("keepAliveConnections", 100))
        self._longest_idle = duration(rule.origin.get("keepAliveTimeout", "1m30s"))

    async def pass_on(
        self,
        head: Head,
        hostname: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        uploaded: Callable[[], None] = lambda: None,
    ) -> None:
        """Passes a request and its answer; says when the whole request is under way.

        Raises:
            Unreachable: the service gave no answer.
            OSError: a connection broke in the middle of it.
            BadHttp: what follows is no HTTP.
            asyncio.IncompleteReadError: the answer's body ends early.
        """
        request = Request(head, self._rule, self._connector_id, quic=self._quic)
        if "100-continue" in head.tokens("expect"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")  # which the edge says in the real world
        if self._kind in STREAM_SCHEMES:
            await self._carry(request, reader, writer)
            return
        if request.websocket and self._kind.startswith("unix") and not self._quic:
            raise Unreachable("http: no Host in request URL")
        try:
            connection, upload, answered = await self._answered(request, hostname, reader, uploaded)
        except (OSError, asyncio.TimeoutError, BadHttp, ValueError) as error:
            raise Unreachable(str(error)) from error
        keeps = False
        try:
            while _status(answered).startswith("1") and _status(answered) != "101":
                answered = await _head_of(connection)
            answer = Answer(answered, request)
            if answer.switching:
                writer.write(answer.head.encode())
                await ended(upload)
                upload = asyncio.create_task(copy(reader, connection.writer))
                download = asyncio.create_task(copy(connection.reader, writer))
                await asyncio.wait({upload, download}, return_when=asyncio.FIRST_COMPLETED)
                await ended(download)
                return
            remaining = 0 if answer.bodiless else _length(answered)
            writer.write(answer.head.encode())
            async for raw in answer.body(pieces(connection.reader, remaining)):
                writer.write(raw)
                await writer.drain()
            keeps = remaining is not None and _is_kept(answered) and connection.sent
        finally:
            await ended(upload)
            if not keeps or not self._keep(connection):
                connection.writer.close()

    @property
    def _kind(self) -> str:
        return self._rule.service.partition(":")[0]

    async def _carry(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """A service that speaks no HTTP: its bytes in the frames of a WebSocket; for others an empty answer."""
        connection = await self._dial("")
        if not request.websocket:
            connection.writer.close()
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            return
        try:
            writer.write(accepted(request.head).encode())
            await carried((reader, writer), (connection.reader, connection.writer))
        finally:
            connection.writer.close()

    async def _answered(
        self,
        request: Request,
        hostname: str,
        reader: asyncio.StreamReader,
        uploaded: Callable[[], None],
    ) -> tuple[Connection, "asyncio.Task[None]", Head]:
        """The connection that has answered, what is still being sent on it, and the head of the answer.

        A connection that was kept may be ended by the other side at any time. A request that is safe to repeat then
        goes over another one (`shouldRetryRequest` in Go's `net/http/transport.go`), but over QUIC only: over HTTP/2
        Go sees a body in every request.
        """
        while True:
            connection = self._kept() or await self._dial(hostname)
            upload = asyncio.create_task(_send(request, reader, connection, uploaded))
            try:
                return connection, upload, await _head_of(connection)
            except BaseException as error:
                await ended(upload)
                connection.writer.close()
                repeatable = self._quic and request.bodiless and request.method in REPLAYABLE
                if (
                    connection.idle_since is None
                    or not repeatable
                    or not isinstance(error, OSError)
                ):
                    raise

    def close(self) -> None:
        """Ends the connections that are kept."""
        for connection in self._idle:
            connection.writer.close()

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()  # the one that was used last
            age = time.monotonic() - (connection.idle_since or 0)
            if connection.open and age < self._longest_idle:
                return connection
            connection.writer.close()
        return None

    def _keep(self, connection: Connection) -> bool:
        connection.idle_since = time.monotonic()
        if not connection.open or len(self._idle) == self._most_idle:
            return False
        self._idle.append(connection)
        return True

    async def _dial(self, hostname: str) -> Connection:
        origin = self._rule.origin
        kind, _, rest = self._rule.service.partition(":")
        if kind in ("unix", "unix+tls"):
            tls = self._tls() if kind == "unix+tls" else None
            name = origin.get("originServerName") or hostname
            opened = asyncio.open_unix_connection(
                rest, ssl=tls, server_hostname=name if tls else None
            )
            return await self._connected(opened, f"unix {rest}")
        url = urlsplit(self._rule.service)
        if url.scheme not in DEFAULT_PORTS:
            raise Unreachable(f"the sandbox does not carry {url.scheme}")
        tls = self._tls() if url.scheme in TLS_SCHEMES else None
        name = (
            hostname
            if origin.get("matchSNItoHost")
            else origin.get("originServerName") or url.hostname
        )
        port = url.port or DEFAULT_PORTS[url.scheme]
        opened = asyncio.open_connection(
            url.hostname, port, ssl=tls, server_hostname=name if tls else None
        )
        return await self._connected(opened, f"tcp {url.hostname}:{port}")

    async def _connected(
        self, opened: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]], where: str
    ) -> Connection:
        """Waits for a connection.

        Raises:
            Unreachable: there is none, in the words of Go's `net`; of TLS it begins as Go does.
        """
        wait = duration(self._rule.origin.get("connectTimeout", "30s"))
        try:
            return Connection(*await asyncio.wait_for(opened, wait))
        except asyncio.TimeoutError as error:
            why = f"dial {where}: i/o timeout"
            raise Unreachable(why) from error
        except ssl.SSLError as error:
            why = f"tls: {error.reason}"
            raise Unreachable(why) from error
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else str(error)
            raise Unreachable(f"dial {where}: connect: {why}") from error

    def _tls(self) -> ssl.SSLContext:
        origin = self._rule.origin
        context = ssl.create_default_context(cafile=origin.get("caPool") or None)
        if origin.get("noTLSVerify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _length(answer: Head) -> int | None:
    """As Go has it: a length beside chunks counts for nothing."""
    if answer.tokens("transfer-encoding") == {"chunked"}:
        return -1
    return body_length(answer)


def _status(answer: Head) -> str:
    return answer.start.split(" ")[1]


def _is_kept(answer: Head) -> bool:
    """As `shouldClose` in Go's `net/http/transfer.go` has it."""
    tokens = answer.tokens("connection")
    return "close" not in tokens and (answer.start.startswith("HTTP/1.1") or "keep-alive" in tokens)


async def _send(
    request: Request,
    reader: asyncio.StreamReader,
    connection: Connection,
    uploaded: Callable[[], None],
) -> None:
    """Sends all of it, then watches: the service hears of a visitor who goes away, as by Go's context."""
    connection.sent = False
    with contextlib.suppress(ConnectionError):  # the answer, or its absence, tells
        connection.writer.write(request.head.encode() + request.ending)
        try:
            async for raw, content in pieces(reader, request.length):
                connection.writer.write(content if request.unframed else raw)
                await connection.writer.drain()
        except (asyncio.IncompleteReadError, BadHttp):
            connection.writer.transport.abort()
            return
        connection.sent = True
        uploaded()
        if not request.websocket and not await reader.read(1):
            connection.writer.transport.abort()


async def _head_of(connection: Connection) -> Head:
    try:
        head = await read_head(connection.reader)
    except asyncio.IncompleteReadError as error:
        raise BadHttp("the answer's head ends early") from error
    if head is None:
        raise ConnectionResetError("EOF")
    if not head.start.startswith("HTTP/1.") or " " not in head.start:
        raise BadHttp(f"malformed HTTP response {head.start!r}")
    _length(head)
    return head


async def ended(task: "asyncio.Task[None]") -> None:
    """Ends a task that may still run."""
    task.cancel()
    await asyncio.wait({task})


async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """All of what comes, until either side ends."""
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
