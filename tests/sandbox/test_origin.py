"""How the sandbox's cloudflared reaches a service: as Go's `http.Transport` does, over real sockets."""

import asyncio
import socket
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from sandbox.cloudflare.http import Head, body_length, pieces, read_head
from sandbox.server.cloudflared.origin import Origin, Unreachable
from sandbox.server.cloudflared.rules import Rule

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@dataclass
class Service:
    """Answers as many requests on each connection as it is told, reads one more and ends it."""

    answers: int
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    running: set["asyncio.Task[None]"] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.running.add(asyncio.create_task(self._serve(reader, writer)))

    async def end(self) -> None:
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered = 0
        while head := await read_head(reader):
            self.requests.append(head.start.split(" ")[0])
            async for _ in pieces(reader, body_length(head) or 0):
                pass
            if answered == self.answers:
                break
            answered += 1
            writer.write(ANSWER)
        writer.close()


def asked(service: Service, *requests: tuple[str, bytes]) -> list[bytes]:
    """What each request (method and body) is answered, one after another."""

    async def run() -> list[bytes]:
        server = await asyncio.start_server(service.accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        origin = Origin(Rule(hostname="", path=None, service=f"http://127.0.0.1:{port}"))
        try:
            async with server:
                return [await one(origin, *request) for request in requests]
        finally:
            await service.end()

    with closing(
        asyncio.new_event_loop()
    ) as loop:  # `asyncio.run` would take the thread's own away
        return loop.run_until_complete(run())


async def one(origin: Origin, method: str, body: bytes) -> bytes:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    visitor, visitors_end = await asyncio.open_connection(sock=ours)
    visitors_end.write(body)
    length = [("Content-Length", str(len(body)))] if body else []
    head = Head(start=f"{method} / HTTP/1.1", headers=[("Host", "a.example.com"), *length])
    try:
        await origin.pass_on(head, "a.example.com", reader, writer)
        writer.close()
        return await visitor.read()
    finally:
        writer.close()
        visitors_end.close()


def test_requests_share_a_connection() -> None:
    service = Service(answers=3)

    assert asked(service, ("GET", b""), ("POST", b"x"), ("GET", b"")) == [ANSWER] * 3
    assert service.connections == 1


def test_a_get_on_a_kept_connection_that_ends_is_repeated_on_another_one() -> None:
    service = Service(answers=1)

    assert asked(service, ("GET", b""), ("GET", b"")) == [ANSWER] * 2
    assert service.requests == ["GET", "GET", "GET"]


def test_a_post_on_a_kept_connection_that_ends_is_not_repeated() -> None:
    service = Service(answers=1)

    with pytest.raises(Unreachable):
        asked(service, ("GET", b""), ("POST", b"x"))
    assert service.requests == ["GET", "POST"]


def test_a_get_on_a_new_connection_that_ends_is_not_repeated() -> None:
    service = Service(answers=0)

    with pytest.raises(Unreachable):
        asked(service, ("GET", b""))
    assert service.requests == ["GET"]
