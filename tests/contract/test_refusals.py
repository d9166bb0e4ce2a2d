"""What makes cloudflared try again, and what ends it."""

import base64
import time
from typing import Any

import pytest

from tests.contract.rig import WRONG_SECRET, Program, Rig, until
from tests.contract.test_requests import over_http2

AGAIN = "INF Retrying connection in up to"
REFUSED = 'ERR Register tunnel error from server side error="{}" connIndex=0'
NOT_TOLD = (
    'ERR Serve tunnel error error="control stream encountered a failure while serving" connIndex=0'
)


def refused(rig: Rig, cause: str) -> str:
    """The line about a refused registration; over QUIC no line has the cause."""
    return REFUSED.format(cause) if rig.protocol == "http2" else NOT_TOLD


def test_a_wrong_secret_is_tried_for_ever_with_longer_and_longer_waits(rig: Rig) -> None:
    program = rig.start(secret=WRONG_SECRET, wait=False)

    until(lambda: f"{AGAIN} 4s connIndex=0" in program.log)

    assert f"{AGAIN} 2s connIndex=0" in program.log
    assert refused(rig, "Unauthorized: Invalid tunnel secret") in program.log
    assert ("Unauthorized" in program.log) == (rig.protocol == "http2")
    assert (program.exit_code, rig.ready()) == (None, (503, 0))
    assert program.stop() < 1.5
    assert program.exit_code == 0


@pytest.mark.parametrize("retry", [False, True])
def test_the_mark_of_a_refusal_makes_no_difference(rig: Rig, retry: bool) -> None:
    rig.control(
        "POST", "/weather", {"refusal": "Unauthorized: Invalid tunnel secret", "retry": retry}
    )
    program = rig.start(wait=False)

    until(lambda: f"{AGAIN} 2s" in program.log)
    rig.control("DELETE", "/weather")

    until(lambda: rig.ready()[0] == 200)
    assert rig.connections()


@over_http2
def test_a_duplicate_takes_another_address(rig: Rig) -> None:
    rig.control("POST", "/weather", {"refusal": "EDUPCONN", "location": "sbx01"})
    program = rig.start(wait=False)

    until(rig.connections)

    assert {connection["colo_name"] for connection in rig.connections()} == {"sbx02"}
    assert program.exit_code is None
    told = 'error="already connected to this server, trying another address"'
    assert (told in program.log) == (f"{AGAIN} 2s connIndex=0" in program.log)


@pytest.mark.long
@pytest.mark.parametrize("protocol", ["quic"])
def test_over_quic_a_duplicate_stays_where_it_is(rig: Rig) -> None:
    """Which of the addresses its first connection takes is chance: it is let in at once, or refused for ever."""
    rig.control("POST", "/weather", {"refusal": "EDUPCONN", "location": "sbx01"})
    program = rig.start(wait=False)

    until(lambda: rig.connections() or tries(program) > 2)

    assert bool(rig.connections()) == (tries(program) == 0)
    assert program.exit_code is None


def tries(program: Program) -> int:
    """How often the first connection was tried again."""
    return sum(AGAIN in line and " connIndex=0" in line for line in program.log.splitlines())


@over_http2
@pytest.mark.parametrize("retry", [False, True])
def test_over_http2_another_refusal_ends_it(rig: Rig, retry: bool) -> None:
    rig.control("POST", "/weather", {"refusal": "no such thing", "retry": retry})
    program = rig.start(wait=False)

    until(lambda: program.exit_code is not None)

    assert program.exit_code == 1
    lines = program.log.splitlines()
    assert "no such thing" in lines[-1]
    assert [line for line in lines if 'ERR Initiating shutdown error="no such thing"' in line]


@over_http2
def test_over_http2_an_edge_without_an_answer_ends_it(rig: Rig) -> None:
    rig.control("POST", "/weather", {"refusal": ""})
    program = rig.start(wait=False)

    before = time.monotonic()
    until(lambda: program.exit_code is not None)

    assert program.exit_code == 1
    assert time.monotonic() - before > 4.5


@pytest.mark.parametrize("protocol", ["quic"])
def test_over_quic_another_refusal_is_tried_again(rig: Rig) -> None:
    rig.control("POST", "/weather", {"refusal": "no such thing"})
    program = rig.start(wait=False)

    until(lambda: f"{AGAIN} 4s connIndex=0" in program.log)

    assert program.exit_code is None


def test_an_edge_that_is_away_is_waited_for(rig: Rig) -> None:
    rig.control("POST", "/weather", {"gone": True})
    program = rig.start(wait=False)
    until(lambda: f"{AGAIN} 2s" in program.log)

    rig.control("DELETE", "/weather")

    until(rig.connections)
    assert program.exit_code is None


def test_a_deleted_tunnel_is_refused_and_tried_for_ever(rig: Rig) -> None:
    rig.tunnel_api("DELETE")
    program = rig.start(wait=False)

    until(lambda: f"{AGAIN} 2s" in program.log)

    assert refused(rig, "Unauthorized: Failed to get tunnel") in program.log
    assert program.exit_code is None


@pytest.mark.long
def test_a_tunnel_that_is_deleted_meanwhile_is_refused_and_tried_for_ever(rig: Rig) -> None:
    program = rig.start()
    until(lambda: len(rig.connections()) == 4)

    rig.tunnel_api("DELETE", "/connections")
    rig.tunnel_api("DELETE")

    until(lambda: refused(rig, "Unauthorized: Failed to get tunnel")[:-1] in program.log)
    assert rig.visit()[0] == 530
    assert (program.exit_code, rig.ready()) == (None, (503, 0))


def test_a_new_secret_is_asked_of_new_connections_only(rig: Rig) -> None:
    rig.start()
    new = base64.b64encode(b"n" * 32).decode()

    rig.tunnel_api("PATCH", body={"tunnel_secret": new})

    assert rig.visit() == (200, b"hi")
    old = rig.start(wait=False)
    until(lambda: AGAIN in old.log)
    rig.start(secret=new)
    until(lambda: len({item["client_id"] for item in rig.connections()}) == 2)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"metrics": "127.0.0.1:{port}"}, "Error opening metrics server listener"),
        ({"grace-period": "4m"}, "grace-period must be equal or less than 3m0s"),
        ({"credentials-file": "/absent"}, "Tunnel credentials file '/absent' doesn't exist or is not a file"),
    ],
)  # fmt: skip
def test_what_it_does_not_start_with(rig: Rig, settings: dict[str, Any], text: str) -> None:
    given = {name: value.format(port=rig.service.port) for name, value in settings.items()}
    program = rig.start(wait=False, **given)

    until(lambda: program.exit_code is not None)

    assert program.exit_code == 1
    assert text in program.log
