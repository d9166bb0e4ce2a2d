"""The doors of a server's network namespace: its SSH outwards, the other servers' SSH inwards.

`python -m sandbox.server.network NAMESPACE SSH_PORT INNER:OUTER…` is the process that keeps the doors: what
connects to SSH_PORT on this machine's loopback reaches port 22 in the namespace, and what connects to INNER in
the namespace reaches OUTER on this machine's loopback. While the file `cut-ssh-after` lies beside NAMESPACE, SSH
connections are cut after as many bytes from the client as it says.
"""

import asyncio
import math
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandbox.namespaces import LOOPBACK, Namespace, listening, stream_socket

_SSH = 22
_Opener = Callable[[], socket.socket]
_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _CutError(Exception):
    """The connection was to be cut here."""


async def _copy(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, cut_after: float = math.inf
) -> None:
    try:
        while data := await source.read(int(min(65536, cut_after))):
            sink.write(data)
            await sink.drain()
            cut_after -= len(data)
            if cut_after <= 0:
                raise _CutError
        if sink.can_write_eof():
            sink.write_eof()
    except ConnectionError:  # a server that lost its power: nobody waits for it
        sink.transport.abort()


async def _relay(
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    opener: _Opener,
    port: int,
    cut_after: float = math.inf,
) -> None:
    loop = asyncio.get_running_loop()
    reader, writer = client
    outgoing = await loop.run_in_executor(None, opener)
    try:
        await loop.sock_connect(outgoing, (LOOPBACK, port))
    except OSError:
        outgoing.close()
        writer.close()
        return
    other_reader, other_writer = await asyncio.open_connection(sock=outgoing)
    back = asyncio.create_task(_copy(other_reader, writer))
    try:
        await _copy(reader, other_writer, cut_after)
        await back
    except _CutError:
        # A reset would take from the server what it has not read yet, which is the more the slower it is.
        other_writer.write_eof()
        await back
        writer.transport.abort()
    finally:
        for end in (writer, other_writer):
            end.close()


async def _serve(namespace: str, ssh_port: int, doors: dict[int, int]) -> None:
    cut = Path(namespace).with_name("cut-ssh-after")
    inside = Namespace(Path(namespace))

    async def to_ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            cut_after = float(cut.read_text())
        except FileNotFoundError:
            cut_after = math.inf
        await _relay((reader, writer), inside.stream_socket, _SSH, cut_after)

    def outwards(port: int) -> _Handler:
        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _relay((reader, writer), stream_socket, port)

        return relay

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await asyncio.start_server(to_ssh, sock=listening(stream_socket(), ssh_port))
    for inside_port, port in doors.items():
        door = listening(inside.stream_socket(), inside_port)
        await asyncio.start_server(outwards(port), sock=door)
    await stop.wait()
    os._exit(0)  # connections that are still open are nobody's concern


def main() -> None:
    """Keeps the doors until SIGTERM."""
    namespace, ssh_port, *doors = sys.argv[1:]
    pairs = (door.split(":") for door in doors)
    asyncio.run(_serve(namespace, int(ssh_port), {int(i): int(o) for i, o in pairs}))


if __name__ == "__main__":
    main()
