"""How bad the internet between the connectors and the edge is, location by location."""

import asyncio
import ctypes
import socket
import struct
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from .errors import UnknownInput

_ATTACH_FILTER, _DETACH_FILTER = 26, 27
"""`SO_ATTACH_FILTER` and `SO_DETACH_FILTER` of Linux, which Python does not name."""
_DROP_ALL = struct.pack("=HBBI", 0x06, 0, 0, 0)
"""A filter of one instruction: nothing of the packet is taken."""


@dataclass(kw_only=True)
class Conditions:
    """What can be told of a location; as it is made, all is well.

    What the edge sends comes `delay_ms` milliseconds later. While `silent`, packets are lost both
    ways, and no side is told. `gone` closes every connection and refuses new ones. `refusal` is the
    cause with which registrations are refused, marked as worth another try or not by `retry`; an
    empty one leaves them without an answer. `keeps_drained` leaves a connection open that was
    unregistered and has nothing more to do.
    """

    delay_ms: int = 0
    silent: bool = False
    gone: bool = False
    refusal: str | None = None
    retry: bool = False
    keeps_drained: bool = False


class Location:
    """A data centre of the edge and its conditions."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.now = Conditions()
        self._wires: weakref.WeakSet[Wire] = weakref.WeakSet()
        self._watchers: list[Callable[[], Awaitable[None]]] = []

    def add(self, wire: "Wire") -> None:
        """A connection to this location."""
        self._wires.add(wire)

    def watch(self, watcher: Callable[[], Awaitable[None]]) -> None:
        """What is to be done when the conditions have changed."""
        self._watchers.append(watcher)

    async def change(self, conditions: Conditions) -> None:
        """Other conditions, for what is connected too."""
        self.now = conditions
        for wire in list(self._wires):
            wire.feel()
        for watcher in self._watchers:
            await watcher()


class Wire:
    """The edge's end of a TCP connection of a connector: writes as the conditions let it."""

    def __init__(self, writer: asyncio.StreamWriter, location: Location) -> None:
        self._writer = writer
        self._location = location
        self._socket: socket.socket = writer.get_extra_info("socket")
        self._deaf = False
        self._waiting: deque[tuple[float, bytes | None]] = deque()
        """What is to be written and when; None closes."""
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()
        location.add(self)
        self.feel()

    def write(self, data: bytes) -> None:
        """Sends it, sooner or later."""
        self._put(data)

    def close(self) -> None:
        """Closes the connection, as soon as that can be noticed."""
        self._put(None)

    async def wait_closed(self) -> None:
        """Returns when it is closed."""
        await self._closed.wait()

    async def drain(self) -> None:
        """Waits until the other side has taken most of what was written."""
        if not self._waiting:
            await self._writer.drain()

    def feel(self) -> None:
        """Lives with the conditions as they are now."""
        silent = self._location.now.silent
        if silent != self._deaf and self._socket.fileno() >= 0:
            self._deaf = silent
            program = ctypes.create_string_buffer(_DROP_ALL, len(_DROP_ALL))
            filtered = struct.pack("HL", 1, ctypes.addressof(program))
            option = _ATTACH_FILTER if silent else _DETACH_FILTER
            self._socket.setsockopt(socket.SOL_SOCKET, option, filtered)
        self._changed.set()

    def _put(self, data: bytes | None) -> None:
        now = self._location.now
        if not self._waiting and not now.silent and not now.delay_ms:
            self._send(data)
            return
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + now.delay_ms / 1000, data))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work())

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            while self._location.now.silent:
                self._changed.clear()
                await self._changed.wait()
            due, data = self._waiting[0]
            await asyncio.sleep(due - loop.time())
            if not self._location.now.silent:
                self._waiting.popleft()
                self._send(data)

    def _send(self, data: bytes | None) -> None:
        if data is None:
            self._writer.close()
            self._closed.set()
        elif not self._writer.is_closing():
            self._writer.write(data)


class Weather:
    """The conditions at all locations."""

    def __init__(self, locations: Mapping[str, Location]) -> None:
        self._locations = locations

    async def change(self, body: dict[str, Any]) -> dict[str, Any]:
        """Sets what a body says, at one location or at all of them; what it does not name is well again.

        Raises:
            UnknownInput: it names what is not known.
        """
        chosen = body.pop("location", None)
        known = {item.name for item in fields(Conditions)}
        if unknown := sorted(set(body) - known):
            raise UnknownInput(f"unknown {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        if chosen is not None and chosen not in self._locations:
            raise UnknownInput(f"no location {chosen}; known: {', '.join(self._locations)}")
        for name, location in self._locations.items():
            if chosen in (None, name):
                await location.change(Conditions(**body))
        return self.shown()

    def shown(self) -> dict[str, Any]:
        """The conditions of each location."""
        return {name: asdict(location.now) for name, location in self._locations.items()}
