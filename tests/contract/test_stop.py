"""From SIGTERM to the end of cloudflared."""

import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from tests.contract.rig import HOST, Program, Rig, everything, received, until
from tests.contract.test_requests import SWITCH, WEBSOCKET, over_http2

GRACE = 2.0
DRAIN = 6.0
"""Seconds that the edge lets exchanges go on after their connection was unregistered."""
LONG = 60.0
"""Seconds of a grace period or a drain that is not waited for."""
SLACK = 30.0
"""Seconds; a busy machine takes them for nothing."""
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"


Start = Callable[..., Program]
until_the_edge_closes = pytest.mark.parametrize("times", [{"drain_seconds": DRAIN}])


@pytest.fixture
def times() -> dict[str, float]:
    return {"drain_seconds": LONG}


@pytest.fixture
def start(rig: Rig) -> Start:
    """Starts cloudflared and waits until it has begun all it begins."""

    def start(grace: float = GRACE) -> Program:
        settings: dict[str, Any] = {"grace-period": f"{grace:.0f}s"}
        program = rig.start(**settings)
        until(lambda: len(rig.connections()) == 4)
        time.sleep(1)  # after the last connection it waits once more
        return program

    return start


def test_with_nothing_to_do_it_ends_at_once(rig: Rig, start: Start) -> None:
    program = start(LONG)

    assert program.stop() < SLACK
    assert program.exit_code == 0
    assert rig.connections() == []
    lines = [line.partition("Z ")[2] for line in program.log.splitlines()]
    assert lines.count("INF Initiating graceful shutdown due to signal terminated ...") == 1
    for index in range(4):
        assert [
            line for line in lines if line.startswith("INF Unregistered") and f"={index}" in line
        ]
    assert lines[-3:] == [
        "ERR no more connections active and exiting",
        "INF Tunnel server stopped",
        "INF Metrics server stopped",
    ]


def test_soon_after_the_start_a_stop_waits_for_the_connections_to_come(rig: Rig) -> None:
    program = rig.start()
    until(lambda: len(rig.connections()) > 1)  # a signal before that may end it at once
    first = min(each["opened_at"] for each in rig.connections()).replace("Z", "+00:00")

    program.stop()

    took = datetime.now(timezone.utc) - datetime.fromisoformat(first)
    assert 2.9 < took.total_seconds() < 3.1 + SLACK
    assert program.exit_code == 0


def test_what_was_asked_before_is_answered_and_then_it_ends(rig: Rig, start: Start) -> None:
    program = start(LONG)
    rig.service.answer = [b"HTTP/1.1 200 OK\r\n", b"Content-Length: 2\r\n\r\nhi"]
    answers: list[tuple[int, bytes]] = []
    visit = threading.Thread(target=lambda: answers.append(rig.visit()))
    visit.start()
    until(lambda: rig.service.received)

    program.signal()
    until(lambda: rig.ready() == (503, 0))
    assert (program.exit_code, rig.connections()) == (None, [])
    assert rig.visit()[0] == 530
    rig.service.go_on.release()

    visit.join()
    assert answers == [(200, b"hi")]
    before = time.monotonic()
    until(lambda: program.exit_code is not None)
    assert time.monotonic() - before < SLACK


def test_endless_events_are_cut_after_the_grace_period(rig: Rig, start: Start) -> None:
    program = start()
    rig.service.answer = [EVENTS]
    with rig.visitor("GET / HTTP/1.1") as visitor:
        received(visitor, b"data: 1\n\n\r\n")

        assert GRACE - 0.5 < program.stop() < GRACE + SLACK

        assert b"0\r\n\r\n" not in everything(visitor)


@over_http2
@until_the_edge_closes
def test_over_http2_a_websocket_goes_on_until_the_edge_closes(rig: Rig, start: Start) -> None:
    program = start()
    rig.service.answer, rig.service.echoes = [SWITCH + b"hello"], True
    with rig.visitor(WEBSOCKET.format("/")) as visitor:
        received(visitor, b"hello")
        before = time.monotonic()
        program.signal()
        until(lambda: rig.ready() == (0, 0))
        assert time.monotonic() - before > GRACE - 0.5
        visitor.sendall(b"still")
        assert received(visitor, b"still") == b"still"

        until(lambda: program.exit_code is not None)

        assert DRAIN - 0.5 < time.monotonic() - before < DRAIN + SLACK
        assert program.exit_code == 0


@pytest.mark.parametrize("protocol", ["quic"])
def test_over_quic_a_websocket_ends_with_the_grace_period(rig: Rig, start: Start) -> None:
    program = start()
    rig.service.answer = [SWITCH + b"hello"]
    with rig.visitor(WEBSOCKET.format("/")) as visitor:
        received(visitor, b"hello")

        assert GRACE - 0.5 < program.stop() < GRACE + SLACK


@over_http2
@until_the_edge_closes
def test_over_http2_an_upload_without_an_end_goes_on_until_the_edge_closes(
    rig: Rig, start: Start
) -> None:
    program = start()
    rig.service.waits_for = 10_000
    with rig.visitor("POST / HTTP/1.1\nContent-Length: 10000") as visitor:
        visitor.sendall(b"some")
        until(lambda: rig.service.received and rig.service.received[0].endswith(b"some"))

        assert DRAIN - 0.5 < program.stop() < DRAIN + SLACK


@over_http2
def test_a_second_signal_ends_what_the_grace_period_did_not(rig: Rig, start: Start) -> None:
    program = start()
    rig.service.answer = [SWITCH + b"hello"]
    with rig.visitor(WEBSOCKET.format("/")) as visitor:
        received(visitor, b"hello")
        program.signal()
        until(lambda: rig.ready() == (0, 0))

        assert program.stop() < SLACK


def test_a_connection_that_the_edge_keeps_takes_the_whole_grace_period(
    rig: Rig, start: Start
) -> None:
    rig.control("POST", "/weather", {"keeps_drained": True})
    program = start()

    assert GRACE - 0.5 < program.stop() < GRACE + SLACK
    assert program.exit_code == 0


def test_a_second_signal_ends_it_at_once_whatever_it_waits_for(rig: Rig, start: Start) -> None:
    rig.control("POST", "/weather", {"keeps_drained": True})
    program = start(LONG)
    before = time.monotonic()
    program.signal()
    until(lambda: rig.ready() == (503, 0))
    program.signal()
    until(lambda: program.exit_code is not None)

    assert time.monotonic() - before < SLACK
    assert program.exit_code == -signal.SIGTERM


def test_an_interrupt_is_a_stop(rig: Rig, start: Start) -> None:
    program = start()

    program.signal(signal.SIGINT)
    until(lambda: program.exit_code is not None)

    assert program.exit_code == 0


def test_a_restart_serves_the_changed_rules(rig: Rig, start: Start) -> None:
    start().stop()

    rig.start(rules=[{"hostname": HOST, "service": "http_status:410"}])

    assert rig.visit()[0] == 410
