"""WebSockets under load: each sends a message, waits for it to come back, and sends the next one."""

import asyncio
import statistics
import time
from urllib.parse import urlsplit

from bench.load import Load

_SECONDS = 2
_MESSAGE = b"m" * 1024
_OPEN = (
    "GET / HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
ECHO = """
import asyncio
OPENED = b'HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n'
async def answer(reader, writer):
    try:
        await reader.readuntil(b'\\r\\n\\r\\n')
        writer.write(OPENED)
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    writer.close()
async def main():
    async with await asyncio.start_server(answer, '127.0.0.1', %d) as server:
        await server.serve_forever()
asyncio.run(main())
"""
"""The service behind them, in Python. Whatever is on the way passes bytes, so no message needs a frame."""


def exchanged(edge_url: str, host: str, connections: int) -> Load:
    """So many WebSockets for some seconds."""
    return asyncio.run(_exchanged(edge_url, host, connections))


async def _exchanged(edge_url: str, host: str, connections: int) -> Load:
    began = time.monotonic()
    taken = await asyncio.gather(*(_one(edge_url, host) for _ in range(connections)))
    each = [seconds * 1000 for several in taken for seconds in several]
    shares = statistics.quantiles(each, n=100)
    return Load(
        per_second=len(each) / (time.monotonic() - began), p50_ms=shares[49], p99_ms=shares[98]
    )


async def _one(edge_url: str, host: str) -> list[float]:
    edge = urlsplit(edge_url)
    reader, writer = await asyncio.open_connection(edge.hostname, edge.port)
    writer.write(_OPEN.format(host).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in head:
        raise RuntimeError(f"{host} opens no WebSocket: {head!r}")
    taken, until = [], time.monotonic() + _SECONDS
    while (began := time.monotonic()) < until:
        writer.write(_MESSAGE)
        await reader.readexactly(len(_MESSAGE))
        taken.append(time.monotonic() - began)
    writer.close()
    return taken
