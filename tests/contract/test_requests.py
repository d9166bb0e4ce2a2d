"""What a service gets of a visitor's request, and a visitor of a service's answer, byte by byte."""

import itertools
import os
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.contract.rig import CLOSES, HOST, PATIENCE, Rig, everything, received, until
from tests.remote.test_visitors import unreached

over_http2 = pytest.mark.parametrize("protocol", ["http2"])
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
WEBSOCKET = (
    "GET {} HTTP/1.1\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
)
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
SWITCH = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
).encode()
BAD_GATEWAY = b"error code: 502\nBad gateway\n"
ADDED = [
    "Cf-Connecting-Ip: 127.0.0.1",
    "Cf-Ray: RAY",
    'Cf-Visitor: {"scheme":"http"}',
    "Cf-Warp-Tag-Id: CONNECTOR",
    "Connection: keep-alive",
]
FORWARDED = ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http"]
ASKS_FOR_GZIP = ["Accept-Encoding: gzip"]


def asked(rig: Rig, head: str, body: bytes = b"", *, rest: bytes = b"") -> tuple[list[str], bytes]:
    """What the service gets of a request: the lines of its head and what follows, which ends with `rest`.

    The service answers when it has all of it: a visitor who has the answer goes, and nothing is sent to it any more.
    """
    rig.service.awaits = rest
    before = sum(map(len, rig.service.received))
    with rig.visitor(head) as visitor:
        visitor.sendall(body)
        everything(visitor)
    data = b"".join(rig.service.received)
    assert len(rig.service.received) == 1, "the connection was not kept"
    lines, _, rest = data[before:].partition(b"\r\n\r\n")
    text = re.sub(r"(Cf-Ray: )\S+", r"\1RAY", lines.decode("latin-1"))
    return re.sub(r"(Cf-Warp-Tag-Id: )[-0-9a-f]{36}", r"\1CONNECTOR", text).split("\r\n"), rest


def answered(rig: Rig, *answer: bytes, head: str = "GET /x HTTP/1.1") -> bytes:
    """What a visitor gets of an answer, without what the edge adds."""
    rig.service.answer = list(answer)
    for _ in answer[1:]:
        rig.service.go_on.release()
    with rig.visitor(head) as visitor:
        data = everything(visitor)
    return re.sub(rb"(Connection: close|Server: cloudflare|CF-Ray: \S+)\r\n", b"", data)


