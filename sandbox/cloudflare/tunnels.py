"""The far end of the tunnels: which connections are registered, and which one takes the next request."""

import asyncio
import base64
import contextlib
import hmac
import itertools
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from .http import Head
from .models import Tunnel, now
from .routes import Json
from .store import Store

LOCATIONS = ("sbx01", "sbx02")
"""Cloudflare's data centres, as they are called here."""

CONFIGURE_SECONDS = 5.0
"""How long a connector may take for new rules."""


class NoConnections(Exception):
    """The tunnel has no live connection."""


class NoStream(Exception):
    """No live connection of the tunnel opened the stream."""


class NoAnswer(Exception):
    """The connector ended the exchange without an answer, or with one that is none."""


class Refused(Exception):
    """A connector may not register; the text is what it is told."""


class Stream(ABC):
    """An exchange with a connector. Whoever opened it calls `close` in the end."""

    @abstractmethod
    async def send_head(self, head: Head, length: int, *, upgrade: bool) -> None:
        """The request without its body, which has `length` bytes, or for -1 an end that is to come."""

    @abstractmethod
    async def send(self, raw: bytes, content: bytes) -> None:
        """Some of the request's body: as it is on the wire of HTTP/1.1, and what it holds."""

    @abstractmethod
    async def send_end(self) -> None:
        """The request's body is whole; the visitor's half of an upgraded connection has ended."""

    @abstractmethod
    async def answer(self) -> Head:
        """The head of the answer, or an interim one.

        Raises:
            NoAnswer: there is none.
        """

    @abstractmethod
    def body(self, head: Head) -> AsyncIterator[bytes]:
        """The body that belongs to a head, as it is on the wire of HTTP/1.1.

        Raises:
            NoAnswer: the head does not tell how long it is; at once.
            ConnectionError, asyncio.IncompleteReadError: it ends early.
        """

    @abstractmethod
    def close(self) -> None:
        """The exchange is over, or nobody waits for the rest of it."""


class Connection(ABC):
    """A registered connection of a connector. `leaving` ones get no new streams."""

    def __init__(
        self, *, tunnel_id: str, connector_id: str, index: int, version: str, location: str
    ) -> None:
        self.tunnel_id = tunnel_id
        self.connector_id = connector_id
        self.index = index
        self.version = version
        self.location = location
        self.id = str(uuid.uuid4())
        self.opened_at = now()
        self.leaving = False
        self.last_used = 0

    @abstractmethod
    async def open(self) -> Stream | None:
        """A new stream; None when the connector does not open it."""

    @abstractmethod
    async def configure(self, version: int, config: Json) -> None:
        """Gives its connector rules of the dashboard's; one that has newer ones keeps them."""

    @abstractmethod
    def drop(self) -> None:
        """Closes the connection."""


class Tunnels:
    """Registered connections of every tunnel."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connections: list[Connection] = []
        self._turns = itertools.count(1)
        self._pushes: set[asyncio.Task[None]] = set()

    def connections(self, tunnel_id: str) -> list[Json]:
        """The live connections in the API's form."""
        return [
            {
                "id": connection.id,
                "uuid": connection.id,
                "client_id": connection.connector_id,
                "client_version": connection.version,
                "colo_name": connection.location,
                "is_pending_reconnect": False,
                "opened_at": connection.opened_at,
                "origin_ip": "127.0.0.1",
            }
            for connection in self._live(tunnel_id)
        ]

    def disconnect(self, tunnel_id: str, connector_id: str | None = None) -> int:
        """Closes the connections of a tunnel or of one connector; returns how many."""
        chosen = [
            connection
            for connection in self._connections
            if connection.tunnel_id == tunnel_id and connector_id in (None, connection.connector_id)
        ]
        for connection in chosen:
            self.forget(connection)
        return len(chosen)

    async def open_stream(self, tunnel_id: str) -> Stream:
        """A stream of the tunnel, from each connector and connection in turn.

        Raises:
            NoConnections: no connector is there.
            NoStream: none opened a stream.
        """
        tried: set[str] = set()
        while connection := self._next(tunnel_id, tried):
            tried.add(connection.id)
            stream = await connection.open()
            if stream is not None:
                return stream
        raise NoStream() if tried else NoConnections()

    def admitted(self, account_tag: str, tunnel_id: str, secret: bytes) -> Tunnel:
        """The tunnel that a connector may serve.

        Raises:
            Refused: it is not there, or the secret is not its own.
        """
        tunnel = self._store.tunnels.get(tunnel_id)
        if tunnel is None or tunnel.deleted_at or tunnel.account_id != account_tag:
            raise Refused("Unauthorized: Failed to get tunnel")
        if not hmac.compare_digest(secret, base64.b64decode(tunnel.secret)):
            raise Refused("Unauthorized: Invalid tunnel secret")
        return tunnel

    def live(self, tunnel_id: str, connector_id: str, index: int) -> Connection | None:
        """The registered connection of that connector and index."""
        key = (tunnel_id, connector_id, index)
        for connection in self._connections:
            if (connection.tunnel_id, connection.connector_id, connection.index) == key:
                return connection
        return None

    def add(self, connection: Connection) -> None:
        """A connection is registered."""
        if not self._live(connection.tunnel_id):
            self._mark(self._store.tunnels[connection.tunnel_id], active=True)
        self._connections.append(connection)
        self.push(connection.tunnel_id, [connection])

    def push(self, tunnel_id: str, connections: Sequence[Connection] | None = None) -> None:
        """Gives a tunnel's connectors its rules, where it has them from the dashboard."""
        tunnel = self._store.tunnels[tunnel_id]
        if tunnel.config_src != "cloudflare" or tunnel.configuration is None:
            return
        for connection in self._live(tunnel_id) if connections is None else connections:
            work = connection.configure(tunnel.configuration_version, tunnel.configuration)
            task = asyncio.get_running_loop().create_task(_unless_gone(work))
            self._pushes.add(task)
            task.add_done_callback(self._pushes.discard)

    def leave(self, connection: Connection) -> None:
        """Gives it no new streams; the connector's others unregister by themselves."""
        connection.leaving = True
        self._mark_if_inactive(connection.tunnel_id)

    def forget(self, connection: Connection) -> None:
        """Closes it, if that is still to be done."""
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        connection.drop()
        if not connection.leaving:
            self._mark_if_inactive(connection.tunnel_id)

    def _next(self, tunnel_id: str, tried: set[str]) -> Connection | None:
        live = self._live(tunnel_id)
        connectors: dict[str, int] = {}
        for connection in live:
            last = connectors.get(connection.connector_id, 0)
            connectors[connection.connector_id] = max(last, connection.last_used)
        chosen = min(
            (connection for connection in live if connection.id not in tried),
            key=lambda connection: (connectors[connection.connector_id], connection.last_used),
            default=None,
        )
        if chosen is not None:
            chosen.last_used = next(self._turns)
        return chosen

    def _live(self, tunnel_id: str) -> list[Connection]:
        return [
            connection
            for connection in self._connections
            if connection.tunnel_id == tunnel_id and not connection.leaving
        ]

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


async def _unless_gone(work: Coroutine[Any, Any, None]) -> None:
    """Does what takes a connection, which may end meanwhile."""
    with contextlib.suppress(ConnectionError, NoAnswer, asyncio.TimeoutError):
        await asyncio.wait_for(work, CONFIGURE_SECONDS)
