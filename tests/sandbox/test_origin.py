"""How the sandbox's cloudflared reaches a service: as Go's `http.Transport` does, over real sockets."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from sandbox.cloudflare.http import Head, body_length, pieces, read_head
from sandbox.server.cloudflared.origin import Origin, Unreachable
from sandbox.server.cloudflared.rules import Rule

Result = TypeVar("Result")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@dataclass
class Service:
    """Answers as many requests on each connection as it is told, reads one more and ends it."""

    answers: int
    answer: bytes = ANSWER
    connections: int = 0
    broken: int = 0
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
        try:
            while head := await read_head(reader):
                self.requests.append(head.start.split(" ")[0])
                async for _ in pieces(reader, body_length(head) or 0):
                    pass
                if answered == self.answers:
                    break
                answered += 1
                writer.write(self.answer)
        except asyncio.IncompleteReadError:
            self.broken += 1
        finally:
            writer.close()


def before(
    service: Service, visit: Callable[[Origin], Awaitable[Result]], quic: bool = False
) -> Result:
    """What a visit gives, with the service behind it."""

    async def run() -> Result:
        server = await asyncio.start_server(service.accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        rule = Rule(hostname="", path=None, service=f"http://127.0.0.1:{port}")
        origin = Origin(rule, quic=quic)
        try:
            return await asyncio.wait_for(visit(origin), 60)
        finally:
            origin.close()
            server.close()
            await service.end()

    # `asyncio.run` would take the thread's own loop away.
    with closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(run())


def asked(service: Service, *requests: tuple[str, bytes], quic: bool = False) -> list[bytes]:
    """What each request (method and body) is answered, one after another."""

    async def visit(origin: Origin) -> list[bytes]:
        return [await one(origin, *request) for request in requests]

    return before(service, visit, quic)


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


def test_over_quic_a_get_on_a_kept_connection_that_ends_is_repeated_on_another_one() -> None:
    service = Service(answers=1)

    assert asked(service, ("GET", b""), ("GET", b""), quic=True) == [ANSWER] * 2
    assert service.requests == ["GET", "GET", "GET"]


def test_over_http2_a_get_on_a_kept_connection_that_ends_is_not_repeated() -> None:
    service = Service(answers=1)

    with pytest.raises(Unreachable):
        asked(service, ("GET", b""), ("GET", b""))
    assert service.requests == ["GET", "GET"]


def test_a_post_on_a_kept_connection_that_ends_is_not_repeated() -> None:
    service = Service(answers=1)

    with pytest.raises(Unreachable):
        asked(service, ("GET", b""), ("POST", b"x"), quic=True)
    assert service.requests == ["GET", "POST"]


def test_a_get_on_a_new_connection_that_ends_is_not_repeated() -> None:
    service = Service(answers=0)

    with pytest.raises(Unreachable):
        asked(service, ("GET", b""), quic=True)
    assert service.requests == ["GET"]


@pytest.mark.parametrize(
    ("method", "answer", "connections"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 1),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", 1),
        ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 1),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER, 1),
        ("GET", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", 2),
        ("GET", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 2),
        ("GET", ANSWER + b"HTTP/1.1 408 Request Timeout\r\n\r\n", 2),
    ],
)
def test_a_connection_is_kept_after_an_answer_that_lets_it_be(
    method: str, answer: bytes, connections: int
) -> None:
    service = Service(answers=9, answer=answer)

    asked(service, (method, b""), (method, b""))

    assert service.connections == connections


def test_the_service_hears_of_a_visitor_who_leaves_in_the_middle_of_an_upload() -> None:
    service = Service(answers=1)

    async def leave(origin: Origin) -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(b"half")
        reader.feed_eof()
        ours, theirs = socket.socketpair()
        _, writer = await asyncio.open_connection(sock=ours)
        head = Head(start="POST / HTTP/1.1", headers=[("Content-Length", "8")])
        with pytest.raises(Unreachable):
            await asyncio.wait_for(origin.pass_on(head, "a.example.com", reader, writer), 20)
        writer.close()
        theirs.close()
        while not service.broken:
            await asyncio.sleep(0.01)

    before(service, leave)