def sorted_head(answer: bytes) -> tuple[list[bytes], bytes]:
    """An answer's lines and body: of the fields' order the real one keeps that of equal names only."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return sorted(head.split(b"\r\n")), body


def test_the_head_of_a_request(rig: Rig) -> None:
    rig.start()

    lines, rest = asked(
        rig,
        "GET /a/%61//b?q=%zz HTTP/1.1\nx-b: 2\nX-A: 1\nx-a: 3\nUser-Agent: me\nCookie: a=1\n"
        "Cookie: b=2\nX-Forwarded-Host: forged\nCf-Warp-Tag-Id: forged\nKeep-Alive: 3",
    )

    assert lines == [
        "GET /a/%61//b?q=%zz HTTP/1.1",
        f"Host: {HOST}",
        "User-Agent: me",
        *ADDED[:3],
        "Cf-Warp-Tag-Id: forged",
        *ADDED[3:],
        *(["Cookie: a=1; b=2"] if rig.protocol == "http2" else ["Cookie: a=1", "Cookie: b=2"]),
        "X-A: 1",
        "X-A: 3",
        "X-B: 2",
        FORWARDED[0],
        "X-Forwarded-Host: forged",
        FORWARDED[1],
        *ASKS_FOR_GZIP,
    ]
    assert rest == b""


@over_http2
@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("*", "*"),
        ("/a#b", "/a%23b"),
        ("/!*'()[]", "/!*'()[]"),
        ("/\"!*'()[]", "/%22%21%2A%27%28%29%5B%5D"),
    ],
)
def test_a_target_is_passed_as_it_is_or_escaped_whole(rig: Rig, target: str, sent: str) -> None:
    rig.start()

    assert asked(rig, f"GET {target} HTTP/1.1")[0][0] == f"GET {sent} HTTP/1.1"


@pytest.mark.parametrize(
    ("head", "body", "framing", "rest"),
    [
        ("POST / HTTP/1.1\nContent-Length: 4", b"body", "Content-Length: 4", b"body"),
        ("DELETE / HTTP/1.1", b"", "", b""),
        (
            "PUT / HTTP/1.1\nTransfer-Encoding: chunked",
            b"3\r\nabc\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked",
            b"3\r\nabc\r\n0\r\n\r\n",
        ),
    ],
)
def test_how_a_body_is_framed(rig: Rig, head: str, body: bytes, framing: str, rest: bytes) -> None:
    rig.start()

    lines, got = asked(rig, head, body, rest=rest)

    assert [line for line in lines[2:] if line.startswith(("Content-L", "Transfer"))] == (
        [framing] if framing else []
    )
    assert lines[2:3] == [framing or ADDED[0]]
    assert got == rest


@pytest.mark.parametrize(
    ("method", "quic"), [("POST", "Content-Length: 0"), ("PATCH", "Content-Length: 0"), ("FOO", "")]
)
@pytest.mark.parametrize("length", ["", "\nContent-Length: 0"])
def test_how_it_is_said_that_there_is_no_body(
    rig: Rig, method: str, quic: str, length: str
) -> None:
    rig.start()

    lines, rest = asked(rig, f"{method} / HTTP/1.1{length}")

    if rig.protocol == "http2":
        assert (lines[2], rest) == ("Transfer-Encoding: chunked", b"0\r\n\r\n")
    else:
        assert (lines[2], rest) == (quic or ADDED[0], b"")


def test_without_chunks_the_end_of_an_upload_is_not_told(rig: Rig) -> None:
    service = f"http://127.0.0.1:{rig.service.port}"
    rig.start(
        rules=[
            {
                "service": service,
                "hostname": HOST,
                "originRequest": {"disableChunkedEncoding": True},
            }
        ]
    )

    head, body = "POST / HTTP/1.1\nTransfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n"
    lines, rest = asked(rig, head, body, rest=b"abc")

    assert not [line for line in lines if line.startswith(("Content-L", "Transfer"))]
    assert rest == b"abc"


def test_another_host_for_the_service(rig: Rig) -> None:
    service = f"http://127.0.0.1:{rig.service.port}"
    rig.start(
        rules=[{"service": service, "hostname": HOST, "originRequest": {"httpHostHeader": "inner"}}]
    )

    lines, _ = asked(rig, "GET / HTTP/1.1\nX-Forwarded-Host: forged")

    assert lines[1] == "Host: inner"
    assert [line for line in lines if "Forwarded-Host" in line] == [f"X-Forwarded-Host: {HOST}"]


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("/api", True),
        ("/%61pi", True),
        ("/api%2fx", True),
        ("/api;x", True),
        ("/api?q", True),
        ("//api", False),
        ("/x/../api", False),
        ("/API", False),
        ("/%3fapi", False),
        ("//other.example/api", False),
    ],
)
def test_a_rule_sees_the_decoded_path(rig: Rig, path: str, matches: bool) -> None:
    own = f"http://127.0.0.1:{rig.service.port}"
    rules = [
        {"hostname": HOST, "path": "^/api", "service": "http_status:201"},
        {"hostname": HOST, "service": own},
    ]
    rig.start(rules=rules)

    assert rig.visit(path)[0] == (201 if matches else 200)


def test_a_path_that_is_none(rig: Rig) -> None:
    rig.start()

    assert rig.visit("/a%zz") == (502, BAD_GATEWAY)
    assert rig.service.received == []


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ([ANSWER], ANSWER),
        ([b"HTTP/1.0 200 Fine\r\nContent-Length: 2\r\n\r\nhi"], ANSWER),
        (
            [b"HTTP/1.1 299 Odd\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"],
            b"HTTP/1.1 299 Unknown\r\nContent-Length: 0\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n",
        ),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], b"HTTP/1.1 204 No Content\r\n\r\n"),
        (
            [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"],
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        ),
        ([b"HTTP/1.1 200 OK\r\n\r\nhi", CLOSES], CHUNKED + b"\r\n2\r\nhi\r\n0\r\n\r\n"),
        (
            [CHUNKED + b"Content-Length: 9\r\n\r\n2\r\nhi\r\n0\r\n\r\n"],
            CHUNKED + b"\r\n2\r\nhi\r\n0\r\n\r\n",
        ),
        ([b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ANSWER], ANSWER),
    ],
)  # fmt: skip
def test_an_answer(rig: Rig, answer: list[bytes], shown: bytes) -> None:
    rig.start()

    got = answered(rig, *answer)

    assert sorted_head(got) == sorted_head(shown)


@over_http2
def test_fields_of_cloudflares_own_are_not_a_services_to_give(rig: Rig) -> None:
    rig.start()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"

    got = answered(rig, head + b"CF-Int-X: 1\r\nCf-Proxy-Y: 2\r\nConnection: X-H\r\n\r\n")

    assert got == head + b"\r\n"


def test_gzip_that_no_visitor_asked_for_is_undone(rig: Rig) -> None:
    rig.start()
    zipped = bytes.fromhex("1f8b0800000000000003cb48cdc9c95728cf2fca49010085114a0d0b000000")
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(
        zipped
    )

    assert answered(rig, answer + zipped).endswith(b"\r\n\r\nb\r\nhello world\r\n0\r\n\r\n")
    asked_for = answered(rig, answer + zipped, head="GET / HTTP/1.1\nAccept-Encoding: gzip")
    assert sorted_head(asked_for) == sorted_head(answer + zipped)


def test_trailers_reach_the_visitor_over_http2_only(rig: Rig) -> None:
    rig.start()

    got = answered(rig, CHUNKED + b"Trailer: x-t\r\n\r\n2\r\nhi\r\n0\r\nx-t: v\r\n\r\n")

    trailer = b"x-t: v\r\n" if rig.protocol == "http2" else b""
    assert got == CHUNKED + b"\r\n2\r\nhi\r\n0\r\n" + trailer + b"\r\n"


def test_a_chunked_answer_cut_short_does_not_look_whole(rig: Rig) -> None:
    rig.start()

    assert answered(rig, CHUNKED + b"\r\n2\r\nhi\r\n", CLOSES) == CHUNKED + b"\r\n2\r\nhi\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        CLOSES,
    ],
)
def test_what_is_no_answer_is_a_bad_gateway(rig: Rig, answer: bytes) -> None:
    program = rig.start()
    rig.service.answer = [answer]

    assert rig.visit() == (502, BAD_GATEWAY)
    assert "Unable to reach the origin service" in program.log


@pytest.mark.parametrize("service", ["http://127.0.0.1:1", "https://127.0.0.1:1", "unix:/nowhere"])
def test_a_service_that_is_not_there(rig: Rig, service: str) -> None:
    program = rig.start(rules=[{"hostname": HOST, "service": service}])

    assert rig.visit() == (502, BAD_GATEWAY)
    assert 'ERR  error="Unable to reach the origin service. ' in program.log
    assert f"ingressRule=0 originService={service}" in program.log
    assert unreached(program.log) == {service}


def test_a_failure_costs_no_connection(rig: Rig) -> None:
    rig.start(rules=[{"hostname": HOST, "service": "http://127.0.0.1:1"}])
    until(lambda: len(rig.connections()) == 4)
    before = {each["id"] for each in rig.connections()}

    for _ in range(8):
        assert rig.visit() == (502, BAD_GATEWAY)
        time.sleep(0.1)  # aioquic forgets a stream when its end is acknowledged

    assert {each["id"] for each in rig.connections()} == before


def test_answers_of_its_own(rig: Rig) -> None:
    rules = [
        {"hostname": HOST, "path": "^/hello", "service": "hello_world"},
        {"hostname": HOST, "service": "http_status:418"},
    ]
    rig.start(rules=rules)

    assert answered(rig) == (
        b"HTTP/1.1 418 I'm a Teapot\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    assert answered(rig, head="HEAD / HTTP/1.1") == b"HTTP/1.1 418 I'm a Teapot\r\n\r\n"
    assert rig.visit("/hello")[0] == 200


def test_events_are_passed_as_they_come(rig: Rig) -> None:
    rig.start()
    rig.service.answer = [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n",
        b"data: 2\n\n",
    ]

    with rig.visitor("GET / HTTP/1.1") as visitor:
        assert received(visitor, b"data: 1\n\n\r\n").startswith(b"HTTP/1.1 200 ")
        rig.service.go_on.release()
        received(visitor, b"data: 2\n\n\r\n")


def test_the_service_hears_of_a_visitor_who_leaves(rig: Rig) -> None:
    rig.start()
    rig.service.answer = [b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"]

    with rig.visitor("GET / HTTP/1.1") as visitor:
        received(visitor, b"data: 1\n\n\r\n")

    deadline = time.monotonic() + 20
    while rig.service.ended != [True]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_edge_says_that_an_upload_may_begin(rig: Rig) -> None:
    rig.start()

    with rig.visitor("POST / HTTP/1.1\nExpect: 100-continue\nContent-Length: 2") as visitor:
        begin = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert visitor.recv(len(begin)) == begin  # the answer to the head may be there too
        visitor.sendall(b"ab")
        assert received(visitor, b"hi").startswith(b"HTTP/1.1 200 ")
    assert b"Expect" not in rig.service.received[0]


def test_a_large_upload_and_a_large_answer(rig: Rig) -> None:
    rig.start()
    size = rig.service.waits_for = 5_000_000
    rig.service.answer = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size]

    assert rig.visit("/", "PUT", b"y" * size) == (200, b"x" * size)
    rest = rig.service.received[0].partition(b"\r\n\r\n")[2]
    assert set(rest) == set(b"y")
    assert len(rest) > 0.99 * size


def test_a_websocket_carries_bytes_both_ways(rig: Rig) -> None:
    rig.start()
    rig.service.answer, rig.service.echoes = [SWITCH + b"hello"], True

    with rig.visitor(WEBSOCKET.format("/ws")) as visitor:
        head = received(visitor, b"hello").decode()
        visitor.sendall(b"\x81abc")
        assert received(visitor, b"c") == b"\x81abc"

    assert head.startswith("HTTP/1.1 101 Switching Protocols\r\n")
    assert f"\r\nSec-Websocket-Accept: {ACCEPT}\r\n" in head
    lines = rig.service.heads[0]
    assert {"Connection: Upgrade", "Upgrade: websocket", "Sec-Websocket-Version: 13"} <= set(lines)


def test_a_refused_websocket_is_an_answer(rig: Rig) -> None:
    rig.start()
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"

    assert answered(rig, refusal, head=WEBSOCKET.format("/ws")) == refusal


@pytest.fixture
def listening(tmp_path: Path) -> tuple[socket.socket, Path]:
    """A service on a socket in the file system."""
    opened, path = socket.socket(socket.AF_UNIX), tmp_path / "service"
    opened.bind(str(path))
    opened.listen()
    return opened, path


@over_http2
def test_no_websocket_reaches_a_unix_socket(
    rig: Rig, listening: tuple[socket.socket, Path]
) -> None:
    program = rig.start(rules=[{"hostname": HOST, "service": f"unix:{listening[1]}"}])

    with rig.visitor(WEBSOCKET.format("/")) as visitor:
        assert everything(visitor).startswith(b"HTTP/1.1 502 ")
    assert "http: no Host in request URL" in program.log


def test_a_service_that_speaks_tcp(rig: Rig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as service:
        rig.start(
            rules=[{"hostname": HOST, "service": f"ssh://127.0.0.1:{service.getsockname()[1]}"}]
        )

        with rig.visitor(WEBSOCKET.format("/")) as visitor:
            connection, _ = service.accept()
            connection.sendall(b"SSH-2.0-test\r\n")
            head, _, frame = received(visitor, b"test\r\n").partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 ")
            assert frame == b"\x82\x0eSSH-2.0-test\r\n"
            visitor.sendall(
                b"\x82\x83\x01\x02\x03\x04" + bytes([ord("a") ^ 1, ord("b") ^ 2, ord("c") ^ 3])
            )
            assert connection.recv(10) == b"abc"
            connection.close()
            everything(visitor)
        if rig.protocol == "http2":
            assert rig.visit("/") == (200, b"")


def test_a_service_that_speaks_tcp_and_is_not_there(rig: Rig) -> None:
    rig.start(rules=[{"hostname": HOST, "service": "ssh://127.0.0.1:1"}])

    with rig.visitor(WEBSOCKET.format("/")) as visitor:
        assert everything(visitor).startswith(b"HTTP/1.1 502 ")


BINARY, MASKED = 0x82, 0x80
FRAME = 16384
"""Bytes; cloudflared loses what a longer one has (`websocket/connection.go`, `cfio/copy.go`), and sends none itself."""
SESSION = os.urandom(300_000)
"""What a terminal or a database may send in one go."""


def frames(content: bytes) -> bytes:
    """A visitor's frames of a WebSocket (RFC 6455, 5.2), their masks being zeroes."""
    pieces = [content[at : at + FRAME] for at in range(0, len(content), FRAME)]
    return b"".join(
        bytes([BINARY, MASKED | 126]) + len(each).to_bytes(2, "big") + bytes(4) + each
        for each in pieces
    )


