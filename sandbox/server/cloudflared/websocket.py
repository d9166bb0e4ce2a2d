"""The real one as the end of a WebSocket: what it makes of one before a service that speaks TCP (`carrier/websocket.go`)."""

import asyncio
import base64
import contextlib
import hashlib

from sandbox.cloudflare.http import Head

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FINAL = 0x80
_BUFFER = 16384
"""Bytes (`cfio/copy.go`)."""


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
        while data := await source.read(_BUFFER):
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
    """Each binary message as far as it fits a buffer: the real one loses the rest, and text (`websocket/connection.go`)."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, _Broken):
        kind, message = 0, bytearray()
        while True:
            opcode, is_final, data = await _read(source, is_begun=kind != 0)
            if opcode == _CLOSE:
                back.write(_frame(_CLOSE, data[:2]))
                await back.drain()
                return
            if opcode == _PING:
                back.write(_frame(_PONG, data))
            elif opcode != _PONG:
                kind = kind or opcode
                message += data
                if not is_final:
                    continue
                if kind == _BINARY:
                    sink.write(message[:_BUFFER])
                    await sink.drain()
                kind, message = 0, bytearray()


async def _read(source: asyncio.StreamReader, *, is_begun: bool) -> tuple[int, bool, bytes]:
    """Kind, finality and content of a frame; a message may have begun.

    Raises:
        _Broken: no visitor may send it so (RFC 6455, 5).
    """
    first, second = await source.readexactly(2)
    opcode, is_final, size = first & 0x0F, bool(first & _FINAL), second & 0x7F
    is_control = opcode in (_CLOSE, _PING, _PONG)
    if (
        first & 0x70
        or not second & 0x80
        or not (is_control or opcode in (_CONTINUED, _TEXT, _BINARY))
        or (is_control and (size > 125 or not is_final))
        or (not is_control and (opcode == _CONTINUED) != is_begun)
    ):
        raise _Broken
    if size > 125:
        size = int.from_bytes(await source.readexactly(2 if size == 126 else 8), "big")
    mask = await source.readexactly(4)
    masked = await source.readexactly(size)
    return opcode, is_final, bytes(byte ^ mask[at % 4] for at, byte in enumerate(masked))


class _Broken(Exception):
    """The visitor does not speak the protocol."""
