"""Listeners on the loopback that end cleanly."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable

from sandbox.namespaces import listening, stream_socket

Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """A TCP listener on 127.0.0.1 that runs `connection` for every client, after TLS where `tls` is given.

    A client that goes away ends its own connection only. The socket is closed when `connection`
    returns. `port` 0 lets the system choose; `port` is the bound one after `start`.
    """

    def __init__(
        self, connection: Connection, port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.port = port
        self._connection = connection
        self._tls = tls
        self._paused = False
        self._doors: list[Callable[[], socket.socket]] = []
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begins to listen."""
        opened = listening(stream_socket(), self.port)
        self.port = opened.getsockname()[1]
        await self._listen(opened)
        self._doors.append(lambda: listening(stream_socket(), self.port))

    async def also(self, door: Callable[[], socket.socket]) -> None:
        """Listens on one more socket, which is made anew after a pause."""
        self._doors.append(door)
        if not self._paused:
            await self._listen(door())

    async def pause(self) -> None:
        """Stops listening, and ends every connection."""
        self._paused = True
        await self.stop()

    async def resume(self) -> None:
        """Listens again where it did before the pause."""
        if self._paused:
            self._paused = False
            for door in self._doors:
                await self._listen(door())

    async def _listen(self, opened: socket.socket) -> None:
        self._servers.append(await asyncio.start_server(self._accept, sock=opened, ssl=self._tls))

    async def stop(self) -> None:
        """Stop accepting, end every connection."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._run(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(
                ConnectionError,
                ssl.SSLError,
                asyncio.IncompleteReadError,
                asyncio.LimitOverrunError,
            ):
                await self._connection(reader, writer)
        finally:
            writer.close()


class Datagrams:
    """Reads UDP sockets, each by a protocol of its own that `protocol` makes."""

    def __init__(self, protocol: Callable[[], asyncio.DatagramProtocol]) -> None:
        self._protocol = protocol
        self._paused = False
        self._doors: list[Callable[[], socket.socket]] = []
        self._running: list[asyncio.DatagramProtocol] = []

    async def also(self, door: Callable[[], socket.socket]) -> None:
        """Reads one more socket, which is made anew after a pause."""
        self._doors.append(door)
        if not self._paused:
            await self._read(door())

    async def stop(self) -> None:
        """Reads no more; what was connected is closed."""
        for protocol in self._running:
            protocol.close()  # type: ignore[attr-defined]  # aioquic's QuicServer has it
        self._running.clear()

    async def pause(self) -> None:
        """Stops until `resume`."""
        self._paused = True
        await self.stop()

    async def resume(self) -> None:
        """Reads again what it did before the pause."""
        if self._paused:
            self._paused = False
            for door in self._doors:
                await self._read(door())

    async def _read(self, opened: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(self._protocol, sock=opened)
        self._running.append(protocol)
