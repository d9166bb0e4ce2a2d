"""A connection of cloudflared as the edge keeps it, whichever protocol carries it."""

import asyncio
import contextlib
import uuid
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from .registration import ControlStream, Details, Refusal, Registration
from .routes import Json
from .tunnels import Connection, Refused, Stream, Tunnels
from .weather import Location

DUPLICATE = "EDUPCONN"
"""The cause by which cloudflared knows that it should take another address."""
REFUSED_SECONDS = 0.2
"""How long a refused connection stays open: cloudflared tries again only when it is closed."""
UNANSWERED_SECONDS = 6.0
"""How long a connection stays open whose registration gets no answer; cloudflared waits 5 s for one."""
Carried = TypeVar("Carried", bound=Stream)


class SessionConnection(Connection):
    """A registered connection."""

    def __init__(self, session: "Session[Any]", **given: Any) -> None:
        super().__init__(**given)
        self._session = session

    async def open(self) -> Stream | None:
        return None if self._session.closed else self._session.opened()

    async def configure(self, version: int, config: Json) -> None:
        await self._session.configure(version, config)

    def drop(self) -> None:
        self._session.close()


class Session(ABC, Generic[Carried]):
    """A connection from its handshake to its end; what decides about its registration."""

    def __init__(self, tunnels: Tunnels, location: Location, *, drain_seconds: float) -> None:
        self.closed = False
        self.streams: set[Carried] = set()
        """Those that are open."""
        self.control = ControlStream(self, self.answer_call)
        self._tunnels = tunnels
        self._location = location
        self._drain_seconds = drain_seconds
        self._connection: SessionConnection | None = None
        self._emptied = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @abstractmethod
    def new_stream(self) -> Carried:
        """A stream whose head is yet to be sent."""

    @abstractmethod
    def answer_call(self, data: bytes) -> None:
        """Sends an answer on the control stream."""

    @abstractmethod
    async def configure(self, version: int, config: Json) -> None:
        """Gives the connector rules of the dashboard's."""

    @abstractmethod
    def end(self) -> None:
        """Closes what carries it, and tells its streams."""

    async def farewell(self) -> None:
        """Waits for what cloudflared still says after it has unregistered."""

    def opened(self) -> Carried:
        """A new stream, for which the connection stays open."""
        stream = self.new_stream()
        self.streams.add(stream)
        return stream

    def over(self, stream: Carried) -> None:
        """A stream has ended, or nobody waits for the rest of it."""
        self.streams.discard(stream)
        if not self.streams:
            self._emptied.set()

    def close(self) -> None:
        """Ends the connection, and every exchange on it."""
        if self.closed:
            return
        self.closed = True
        for task in self._tasks:
            task.cancel()
        self.end()
        if self._connection is not None:
            self._tunnels.forget(self._connection)

    def register(self, registration: Registration) -> Details | Refusal | None:
        now = self._location.now
        tunnel_id = str(uuid.UUID(bytes=registration.tunnel_id))
        connector_id = str(uuid.UUID(bytes=registration.connector_id))
        if now.refusal == "":
            self._close_later(UNANSWERED_SECONDS)
            return None
        try:
            if now.refusal:
                raise Refused(now.refusal)
            tunnel = self._tunnels.admitted(
                registration.account_tag, tunnel_id, registration.secret
            )
            old = self._tunnels.live(tunnel_id, connector_id, registration.index)
            if old is not None and not registration.replaces:
                raise Refused(DUPLICATE)
        except Refused as error:
            self._close_later(REFUSED_SECONDS)
            return Refusal(cause=str(error), should_retry=now.retry)
        if old is not None:
            self._tunnels.forget(old)
        self._connection = SessionConnection(
            self,
            tunnel_id=tunnel_id,
            connector_id=connector_id,
            index=registration.index,
            version=registration.version,
            location=self._location.name,
        )
        self._tunnels.add(self._connection)
        return Details(
            id=uuid.UUID(self._connection.id).bytes,
            location=self._location.name,
            remotely_managed=tunnel.config_src == "cloudflare",
        )

    def unregister(self) -> None:
        if self._connection is not None:
            self._tunnels.leave(self._connection)
            self._begin(self._drain())

    def configured(self, configuration: dict[str, Any]) -> None:
        pass

    async def _drain(self) -> None:
        """Lets the open streams end, then closes, which is what the connector waits for."""
        if self.streams:
            self._emptied.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), self._drain_seconds)
        await self.farewell()
        if not self._location.now.keeps_drained:
            self.close()

    def _close_later(self, seconds: float) -> None:
        async def close() -> None:
            await asyncio.sleep(seconds)
            self.close()

        self._begin(close())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