def content_of(connection: socket.socket, length: int) -> bytes:
    """What the frames carry that come until so many bytes were carried."""
    stream, found = connection.makefile("rb"), b""
    while len(found) < length:
        first, size = stream.read(2)
        size = int.from_bytes(stream.read({126: 2, 127: 8}[size]), "big") if size > 125 else size
        content = stream.read(size)
        found += content if first & 0x0F in (0, 2) else b""
    return found


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        *itertools.product(("real", "imitation"), ("ssh", "tcp", "rdp", "smb")),
        ("real", "bastion"),
    ],
)
def test_a_session_of_any_service_that_speaks_tcp_is_whole_in_both_directions(
    rig: Rig, scheme: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as service:
        address = f"127.0.0.1:{service.getsockname()[1]}"
        named = scheme if scheme == "bastion" else f"{scheme}://{address}"
        rig.start(rules=[{"hostname": HOST, "service": named}])
        head = WEBSOCKET.format("/") + f"\nCf-Access-Jump-Destination: {address}"

        with rig.visitor(head) as visitor:
            visitor.settimeout(PATIENCE)
            connection, _ = service.accept()
            connection.settimeout(PATIENCE)
            assert received(visitor, b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
            sending = threading.Thread(target=visitor.sendall, args=(frames(SESSION),))
            sending.start()
            taken = connection.makefile("rb").read(len(SESSION))
            sending.join()
            sending = threading.Thread(target=connection.sendall, args=(SESSION,))
            sending.start()
            given = content_of(visitor, len(SESSION))
            sending.join()
            connection.close()

    assert (taken, given) == (SESSION, SESSION)


CLOSE, PING, PONG, TEXT, CONTINUED = 0x88, 0x89, 0x8A, 0x81, 0x80
BEGUN = 0x7F
"""Takes the flag of a last frame away."""


def frame(kind: int, content: bytes = b"", masked: int = MASKED) -> bytes:
    """One frame of a visitor's."""
    size = len(content)
    length = (
        bytes([masked | size]) if size < 126 else bytes([masked | 126]) + size.to_bytes(2, "big")
    )
    return bytes([kind]) + length + (bytes(4) if masked else b"") + content


@pytest.mark.parametrize(
    ("sent", "taken", "told"),
    [
        ([frame(TEXT, b"lost"), frame(BINARY, b"kept")], b"kept", b""),
        ([frame(BINARY, b"x" * (FRAME + 9)), frame(BINARY, b"y")], b"x" * FRAME + b"y", b""),
        (
            [frame(BINARY & BEGUN, b"a"), frame(PING, b"?"), frame(0, b"b"), frame(CONTINUED, b"c")],
            b"abc",
            b"\x8a\x01?",
        ),
        ([frame(PING), frame(PONG, b"!"), frame(BINARY, b"z")], b"z", b"\x8a\x00"),
        ([frame(CLOSE), frame(BINARY, b"late")], b"", b"\x88\x00"),
        ([frame(CLOSE, b"\x03\xe8bye")], b"", b"\x88\x02\x03\xe8"),
        ([frame(BINARY, b"unmasked", masked=0)], b"", b""),
        ([frame(CONTINUED, b"of nothing")], b"", b""),
        ([frame(BINARY & BEGUN, b"a"), frame(BINARY, b"b")], b"", b""),
        ([frame(0x83, b"no such kind")], b"", b""),
        ([frame(BINARY | 0x40, b"compressed")], b"", b""),
    ],
    ids=["text", "long", "in pieces", "pings", "closed", "closed by a code", "unmasked", "nothing begun",
         "begun twice", "unknown", "extended"],
)  # fmt: skip
def test_what_becomes_of_a_visitors_frames(
    rig: Rig, sent: list[bytes], taken: bytes, told: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as service:
        rig.start(
            rules=[{"hostname": HOST, "service": f"tcp://127.0.0.1:{service.getsockname()[1]}"}]
        )

        with rig.visitor(WEBSOCKET.format("/")) as visitor:
            connection, _ = service.accept()
            with connection:
                connection.settimeout(PATIENCE)
                received(visitor, b"\r\n\r\n")
                visitor.sendall(b"".join(sent))
                assert connection.makefile("rb").read(len(taken)) == taken
                if taken:
                    connection.shutdown(socket.SHUT_WR)
                given = everything(visitor)
                assert connection.recv(100) == b""

    assert given == told


@pytest.mark.parametrize(
    ("framing", "body", "is_kept"),
    [("Content-Length: 2", b"hi", True), ("Transfer-Encoding: chunked", b"2\r\nhi\r\n0\r\n\r\n", False)],
)  # fmt: skip
def test_trailers_that_are_announced_where_there_can_be_none(
    rig: Rig, framing: str, body: bytes, is_kept: bool
) -> None:
    rig.start()

    got = answered(rig, f"HTTP/1.1 200 OK\r\nTrailer: X-End\r\n{framing}\r\n\r\n".encode() + body)

    assert (b"\r\nTrailer: X-End\r\n" in got) == is_kept


def test_any_bytes_pass_in_both_directions(rig: Rig) -> None:
    rig.start()

    lines, _ = asked(rig, "GET /\u00c3\u00bc HTTP/1.1\nX-A: \u00c3\u00bc\nX-B: \u00e9")
    got = answered(
        rig, b"HTTP/1.1 200 OK\r\nX-C: \xc3\xbc\r\nX-D: \xe9\r\nContent-Length: 0\r\n\r\n"
    )

    assert lines[0] == "GET /%C3%BC HTTP/1.1"
    assert {"X-A: \u00c3\u00bc", "X-B: \u00e9"} <= set(lines)
    assert {b"X-C: \xc3\xbc", b"X-D: \xe9"} <= set(got.split(b"\r\n")), "in any order"


@pytest.mark.parametrize("name", ["Range", "Accept-Encoding"])
def test_an_empty_field_is_none_where_gzip_is_asked_for(rig: Rig, name: str) -> None:
    rig.start()

    lines, _ = asked(rig, f"GET / HTTP/1.1\n{name}:")

    assert "Accept-Encoding: gzip" in lines
    assert f"{name}: " in lines
