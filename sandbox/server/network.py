"""The doors of a server's network namespace: its SSH outwards; Cloudflare's edge and the other servers' SSH inwards.

`python -m sandbox.server.network NAMESPACE SSH_PORT INNER:OUTER…` is the process that keeps the doors: what
connects to SSH_PORT on this machine's loopback reaches port 22 in the namespace, and what connects to INNER in
the namespace reaches OUTER on this machine's loopback. While the file `cut-ssh-after` lies beside NAMESPACE, SSH
connections are cut after as many bytes from the client as it says.
"""

import asyncio
import ctypes
import fcntl
import math
import os
import signal
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x1 | 0x40
_HOST = "127.0.0.1"
_SSH = 22
_Opener = Callable[[], socket.socket]
_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _enter(namespace: str) -> None:
    """Puts the calling thread, and no other, into the namespace, and brings its loopback up."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(namespace) as file:
        if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), namespace)
    with _socket() as opened:
        fcntl.ioctl(opened, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP_RUNNING))


def _socket() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setblocking(False)
    return opened


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
        await loop.sock_connect(outgoing, (_HOST, port))
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
    inside = ThreadPoolExecutor(max_workers=1, initializer=_enter, initargs=(namespace,))

    def inner() -> socket.socket:
        return inside.submit(_socket).result()

    def listening(opener: _Opener, port: int) -> socket.socket:
        opened = opener()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((_HOST, port))
        opened.listen(128)
        return opened

    async def to_ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            cut_after = float(cut.read_text())
        except FileNotFoundError:
            cut_after = math.inf
        await _relay((reader, writer), inner, _SSH, cut_after)

    def outwards(port: int) -> _Handler:
        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _relay((reader, writer), _socket, port)

        return relay

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await asyncio.start_server(to_ssh, sock=listening(_socket, ssh_port))
    for inside_port, port in doors.items():
        await asyncio.start_server(outwards(port), sock=listening(inner, inside_port))
    await stop.wait()
    os._exit(0)  # connections that are still open are nobody's concern


def main() -> None:
    """Keeps the doors until SIGTERM."""
    namespace, ssh_port, *doors = sys.argv[1:]
    pairs = (door.split(":") for door in doors)
    asyncio.run(_serve(namespace, int(ssh_port), {int(i): int(o) for i, o in pairs}))


if __name__ == "__main__":
    main()
