"""The far end of the tunnels: connectors register here and are asked to open streams.

A connector's first line on a control connection is a JSON object with account_tag, tunnel_id,
tunnel_secret, connector_id and conn_index; on a data connection it is {"stream": "<id>"}.

A connector that stops says {"unregister": true} on each of its connections and is answered
{"unregistered": true}: what was asked of it before, it finishes; new requests go elsewhere, as
cloudflared's `connection/control.go` and Cloudflare's page on tunnel availability have it.
"""

import asyncio
import hmac
import itertools
import json
import uuid
from dataclasses import dataclass, field, replace

from .models import Tunnel, now
from .routes import Json
from .store import Store

FIRST_LINE_SECONDS = 10.0
OPEN_SECONDS = 5.0


class NoConnections(Exception):
    """The tunnel has no live connection."""


class NoStream(Exception):
    """No live connection of the tunnel opened the stream."""


class Refused(Exception):
    """A connector may not register; the text is what it is told."""


@dataclass(eq=False)
class Stream:
    """A data connection. The owner calls `close` when the exchange is over."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def close(self) -> None:
        self.closed.set()


@dataclass(eq=False, kw_only=True)
class Control:
    """A registered control connection. `leaving` ones get no new streams."""

    tunnel_id: str
    connector_id: str
    index: int
    writer: asyncio.StreamWriter
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    opened_at: str = field(default_factory=now)
    leaving: bool = False
    last_used: int = 0
    waiting: dict[str, "asyncio.Future[Stream]"] = field(default_factory=dict)

    def put(self, message: Json) -> None:
        self.writer.write(json.dumps(message).encode() + b"\n")

    async def send(self, message: Json) -> None:
        self.put(message)
        await self.writer.drain()


class Tunnels:
    """Live connections of every tunnel.

    `ping_seconds` is the time between pings, `dead_seconds` the silence after which a control
    connection counts as gone.
    """

    def __init__(
        self, store: Store, *, ping_seconds: float = 5.0, dead_seconds: float = 15.0
    ) -> None:
        self._store = store
        self._ping_seconds = ping_seconds
        self._dead_seconds = dead_seconds
        self._controls: list[Control] = []
        self._turns = itertools.count(1)

    def connections(self, tunnel_id: str) -> list[Json]:
        """The live connections in the API's form."""
        return [
            {
                "id": control.id,
                "uuid": control.id,
                "client_id": control.connector_id,
                "client_version": "sandbox",
                "colo_name": "sbx01",
                "is_pending_reconnect": False,
                "opened_at": control.opened_at,
                "origin_ip": "127.0.0.1",
            }
            for control in self._live(tunnel_id)
        ]

    def disconnect(self, tunnel_id: str, connector_id: str | None = None) -> int:
        """Close the control connections of a tunnel or of one connector; streams go on."""
        chosen = [
            control
            for control in self._controls
            if control.tunnel_id == tunnel_id and connector_id in (None, control.connector_id)
        ]
        for control in chosen:
            self._forget(control)
        return len(chosen)

    async def open_stream(self, tunnel_id: str) -> Stream:
        """A data connection of the tunnel, from each connector and connection in turn."""
        tried: set[str] = set()
        while control := self._next(tunnel_id, tried):
            tried.add(control.id)
            stream = await self._open_on(control)
            if stream is not None:
                return stream
        raise NoStream() if tried else NoConnections()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a connector."""
        try:
            first = await asyncio.wait_for(read_message(reader), FIRST_LINE_SECONDS)
        except asyncio.TimeoutError:
            return
        if first is None:
            return
        if "stream" in first:
            await self._data(str(first["stream"]), Stream(reader, writer))
            return
        try:
            control = self._register(first, writer)
        except Refused as error:
            writer.write(json.dumps({"ok": False, "error": str(error)}).encode() + b"\n")
            await writer.drain()
            return
        try:
            await control.send({"ok": True, "location": "sbx01"})
            await self._attend(control, reader)
        finally:
            self._forget(control)

    def _register(self, first: Json, writer: asyncio.StreamWriter) -> Control:
        tunnel = self._store.tunnels.get(str(first.get("tunnel_id")))
        if tunnel is None or tunnel.deleted_at or tunnel.account_id != first.get("account_tag"):
            raise Refused("Unauthorized: Tunnel not found")
        secret = str(first.get("tunnel_secret"))
        if not hmac.compare_digest(secret.encode(), tunnel.secret.encode()):
            raise Refused("Unauthorized: Invalid tunnel secret")
        connector_id, index = first.get("connector_id"), first.get("conn_index")
        if not isinstance(connector_id, str) or not isinstance(index, int):
            raise Refused("connector_id must be a text and conn_index a whole number")
        for old in list(self._controls):
            if (old.tunnel_id, old.connector_id, old.index) == (tunnel.id, connector_id, index):
                self._forget(old)
        control = Control(
            tunnel_id=tunnel.id, connector_id=connector_id, index=index, writer=writer
        )
        if not self._live(tunnel.id):
            self._mark(tunnel, active=True)
        self._controls.append(control)
        return control

    async def _attend(self, control: Control, reader: asyncio.StreamReader) -> None:
        pings = asyncio.get_running_loop().create_task(self._ping(control))
        try:
            while True:
                message = await asyncio.wait_for(read_message(reader), self._dead_seconds)
                if message is None:
                    return
                if "ping" in message:
                    await control.send({"pong": message["ping"]})
                elif message.get("unregister"):
                    self._leave(control)
                    await control.send({"unregistered": True})
        except asyncio.TimeoutError:
            return
        finally:
            pings.cancel()

    async def _ping(self, control: Control) -> None:
        try:
            for number in itertools.count(1):
                await asyncio.sleep(self._ping_seconds)
                await control.send({"ping": number})
        except ConnectionError:
            self._forget(control)

    async def _data(self, stream_id: str, stream: Stream) -> None:
        for control in self._controls:
            future = control.waiting.get(stream_id)
            if future is not None and not future.done():
                future.set_result(stream)
                await stream.closed.wait()
                return

    async def _open_on(self, control: Control) -> Stream | None:
        stream_id = str(uuid.uuid4())
        future: asyncio.Future[Stream] = asyncio.get_running_loop().create_future()
        control.waiting[stream_id] = future
        try:
            # At once, since it must not come after an "unregistered".
            control.put({"open": stream_id})
            await asyncio.wait_for(control.writer.drain(), OPEN_SECONDS)
            await asyncio.wait({future}, timeout=OPEN_SECONDS)
            return future.result() if future.done() and not future.cancelled() else None
        except (asyncio.TimeoutError, ConnectionError):
            return None
        finally:
            future.cancel()
            control.waiting.pop(stream_id, None)

    def _next(self, tunnel_id: str, tried: set[str]) -> Control | None:
        live = self._live(tunnel_id)
        connectors: dict[str, int] = {}
        for control in live:
            last = connectors.get(control.connector_id, 0)
            connectors[control.connector_id] = max(last, control.last_used)
        chosen = min(
            (control for control in live if control.id not in tried),
            key=lambda control: (connectors[control.connector_id], control.last_used),
            default=None,
        )
        if chosen is not None:
            chosen.last_used = next(self._turns)
        return chosen

    def _live(self, tunnel_id: str) -> list[Control]:
        return [
            control
            for control in self._controls
            if control.tunnel_id == tunnel_id and not control.leaving
        ]

    def _leave(self, control: Control) -> None:
        """Give the connection no new streams; the connector's others unregister by themselves."""
        control.leaving = True
        self._mark_if_inactive(control.tunnel_id)

    def _forget(self, control: Control) -> None:
        if control not in self._controls:
            return
        self._controls.remove(control)
        for future in control.waiting.values():
            future.cancel()
        control.writer.close()
        if not control.leaving:
            self._mark_if_inactive(control.tunnel_id)

    def _mark_if_inactive(self, tunnel_id: str) -> None:
        tunnel = self._store.tunnels.get(tunnel_id)
        if tunnel is not None and not self._live(tunnel_id):
            self._mark(tunnel, active=False)

    def _mark(self, tunnel: Tunnel, *, active: bool) -> None:
        changed = (
            replace(tunnel, conns_active_at=now(), conns_inactive_at=None)
            if active
            else replace(tunnel, conns_inactive_at=now())
        )
        self._store.put_tunnel(changed)


async def read_message(reader: asyncio.StreamReader) -> Json | None:
    """The next line's object; None when the peer closed or the line is not one."""
    try:
        line = await reader.readuntil(b"\n")
        value = json.loads(line)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        return None
    return value if isinstance(value, dict) else None
