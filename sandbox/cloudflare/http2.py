"""A connection of cloudflared over HTTP/2: it is the TLS client and the HTTP/2 server, the edge opens the streams.

What each header means is from cloudflared's `connection/http2.go` and `connection/header.go`.
"""

import asyncio
import base64
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Iterator

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from . import remote_rules
from .capnp import BadMessage
from .http import Head, Headers, reason
from .routes import Json
from .session import Session
from .tunnels import NoAnswer, Stream, Tunnels
from .weather import Location, Wire

KIND = b"cf-cloudflared-proxy-connection-upgrade"
ANSWER_HEADERS = b"cf-cloudflared-response-headers"
ANSWER_META = b"cf-cloudflared-response-meta"
NOT_PASSED = {
    "connection",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
"""Fields of HTTP/1.1 that HTTP/2 has no place for, and those that the edge answers itself."""
WINDOW = 4 * 1024 * 1024
PIECE = 65536


class Http2Stream(Stream):
    """One exchange, as a stream of HTTP/2."""

    def __init__(self, session: "Http2Session") -> None:
        self._session = session
        self._events: asyncio.Queue[h2.events.Event | None] = asyncio.Queue()
        self._method = ""
        self._upgrade = False
        self._continues = False
        self._sent = False
        self._over = False
        self.id = 0

    def put(self, event: h2.events.Event | None) -> None:
        """What the session has read for this stream; None when the connection is gone."""
        self._events.put_nowait(event)

    async def send_head(self, head: Head, length: int, *, upgrade: bool) -> None:
        self._method, target = head.start.split(" ")[:2]
        self._upgrade = upgrade and "websocket" in head.tokens("upgrade")
        self._continues = "100-continue" in head.tokens("expect")
        self._sent = length == 0 and not self._upgrade
        fields = [
            (b":method", self._method.encode("latin-1")),
            (b":scheme", b"https"),
            (b":authority", (head.get("host") or "").encode("latin-1")),
            (b":path", target.encode("latin-1")),
            *(
                (key.lower().encode("latin-1"), value.encode("latin-1"))
                for key, value in head.headers
                if key.lower() not in NOT_PASSED
            ),
            *([(KIND, b"websocket")] if self._upgrade else []),
        ]
        self.id = self._session.begin(self, fields, end=self._sent)

    async def send(self, raw: bytes, content: bytes) -> None:
        await self._session.send(self.id, content)

    async def send_end(self) -> None:
        if not self._sent:
            self._sent = True
            self._session.end_stream(self.id)

    async def answer(self) -> Head:
        if self._continues:
            self._continues = False
            return Head(start="HTTP/1.1 100 Continue", headers=[])
        event = await self._events.get()
        if not isinstance(event, h2.events.ResponseReceived):
            self._over = event is None or isinstance(event, h2.events.StreamReset)
            raise NoAnswer
        return self._head(dict(event.headers))

    def _head(self, outer: dict[bytes, bytes]) -> Head:
        status = int(outer[b":status"])
        if status == 502 and json.loads(outer.get(ANSWER_META, b"{}")).get("src") == "cloudflared":
            raise NoAnswer
        headers = decoded(outer.get(ANSWER_HEADERS, b""))
        names = {key.lower() for key, _ in headers}
        if self._upgrade and status == 200 and "sec-websocket-accept" in names:
            status = 101
            headers += [] if "upgrade" in names else [("Upgrade", "websocket")]
        elif "content-length" not in names and not self._bodiless(status):
            headers.append(("Transfer-Encoding", "chunked"))
        return Head(start=f"HTTP/1.1 {status} {reason(status)}", headers=headers)

    def _bodiless(self, status: int) -> bool:
        return self._method == "HEAD" or status in (204, 304)

    async def body(self, head: Head) -> AsyncIterator[bytes]:
        chunked = head.get("transfer-encoding") is not None
        trailers: Headers = []
        while not self._over:
            event = await self._events.get()
            match event:
                case h2.events.DataReceived(data=data, flow_controlled_length=taken):
                    if data:
                        yield b"%x\r\n%s\r\n" % (len(data), data) if chunked else data
                    self._session.taken(self.id, taken or 0)
                case h2.events.TrailersReceived(headers=fields):
                    trailers = [(key.decode(), value.decode("latin-1")) for key, value in fields]
                case h2.events.StreamEnded():
                    self._over = True
                case None | h2.events.StreamReset():
                    self._over = True
                    raise ConnectionResetError("the connector ended the stream")
        if chunked:
            yield Head(start="0", headers=trailers).encode()

    def close(self) -> None:
        self._session.close_stream(self, cancel=not (self._over and self._sent))

    def untaken(self) -> int:
        """Bytes of the answer that nobody has read."""
        count = 0
        while not self._events.empty():
            event = self._events.get_nowait()
            if isinstance(event, h2.events.DataReceived):
                count += event.flow_controlled_length or 0
        return count


def decoded(serialized: bytes) -> Headers:
    """The fields of an answer as the service behind the connector sent them."""

    def plain(text: bytes) -> str:
        return base64.b64decode(text + b"=" * (-len(text) % 4)).decode("latin-1")

    pairs = (item.split(b":") for item in serialized.split(b";") if item)
    return [(plain(name), plain(value)) for name, value in pairs]


class Http2Session(Session[Http2Stream]):
    """A connection over TCP, TLS and HTTP/2."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        tunnels: Tunnels,
        location: Location,
        *,
        drain_seconds: float,
    ) -> None:
        super().__init__(tunnels, location, drain_seconds=drain_seconds)
        self.heard = asyncio.get_running_loop().time()
        """When something was read last."""
        self._reader = reader
        self._wire = Wire(writer, location)
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=True,
                header_encoding=None,
                validate_inbound_headers=False,
                normalize_inbound_headers=False,
                validate_outbound_headers=False,
            )
        )
        self._control_id = 0
        self._numbered: dict[int, Http2Stream] = {}
        """Open streams that have sent their head."""
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Serves the connection until either side closes it."""
        settings = h2.settings.SettingCodes
        self._h2.local_settings = h2.settings.Settings(
            client=True,
            initial_values={settings.ENABLE_PUSH: 0, settings.INITIAL_WINDOW_SIZE: WINDOW},
        )
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(WINDOW)
        self._control_id = self._h2.get_next_available_stream_id()
        fields = [
            (b":method", b"GET"),
            (b":scheme", b"https"),
            (b":authority", b"cftunnel.com"),
            (b":path", b"/"),
            (KIND, b"control-stream"),
        ]
        self._h2.send_headers(self._control_id, fields)
        self._flush()
        try:
            while data := await self._reader.read(PIECE):
                self.heard = asyncio.get_running_loop().time()
                for event in self._h2.receive_data(data):
                    self._take(event)
                self._flush()
        except (h2.exceptions.ProtocolError, BadMessage):
            pass
        finally:
            self.close()

    def new_stream(self) -> Http2Stream:
        return Http2Stream(self)

    def end(self) -> None:
        for stream in self.streams:
            stream.put(None)
        self._moved.set()
        self._wire.close()

    async def configure(self, version: int, config: Json) -> None:
        stream = self.opened()
        fields = [
            (b":method", b"PUT"),
            (b":scheme", b"https"),
            (b":authority", b"cftunnel.com"),
            (b":path", b"/"),
            (KIND, b"update-configuration"),
        ]
        try:
            stream.id = self.begin(stream, fields, end=False)
            await self.send(stream.id, remote_rules.body(version, config))
            self.end_stream(stream.id)
            await stream.answer()
        finally:
            stream.close()

    def answer_call(self, data: bytes) -> None:
        with contextlib.suppress(h2.exceptions.ProtocolError):
            self._h2.send_data(self._control_id, data)
            self._flush()

    # What the streams ask for

    def begin(self, stream: Http2Stream, fields: list[tuple[bytes, bytes]], *, end: bool) -> int:
        """Sends the head of a request; the stream's number."""
        with self._refusing():
            number = self._h2.get_next_available_stream_id()
            self._h2.send_headers(number, fields, end_stream=end)
        self._numbered[number] = stream
        self._flush()
        return number

    async def send(self, number: int, content: bytes) -> None:
        """Sends some of a body as the connector's window lets it.

        Raises:
            ConnectionError: the stream is closed.
        """
        rest = memoryview(content)
        while rest:
            with self._refusing():
                room = min(
                    self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size
                )
                if room:
                    self._h2.send_data(number, bytes(rest[:room]))
            if room:
                rest = rest[room:]
                self._flush()
                await self._wire.drain()
            else:
                self._moved.clear()
                await self._moved.wait()

    def end_stream(self, number: int) -> None:
        """Ends the stream in this direction."""
        with self._refusing():
            self._h2.end_stream(number)
        self._flush()

    def taken(self, number: int, count: int) -> None:
        """So much of an answer was passed on: more may come."""
        if count and not self.closed:
            with contextlib.suppress(h2.exceptions.ProtocolError):
                self._h2.acknowledge_received_data(count, number)
            self._flush()

    def close_stream(self, stream: Http2Stream, *, cancel: bool) -> None:
        """Nobody waits for the stream any more."""
        self.over(stream)
        if self._numbered.pop(stream.id, None) is None or self.closed:
            return
        self.taken(stream.id, stream.untaken())
        if cancel:
            with contextlib.suppress(h2.exceptions.ProtocolError):
                self._h2.reset_stream(stream.id, h2.errors.ErrorCodes.CANCEL)
            self._flush()

    def ping(self, number: int) -> None:
        """Asks whether somebody is there."""
        with contextlib.suppress(ConnectionError), self._refusing():
            self._h2.ping(number.to_bytes(8, "big"))
            self._flush()

    # The wire

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.DataReceived(stream_id=number) if number == self._control_id:
                self.taken(number, event.flow_controlled_length or 0)
                self.control.feed(event.data or b"")
            case (
                h2.events.DataReceived(stream_id=number)
                | h2.events.ResponseReceived(stream_id=number)
                | h2.events.TrailersReceived(stream_id=number)
                | h2.events.StreamEnded(stream_id=number)
                | h2.events.StreamReset(stream_id=number)
            ):
                self._moved.set()
                if number in self._numbered:
                    self._numbered[number].put(event)
                elif isinstance(event, h2.events.DataReceived):
                    self.taken(number, event.flow_controlled_length or 0)
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self._moved.set()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self.closed:
            self._wire.write(data)

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        if self.closed:
            raise ConnectionResetError("the connection is closed")
        try:
            yield
        except h2.exceptions.ProtocolError as error:
            raise ConnectionResetError(str(error)) from error


class Http2Edge:
    """Serves cloudflared over HTTP/2 at one location.

    `ping_seconds` is the time between pings, `dead_seconds` the silence after which a connection
    counts as gone, `drain_seconds` how long one that was unregistered may finish its exchanges.
    """

    def __init__(
        self,
        tunnels: Tunnels,
        location: Location,
        *,
        ping_seconds: float,
        dead_seconds: float,
        drain_seconds: float,
    ) -> None:
        self._tunnels = tunnels
        self._location = location
        self._ping_seconds = ping_seconds
        self._dead_seconds = dead_seconds
        self._drain_seconds = drain_seconds

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection of a connector."""
        session = Http2Session(
            reader, writer, self._tunnels, self._location, drain_seconds=self._drain_seconds
        )
        pings = asyncio.get_running_loop().create_task(self._ping(session))
        try:
            await session.run()
        finally:
            pings.cancel()

    async def _ping(self, session: Http2Session) -> None:
        loop = asyncio.get_running_loop()
        for number in itertools.count(1):
            await asyncio.sleep(self._ping_seconds)
            if loop.time() - session.heard > self._dead_seconds:
                session.close()
            session.ping(number)
