"""What the sandbox's own cloudflared speaks to the edge: lines of JSON, and a connection for each exchange.

A connector's first line on a control connection is a JSON object with account_tag, tunnel_id,
tunnel_secret, connector_id and conn_index; on a data connection it is {"stream": "<id>"}, and
HTTP/1.1 follows.

A connector that stops says {"unregister": true} on each of its connections and is answered
{"unregistered": true}: what was asked of it before, it finishes; new requests go elsewhere, as
cloudflared's `connection/control.go` and Cloudflare's page on tunnel availability have it.
"""

import asyncio
import base64
import binascii
import contextlib
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from .http import BadHttp, Head, body_length, pieces, read_head
from .routes import Json
from .tunnels import Connection, NoAnswer, Refused, Stream, Tunnels
from .weather import Location, Wire

FIRST_LINE_SECONDS = 10.0
OPEN_SECONDS = 5.0
UNANSWERED_SECONDS = 6.0
"""How long a connection stays open whose registration gets no answer."""


class DataStream(Stream):
    """A data connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._wire: Wire | None = None
        self._method = ""
        self._upgrade = False
        self.closed = asyncio.Event()
        self.when_closed: Callable[[], None] = lambda: None

    async def send_head(self, head: Head, length: int, *, upgrade: bool) -> None:
        self._method = head.start.split(" ")[0]
        self._upgrade = upgrade
        await self.send(head.encode(), b"")

    def travels(self, location: Location) -> None:
        """It belongs to a connection to this location."""
        self._wire = Wire(self._writer, location)

    async def send(self, raw: bytes, content: bytes) -> None:
        assert self._wire is not None
        self._wire.write(raw)
        await self._wire.drain()

    async def send_end(self) -> None:
        if self._upgrade:
            self._writer.write_eof()

    async def answer(self) -> Head:
        try:
            head = await read_head(self._reader)
        except (ConnectionError, asyncio.IncompleteReadError, BadHttp):
            head = None
        if head is None or not head.start.startswith("HTTP/1.") or " " not in head.start:
            raise NoAnswer
        return head

    def body(self, head: Head) -> AsyncIterator[bytes]:
        status = head.start.split(" ")[1]
        bodiless = self._method == "HEAD" or status in ("204", "304")
        try:
            length = None if status == "101" else 0 if bodiless else body_length(head)
        except BadHttp as error:
            raise NoAnswer from error
        return self._body(length)

    async def _body(self, length: int | None) -> AsyncIterator[bytes]:
        try:
            async for raw, _ in pieces(self._reader, length):
                yield raw
        except BadHttp as error:
            raise ConnectionAbortedError("the answer's body is not HTTP") from error

    def cut(self) -> None:
        """Its connection is gone."""
        self._writer.transport.abort()

    def close(self) -> None:
        self.closed.set()
        self.when_closed()


class ControlConnection(Connection):
    """A registered control connection."""

    def __init__(self, wire: Wire, location: Location, tunnel_id: str, first: Json) -> None:
        super().__init__(
            tunnel_id=tunnel_id,
            connector_id=first["connector_id"],
            index=first["conn_index"],
            version=str(first.get("version", "sandbox")),
            location=location.name,
        )
        self._wire = wire
        self._location = location
        self._waiting: dict[str, asyncio.Future[DataStream]] = {}
        self._streams: set[DataStream] = set()
        self.emptied = asyncio.Event()

    @property
    def gone(self) -> bool:
        """Whether its location is."""
        return self._location.now.gone

    @property
    def keeps_drained(self) -> bool:
        """Whether it stays open with nothing more to do."""
        return self._location.now.keeps_drained

    async def say(self, message: Json) -> None:
        self._put(message)
        await self._wire.drain()

    async def configure(self, version: int, config: Json) -> None:
        await self.say({"configure": {"version": version, "config": config}})

    @property
    def busy(self) -> bool:
        """Whether an exchange goes on, or is about to."""
        return bool(self._streams or self._waiting)

    def over(self, stream: DataStream) -> None:
        """An exchange has ended."""
        self._streams.discard(stream)
        self._look()

    async def open(self) -> Stream | None:
        stream_id = str(uuid.uuid4())
        future: asyncio.Future[DataStream] = asyncio.get_running_loop().create_future()
        self._waiting[stream_id] = future
        try:
            # At once, since it must not come after an "unregistered".
            self._put({"open": stream_id})
            await asyncio.wait_for(self._wire.drain(), OPEN_SECONDS)
            await asyncio.wait({future}, timeout=OPEN_SECONDS)
            return future.result() if future.done() and not future.cancelled() else None
        except (asyncio.TimeoutError, ConnectionError):
            return None
        finally:
            future.cancel()
            self._waiting.pop(stream_id, None)
            self._look()

    def drop(self) -> None:
        for future in self._waiting.values():
            future.cancel()
        for stream in list(self._streams):
            stream.cut()
        self._wire.close()

    def take(self, stream_id: str, stream: DataStream) -> bool:
        """Whether this connection waits for the stream, which it gets then."""
        future = self._waiting.get(stream_id)
        if future is None or future.done():
            return False
        stream.travels(self._location)
        self._streams.add(stream)
        stream.when_closed = partial(self.over, stream)
        future.set_result(stream)
        return True

    def _look(self) -> None:
        if not self.busy:
            self.emptied.set()

    def _put(self, message: Json) -> None:
        self._wire.write(json.dumps(message).encode() + b"\n")


class StandinEdge:
    """Serves the sandbox's own cloudflared.

    `ping_seconds` is the time between pings, `dead_seconds` the silence after which a control
    connection counts as gone, `drain_seconds` how long one that was unregistered may finish its
    exchanges.
    """

    def __init__(
        self,
        tunnels: Tunnels,
        locations: Sequence[Location],
        *,
        ping_seconds: float,
        dead_seconds: float,
        drain_seconds: float,
    ) -> None:
        self._tunnels = tunnels
        self._locations = locations
        for location in locations:
            location.watch(self._drop_the_gone)
        self._ping_seconds = ping_seconds
        self._dead_seconds = dead_seconds
        self._drain_seconds = drain_seconds
        self._controls: list[ControlConnection] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection of a connector."""
        try:
            first = await asyncio.wait_for(read_message(reader), FIRST_LINE_SECONDS)
        except asyncio.TimeoutError:
            return
        if first is None:
            return
        if "stream" in first:
            stream = DataStream(reader, writer)
            if any(control.take(str(first["stream"]), stream) for control in self._controls):
                await stream.closed.wait()
            return
        address = first.get("address")
        location = self._locations[
            address % len(self._locations) if isinstance(address, int) else 0
        ]
        if location.now.gone:
            writer.write(b'{"gone":true}\n')
            return
        wire = Wire(writer, location)
        try:
            control = self._register(first, wire, location)
        except Refused as error:
            if error.args[0]:
                answer = {"ok": False, "error": str(error)}
                wire.write(json.dumps(answer).encode() + b"\n")
                wire.close()
                await wire.wait_closed()
            else:
                await asyncio.sleep(UNANSWERED_SECONDS)
            return
        self._controls.append(control)
        try:
            await control.say({"ok": True, "location": control.location})
            await self._attend(control, reader)
        finally:
            self._controls.remove(control)
            self._tunnels.forget(control)
            await wire.wait_closed()

    async def _drop_the_gone(self) -> None:
        for control in list(self._controls):
            if control.gone:
                self._tunnels.forget(control)

    def _register(self, first: Json, wire: Wire, location: Location) -> ControlConnection:
        if location.now.refusal is not None:
            raise Refused(location.now.refusal)
        try:
            secret = base64.b64decode(str(first.get("tunnel_secret")), validate=True)
        except binascii.Error as error:
            raise Refused("Unauthorized: Invalid tunnel secret") from error
        account, tunnel_id = str(first.get("account_tag")), str(first.get("tunnel_id"))
        tunnel = self._tunnels.admitted(account, tunnel_id, secret)
        connector_id, index = first.get("connector_id"), first.get("conn_index")
        if not isinstance(connector_id, str) or not isinstance(index, int):
            raise Refused("connector_id must be a text and conn_index a whole number")
        if (old := self._tunnels.live(tunnel.id, connector_id, index)) is not None:
            self._tunnels.forget(old)
        control = ControlConnection(wire, location, tunnel.id, first)
        self._tunnels.add(control)
        return control

    async def _attend(self, control: ControlConnection, reader: asyncio.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        pings = loop.create_task(self._ping(control))
        draining: asyncio.Task[None] | None = None
        try:
            while True:
                message = await asyncio.wait_for(read_message(reader), self._dead_seconds)
                if message is None:
                    return
                if "ping" in message:
                    await control.say({"pong": message["ping"]})
                elif message.get("unregister"):
                    self._tunnels.leave(control)
                    await control.say({"unregistered": True})
                    draining = loop.create_task(self._drain(control))
        except asyncio.TimeoutError:
            return
        finally:
            pings.cancel()
            if draining is not None:
                draining.cancel()

    async def _drain(self, control: ControlConnection) -> None:
        """Lets the open streams end, then closes, which is what the connector waits for."""
        if control.busy:
            control.emptied.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(control.emptied.wait(), self._drain_seconds)
        if not control.keeps_drained:
            self._tunnels.forget(control)

    async def _ping(self, control: ControlConnection) -> None:
        try:
            for number in itertools.count(1):
                await asyncio.sleep(self._ping_seconds)
                await control.say({"ping": number})
        except ConnectionError:
            self._tunnels.forget(control)


async def read_message(reader: asyncio.StreamReader) -> Json | None:
    """The next line's object; None when the peer closed or the line is not one."""
    try:
        line = await reader.readuntil(b"\n")
        value = json.loads(line)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        return None
    return value if isinstance(value, dict) else None
