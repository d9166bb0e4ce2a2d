"""A connection of cloudflared over QUIC: it is the client, and opens the control stream; the edge opens the others.

What a stream begins with is from cloudflared's `tunnelrpc/quic/` and `connection/quic_connection.go`.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import (
    ConnectionTerminated,
    QuicEvent,
    StopSendingReceived,
    StreamDataReceived,
    StreamReset,
)

from . import remote_rules
from .capnp import BadMessage, Struct, decode, encode, next_size
from .http import Head, Headers, reason
from .http2 import NOT_PASSED
from .routes import Json
from .session import Session
from .tunnels import NoAnswer, Stream, Tunnels
from .weather import Location

ALPN = "argotunnel"
DATA = bytes.fromhex("0A36CD12A13E") + b"01"
"""What a stream for data begins with, in both directions: a signature and a version."""
CONTROL_STREAM = 0
_HTTP, _WEBSOCKET = 0, 1
_HEADER = "HttpHeader:"
_NO_ERROR = 0
_MOST_UNSENT = 1024 * 1024
_PAUSE_SECONDS = 0.005
_DATAGRAM_BYTES = 65536


class QuicStream(Stream):
    """One exchange, as a stream of QUIC."""

    def __init__(self, session: "QuicSession") -> None:
        self._session = session
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        """What has come; nothing more comes after None."""
        self._rest = b""
        self._method = ""
        self._continues = False
        self._sent = False
        self._refused = False
        self._broken = False
        self._over = False
        self.id: int | None = None

    async def message(self) -> bytes:
        """The next message of Cap'n Proto's.

        Raises:
            NoAnswer: the stream ends before.
        """
        while (size := next_size(self._rest)) is None or len(self._rest) < size:
            piece = await self._pieces.get()
            if piece is None:
                raise NoAnswer
            self._rest += piece
        message, self._rest = self._rest[:size], self._rest[size:]
        return message

    def feed(self, data: bytes, *, end: bool) -> None:
        """What the session has read for this stream."""
        if data:
            self._pieces.put_nowait(data)
        if end:
            self._pieces.put_nowait(None)

    def breaks(self) -> None:
        """The connector, or the connection, has ended it."""
        self._broken = self._refused = True
        self._pieces.put_nowait(None)

    def refuses(self) -> None:
        """The connector wants no more of the request."""
        self._refused = True

    async def send_head(self, head: Head, length: int, *, upgrade: bool) -> None:
        self._method, target = head.start.split(" ")[:2]
        websocket = upgrade and "websocket" in head.tokens("upgrade")
        self._continues = "100-continue" in head.tokens("expect")
        host = head.get("host") or ""
        kept = [(key, value) for key, value in head.headers if key.lower() not in NOT_PASSED]
        if length < 0:
            # Without one of the two fields cloudflared takes it for a request without a body.
            kept.append(("Transfer-Encoding", "chunked"))
        metadata = [
            ("HttpMethod", self._method),
            ("HttpHost", host),
            *((_HEADER + key, value) for key, value in kept),
        ]
        request = Struct(
            data=struct.pack("<Q", _WEBSOCKET if websocket else _HTTP),
            pointers=[
                f"http://{host}{target}",
                [Struct(pointers=[key, value]) for key, value in metadata],
            ],
        )
        self._sent = length == 0 and not websocket
        self.id = self._session.begin(self, DATA + encode(request), end=self._sent)

    async def send(self, raw: bytes, content: bytes) -> None:
        if self._refused or self.id is None:
            raise ConnectionResetError("the stream is closed")
        if content:
            await self._session.send(self.id, content)

    async def send_end(self) -> None:
        if not self._sent and not self._refused and self.id is not None:
            self._sent = True
            self._session.end_stream(self.id)

    async def answer(self) -> Head:
        if self._continues:
            self._continues = False
            return Head(start="HTTP/1.1 100 Continue", headers=[])
        data = b""
        while (size := next_size(data[len(DATA) :])) is None or len(data) < len(DATA) + size:
            piece = await self._pieces.get()
            if piece is None:
                self._over = True
                raise NoAnswer
            data += piece
        message, self._rest = data[len(DATA) : len(DATA) + size], data[len(DATA) + size :]
        try:
            return self._head(message)
        except (BadMessage, ValueError) as error:
            raise NoAnswer from error

    def _head(self, message: bytes) -> Head:
        response = decode(message)
        if response.text(0):
            raise NoAnswer
        metadata = [(pair.text(0), pair.text(1)) for pair in response.structs(1)]
        headers: Headers = [
            (key.removeprefix(_HEADER), value) for key, value in metadata if key.startswith(_HEADER)
        ]
        status = next((int(value) for key, value in metadata if key == "HttpStatus"), 502)
        names = {key.lower() for key, _ in headers}
        bodiless = self._method == "HEAD" or status in (101, 204, 304)
        if "content-length" not in names and not bodiless:
            headers = [item for item in headers if item[0].lower() != "transfer-encoding"]
            headers.append(("Transfer-Encoding", "chunked"))
        return Head(start=f"HTTP/1.1 {status} {reason(status)}", headers=headers)

    async def body(self, head: Head) -> AsyncIterator[bytes]:
        chunked = head.get("transfer-encoding") is not None
        piece: bytes | None = self._rest
        while piece is not None:
            if piece:
                yield b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece
            piece = await self._pieces.get()
        self._over = True
        if self._broken:
            raise ConnectionResetError("the connector ended the stream")
        if chunked:
            yield b"0\r\n\r\n"

    def close(self) -> None:
        self._session.close_stream(self, cancel=not (self._over and self._sent))


class QuicSession(Session[QuicStream]):
    """A connection over QUIC."""

    def __init__(
        self,
        protocol: "EdgeProtocol",
        quic: QuicConnection,
        tunnels: Tunnels,
        location: Location,
        *,
        drain_seconds: float,
    ) -> None:
        super().__init__(tunnels, location, drain_seconds=drain_seconds)
        self._protocol = protocol
        self._quic = quic
        self._numbered: dict[int, QuicStream] = {}
        """Open streams that have sent their head."""
        self._silent = asyncio.Event()

    def new_stream(self) -> QuicStream:
        return QuicStream(self)

    def end(self) -> None:
        for stream in self.streams:
            stream.breaks()
        self._protocol.close(_NO_ERROR)

    async def configure(self, version: int, config: Json) -> None:
        stream = self.opened()
        question = remote_rules.SIGNATURE + remote_rules.call(version, config)
        try:
            stream.id = self.begin(stream, question, end=False)
            while not remote_rules.answers_the_call(await stream.message()):
                pass
        finally:
            stream.close()

    def answer_call(self, data: bytes) -> None:
        self._write(CONTROL_STREAM, data)

    async def farewell(self) -> None:
        await self._silent.wait()

    def take(self, event: QuicEvent) -> None:
        """What the protocol has read."""
        match event:
            case StreamDataReceived(stream_id=number) if number == CONTROL_STREAM:
                with contextlib.suppress(BadMessage):
                    self.control.feed(event.data)
                if event.end_stream:
                    self._silent.set()
            case StreamDataReceived(stream_id=number) if number in self._numbered:
                self._numbered[number].feed(event.data, end=event.end_stream)
            case StreamReset(stream_id=number) if number in self._numbered:
                self._numbered[number].breaks()
            case StopSendingReceived(stream_id=number) if number in self._numbered:
                self._numbered[number].refuses()
            case ConnectionTerminated():
                self.close()

    def begin(self, stream: QuicStream, data: bytes, *, end: bool) -> int:
        """Opens a stream on the wire; its number."""
        if self.closed:
            raise ConnectionResetError("the connection is closed")
        number = self._quic.get_next_available_stream_id()
        self._numbered[number] = stream
        self._write(number, data, end=end)
        return number

    async def send(self, number: int, content: bytes) -> None:
        """Sends some of a body, once most of what came before is under way."""
        self._write(number, content)
        # aioquic keeps what is not acknowledged, and does not tell how much that is.
        sender = self._quic._streams[number].sender
        while len(sender._buffer) > _MOST_UNSENT and not self.closed:
            await asyncio.sleep(_PAUSE_SECONDS)

    def end_stream(self, number: int) -> None:
        """Ends the stream in this direction."""
        self._write(number, b"", end=True)

    def close_stream(self, stream: QuicStream, *, cancel: bool) -> None:
        """Nobody waits for the stream any more."""
        self.over(stream)
        if stream.id is None or self._numbered.pop(stream.id, None) is None or self.closed:
            return
        # aioquic forgets a stream that is over; it would open another one by that number, and its reset would end the
        # whole connection.
        if cancel and stream.id in self._quic._streams:
            with contextlib.suppress(ValueError, AssertionError):
                self._quic.reset_stream(stream.id, _NO_ERROR)
                self._quic.stop_stream(stream.id, _NO_ERROR)
            self._protocol.transmit()

    def _write(self, number: int, data: bytes, *, end: bool = False) -> None:
        if self.closed:
            raise ConnectionResetError("the connection is closed")
        try:
            self._quic.send_stream_data(number, data, end_stream=end)
        except (ValueError, AssertionError) as error:
            raise ConnectionResetError(str(error)) from error
        self._protocol.transmit()


class EdgeProtocol(QuicConnectionProtocol):
    """The glue between aioquic and a session."""

    def __init__(
        self, quic: QuicConnection, *, begin: Callable[["EdgeProtocol"], QuicSession], **more: Any
    ) -> None:
        super().__init__(quic, **more)
        self.session = begin(self)

    @property
    def quic(self) -> QuicConnection:
        """The connection."""
        return self._quic

    def quic_event_received(self, event: QuicEvent) -> None:
        self.session.take(event)


class QuicEdge:
    """Serves cloudflared over QUIC at one location.

    `dead_seconds` is the silence after which a connection counts as gone, `drain_seconds` how long
    one that was unregistered may finish its exchanges.
    """

    def __init__(
        self,
        tunnels: Tunnels,
        location: Location,
        *,
        certificate: Path,
        key: Path,
        dead_seconds: float,
        drain_seconds: float,
    ) -> None:
        self._tunnels = tunnels
        self._location = location
        self._drain_seconds = drain_seconds
        self._configuration = QuicConfiguration(
            is_client=False,
            alpn_protocols=[ALPN],
            idle_timeout=dead_seconds,
            max_datagram_frame_size=_DATAGRAM_BYTES,
        )
        self._configuration.load_cert_chain(certificate, key)

    def server(self) -> "Gate":
        """What reads a socket."""
        return Gate(
            self._location,
            configuration=self._configuration,
            create_protocol=self._protocol,
        )

    def _protocol(self, quic: QuicConnection, **more: Any) -> EdgeProtocol:
        def begin(protocol: EdgeProtocol) -> QuicSession:
            return QuicSession(
                protocol, quic, self._tunnels, self._location, drain_seconds=self._drain_seconds
            )

        return EdgeProtocol(quic, begin=begin, **more)


class Gate(QuicServer):
    """A socket's datagrams, as the conditions let them through."""

    def __init__(self, location: Location, **given: Any) -> None:
        super().__init__(**given)
        self._location = location

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(SlowTransport(transport, self._location))  # type: ignore[arg-type]

    def datagram_received(self, data: bytes | str, addr: Any) -> None:
        if not self._location.now.silent:
            super().datagram_received(data, addr)


class SlowTransport(asyncio.DatagramTransport):
    """Sends datagrams later, or never."""

    def __init__(self, transport: asyncio.DatagramTransport, location: Location) -> None:
        super().__init__()
        self._transport = transport
        self._location = location

    def sendto(self, data: Any, addr: Any = None) -> None:
        now = self._location.now
        if now.silent:
            return
        if now.delay_ms:
            later = asyncio.get_running_loop().call_later
            later(now.delay_ms / 1000, self._send, data, addr)
        else:
            self._send(data, addr)

    def close(self) -> None:
        self._transport.close()

    def _send(self, data: Any, addr: Any) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(data, addr)
