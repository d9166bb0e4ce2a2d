"""Sockets in another network namespace, for a process that stays in its own."""

import ctypes
import fcntl
import os
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LOOPBACK = "127.0.0.1"
_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x1 | 0x40


def stream_socket() -> socket.socket:
    """A TCP socket in the namespace of the calling thread."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setblocking(False)
    return opened


class Namespace:
    """A network namespace that a file holds; its loopback is brought up."""

    def __init__(self, path: Path) -> None:
        self._inside = ThreadPoolExecutor(max_workers=1, initializer=_enter, initargs=(path,))

    def stream_socket(self) -> socket.socket:
        """A TCP socket in it."""
        return self._inside.submit(stream_socket).result()

    def datagram_socket(self) -> socket.socket:
        """A UDP socket in it."""
        return self._inside.submit(datagram_socket).result()


def listening(opened: socket.socket, port: int, address: str = LOOPBACK) -> socket.socket:
    """The socket, listening on the loopback."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound(opened, port, address).listen(128)
    return opened


def bound(opened: socket.socket, port: int, address: str = LOOPBACK) -> socket.socket:
    """The socket, at a port of the loopback."""
    opened.bind((address, port))
    return opened


def datagram_socket() -> socket.socket:
    """A UDP socket in the namespace of the calling thread."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    return opened


def _enter(path: Path) -> None:
    """Puts the calling thread, and no other, into the namespace, and brings its loopback up."""
    libc = ctypes.CDLL(None, use_errno=True)
    with path.open() as file:
        if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    with stream_socket() as opened:
        fcntl.ioctl(opened, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP_RUNNING))
