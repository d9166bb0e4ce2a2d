"""A network namespace for a server, and the two doors in it: its SSH outwards, Cloudflare's edge inwards.

`python -m sandbox.server.network NAMESPACE SSH_PORT EDGE_PORT INNER_EDGE_PORT` is the process that keeps
the doors: what connects to SSH_PORT on this machine's loopback reaches port 22 in the namespace, and what
connects to INNER_EDGE_PORT in the namespace reaches EDGE_PORT on this machine's loopback.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x1 | 0x40
_HOST = "127.0.0.1"
_SSH = 22
_Opener = Callable[[], socket.socket]


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


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()


async def _relay(
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter], opener: _Opener, port: int
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
    try:
        await asyncio.gather(_copy(reader, other_writer), _copy(other_reader, writer))
    finally:
        for end in (writer, other_writer):
            end.close()


async def _serve(namespace: str, ssh_port: int, edge_port: int, inner_edge_port: int) -> None:
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
        await _relay((reader, writer), inner, _SSH)

    async def to_edge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _relay((reader, writer), _socket, edge_port)

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with (
        await asyncio.start_server(to_ssh, sock=listening(_socket, ssh_port)),
        await asyncio.start_server(to_edge, sock=listening(inner, inner_edge_port)),
    ):
        await stop.wait()
    os._exit(0)  # connections that are still open are nobody's concern


def main() -> None:
    """Keeps the doors until SIGTERM."""
    namespace, *ports = sys.argv[1:]
    asyncio.run(_serve(namespace, *map(int, ports)))


if __name__ == "__main__":
    main()
