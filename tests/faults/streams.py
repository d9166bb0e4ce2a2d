"""Visitors with something open for long: an event stream, a WebSocket and a download."""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from sandbox.world import World

PORT = 3901
SIZE = 24 * 2**20
"""Bytes of the download, which takes half a minute."""
SLOW = 4
"""Seconds until the page `/slow` is answered; `/asked` has a dot for each time that it was asked for."""
_PIECE = 2**16
ORIGIN = f"""
import asyncio
PIECE = bytes(range(256)) * {_PIECE // 256}
HEAD = b'HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\n'
UPGRADED = b'HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n'
slow = []
async def ticks(writer, tick):
    while True:
        writer.write(tick)
        await writer.drain()
        await asyncio.sleep(0.1)
async def answer(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b'\\r\\n\\r\\n')
            if b'pgrade: websocket' in head:
                writer.write(UPGRADED)
                await ticks(writer, b'\\x82\\x04tick')
            elif b' /events' in head:
                writer.write(HEAD.replace(b'plain', b'event-stream') + b'Transfer-Encoding: chunked\\r\\n\\r\\n')
                await ticks(writer, b'c\\r\\ndata: tick\\n\\n\\r\\n')
            elif b' /download' in head:
                writer.write(HEAD + b'Content-Length: {SIZE}\\r\\n\\r\\n')
                for _ in range({SIZE // _PIECE}):
                    writer.write(PIECE)
                    await writer.drain()
                    await asyncio.sleep({30 * _PIECE / SIZE})
            elif b' /asked' in head:
                writer.write(HEAD + b'Content-Length: %d\\r\\n\\r\\n' % len(slow) + b'.' * len(slow))
            elif b' /slow' in head:
                slow.append(head)
                await asyncio.sleep({SLOW})
                writer.write(HEAD + b'Content-Length: 4\\r\\n\\r\\nslow')
            else:
                writer.write(HEAD + b'Content-Length: 5\\r\\n\\r\\nplain')
    except (OSError, asyncio.IncompleteReadError):
        writer.close()
async def main():
    server = await asyncio.start_server(answer, '127.0.0.1', {PORT})
    await server.serve_forever()
asyncio.run(main())
"""
"""A service on a server, in Python."""
WHOLE = hashlib.sha256(bytes(range(256)) * (SIZE // 256)).hexdigest()


class Stream:
    """One answer that a visitor reads for as long as it comes."""

    def __init__(self, world: World, hostname: str, path: str, headers: str = "") -> None:
        edge = urlsplit(world.status["edge_url"])
        self._connection = socket.create_connection((edge.hostname, edge.port), 30)
        self._connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {hostname}\r\n{headers}\r\n".encode()
        )
        self.ended: float | None = None
        """When it did, by the clock of `time.monotonic`."""
        self._last = time.monotonic()
        self._received = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        self._connection.settimeout(120)
        try:
            while piece := self._connection.recv(2**20):
                self._received += piece
                self._last = time.monotonic()
        except OSError:
            pass
        self.ended = time.monotonic()

    @property
    def flows(self) -> bool:
        """Whether something came within the last seconds."""
        return self.ended is None and time.monotonic() - self._last < 5

    @property
    def head(self) -> bytes:
        """The lines before the body."""
        return self._received.partition(b"\r\n\r\n")[0]

    def digest(self) -> str:
        """That of the body, of which the length is known, once all of it is there."""
        deadline = time.monotonic() + 180
        while True:
            body = self._received.partition(b"\r\n\r\n")[2]
            if len(body) >= SIZE or self.ended is not None or time.monotonic() > deadline:
                return hashlib.sha256(body).hexdigest()
            time.sleep(0.2)

    def close(self) -> None:
        """The visitor leaves."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()


_UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@contextmanager
def streams(world: World, hostname: str) -> Iterator[dict[str, Stream]]:
    """One of each kind, through the edge, once something of each has come."""
    opened = {
        "events": Stream(world, hostname, "/events"),
        "websocket": Stream(world, hostname, "/ws", _UPGRADE),
        "download": Stream(world, hostname, "/download"),
    }
    try:
        world.wait_for(lambda: all(stream.head for stream in opened.values()), 30)
        assert opened["websocket"].head.startswith(b"HTTP/1.1 101")
        yield opened
    finally:
        for stream in opened.values():
            stream.close()
