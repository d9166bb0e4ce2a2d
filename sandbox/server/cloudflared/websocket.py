"""The real one as the end of a WebSocket: what it makes of one before a service that speaks TCP (`carrier/websocket.go`)."""

import asyncio
import base64
import contextlib
import hashlib

from sandbox.cloudflare.http import Head

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BINARY, _CLOSE, _PING, _PONG = 0x2, 0x8, 0x9, 0xA
_FINAL = 0x80
_PIECE = 65536


def accepted(request: Head) -> Head:
    """The answer that opens it."""
    key = (request.get("sec-websocket-key") or "").encode()
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
    return Head(
        start="HTTP/1.1 101 Switching Protocols",
        headers=[
            ("Sec-Websocket-Accept", accept),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
        ],
    )


async def carried(
    visitor: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    service: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Carries bytes between a visitor's frames and a service, until one of them ends."""
    directions = {
        asyncio.create_task(_unframed(*visitor, service[1])),
        asyncio.create_task(_framed(service[0], visitor[1])),
    }
    await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    for task in directions:
        task.cancel()
    await asyncio.wait(directions)


async def _framed(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(_PIECE):
            sink.write(_frame(_BINARY, data))
            await sink.drain()


def _frame(kind: int, data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        head = bytes([_FINAL | kind, size])
    elif size < 65536:
        head = bytes([_FINAL | kind, 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([_FINAL | kind, 127]) + size.to_bytes(8, "big")
    return head + data


async def _unframed(
    source: asyncio.StreamReader, back: asyncio.StreamWriter, sink: asyncio.StreamWriter
) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            first, second = await source.readexactly(2)
            size = second & 0x7F
            if size > 125:
                size = int.from_bytes(await source.readexactly(2 if size == 126 else 8), "big")
            mask = await source.readexactly(4) if second & 0x80 else bytes(4)
            masked = await source.readexactly(size)
            data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
            kind = first & 0x0F
            if kind == _CLOSE:
                return
            if kind == _PING:
                back.write(_frame(_PONG, data))
            elif kind != _PONG:
                sink.write(data)
                await sink.drain()
