"""What stands behind a rule, over connections that are kept open.

As Go's `http.Transport` has them, of which each rule of the real one has its own (`newHTTPTransport` in its
`ingress/origin_service.go`).
"""

import asyncio
import contextlib
import ssl
import time
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from sandbox.cloudflare.http import BadHttp, Head, body_length, pieces, read_head

from .rules import Rule, duration

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

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._idle: list[Connection] = []
        self._most_idle = int(rule.origin.get("keepAliveConnections", 100))
        self._longest_idle = duration(rule.origin.get("keepAliveTimeout", "1m30s"))

    async def pass_on(
        self, head: Head, hostname: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Passes a request and its answer.

        Raises:
            Unreachable: the service gave no answer.
            OSError: a connection broke in the middle of it.
            BadHttp: what follows is no HTTP.
            asyncio.IncompleteReadError: the answer's body ends early.
        """
        upgrade = "upgrade" in head.tokens("connection")
        request = self._as_the_service_gets_it(head, upgrade)
        length = body_length(head) or 0
        try:
            connection, upload, answer = await self._answered(request, hostname, length, reader)
        except (OSError, asyncio.TimeoutError, BadHttp, ValueError) as error:
            raise Unreachable(str(error)) from error
        keeps = False
        try:
            while _status(answer).startswith("1") and _status(answer) != "101":
                writer.write(answer.encode())
                answer = await _head_of(connection)
            writer.write(answer.encode())
            if _status(answer) == "101":
                await ended(upload)
                upload = asyncio.create_task(copy(reader, connection.writer))
                download = asyncio.create_task(copy(connection.reader, writer))
                await asyncio.wait({upload, download}, return_when=asyncio.FIRST_COMPLETED)
                await ended(download)
                return
            bodiless = request.start.startswith("HEAD ") or _status(answer) in ("204", "304")
            remaining = 0 if bodiless else body_length(answer)
            async for raw, _ in pieces(connection.reader, remaining):
                writer.write(raw)
                await writer.drain()
            keeps = remaining is not None and _is_kept(answer) and connection.sent
        finally:
            await ended(upload)
            if not keeps or not self._keep(connection):
                connection.writer.close()

    async def _answered(
        self, request: Head, hostname: str, length: int, reader: asyncio.StreamReader
    ) -> tuple[Connection, "asyncio.Task[None]", Head]:
        """The connection that has answered, what is still being sent on it, and the head of the answer.

        A connection that was kept may be ended by the other side at any time: then a request that is safe to repeat goes
        over another one (`shouldRetryRequest` in Go's `net/http/transport.go`).
        """
        while True:
            connection = self._kept() or await self._dial(hostname)
            upload = asyncio.create_task(_send(request, length, reader, connection))
            try:
                return connection, upload, await _head_of(connection)
            except BaseException as error:
                await ended(upload)
                connection.writer.close()
                repeatable = length == 0 and request.start.split(" ")[0] in REPLAYABLE
                if (
                    connection.idle_since is None
                    or not repeatable
                    or not isinstance(error, OSError)
                ):
                    raise

    def _as_the_service_gets_it(self, head: Head, upgrade: bool) -> Head:
        """`proxyHTTPRequest` in the real one's `proxy/proxy.go`."""
        own = {"connection"}
        more = [("Connection", "Upgrade" if upgrade else "keep-alive")]
        if host := self._rule.origin.get("httpHostHeader"):
            own.add("host")
            more.insert(0, ("Host", str(host)))
        kept = [(key, value) for key, value in head.headers if key.lower() not in own]
        return replace(head, headers=[*more, *kept])

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
        wait = duration(origin.get("connectTimeout", "30s"))
        kind, _, rest = self._rule.service.partition(":")
        if kind in ("unix", "unix+tls"):
            tls = self._tls() if kind == "unix+tls" else None
            name = origin.get("originServerName") or hostname
            opened = asyncio.open_unix_connection(
                rest, ssl=tls, server_hostname=name if tls else None
            )
            return Connection(*await asyncio.wait_for(opened, wait))
        url = urlsplit(self._rule.service)
        if url.scheme not in DEFAULT_PORTS or url.scheme in ("ssh", "rdp", "smb", "tcp"):
            raise OSError(f"the sandbox does not carry {url.scheme}")
        tls = self._tls() if url.scheme in TLS_SCHEMES else None
        name = (
            hostname
            if origin.get("matchSNItoHost")
            else origin.get("originServerName") or url.hostname
        )
        opened = asyncio.open_connection(
            url.hostname,
            url.port or DEFAULT_PORTS[url.scheme],
            ssl=tls,
            server_hostname=name if tls else None,
        )
        return Connection(*await asyncio.wait_for(opened, wait))

    def _tls(self) -> ssl.SSLContext:
        origin = self._rule.origin
        context = ssl.create_default_context(cafile=origin.get("caPool") or None)
        if origin.get("noTLSVerify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _status(answer: Head) -> str:
    return answer.start.split(" ")[1]


def _is_kept(answer: Head) -> bool:
    """As `shouldClose` in Go's `net/http/transfer.go` has it."""
    tokens = answer.tokens("connection")
    return "close" not in tokens and (answer.start.startswith("HTTP/1.1") or "keep-alive" in tokens)


async def _send(
    request: Head, length: int, reader: asyncio.StreamReader, connection: Connection
) -> None:
    """Sends all of it, then watches: the service hears of a visitor who goes away, as by Go's context."""
    connection.sent = False
    with contextlib.suppress(ConnectionError):  # the answer, or its absence, tells
        connection.writer.write(request.encode())
        try:
            async for raw, _ in pieces(reader, length):
                connection.writer.write(raw)
                await connection.writer.drain()
        except (asyncio.IncompleteReadError, BadHttp):
            connection.writer.transport.abort()
            return
        connection.sent = True
        if "upgrade" not in request.tokens("connection") and not await reader.read(1):
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
