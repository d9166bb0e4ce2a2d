"""A reload of the real Caddy, seen from a connection that is kept: it is told to end before the server behind it does."""

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.caddy import OLDEST
from tests.ports import free_port
from tests.render.caddy import Running, adapted, only_server, program_of

HOST = "www.example.com"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket"}
FOR_LONG = "shutdown_delay 1m\n"
"""So that the test meets the old server however slow the machine is."""


@pytest.fixture(params=[OLDEST, None], ids=[OLDEST, "installed"])
def caddy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path, program_of(request.param))
    yield running
    running.kill()


def stack(prod: dict[str, Any], port: int, said: str) -> dict[str, Any]:
    sites = [{"hostname": HOST, "caddyfile": f"respond {said}"}]
    return {**prod, "sites": sites, "caddy": {"bind": "127.0.0.1", "port": port}}


def asked(kept: http.client.HTTPConnection, **more: str) -> tuple[str, bool]:
    """What is answered on a connection, and whether the connection ends with it."""
    kept.request("GET", "/", headers={"Host": HOST, **more})
    answer = kept.getresponse()
    return answer.read().decode(), answer.will_close


def test_the_old_server_ends_each_connection_with_an_answer_while_the_new_one_takes_others(
    prod: dict[str, Any], caddy: Running
) -> None:
    port = free_port()
    caddy.load(stack(prod, port, "old"), FOR_LONG)
    kept, upgraded = (http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(2))
    before = [asked(kept), asked(upgraded, **UPGRADE)]

    def reload() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            caddy.load(stack(prod, port, "new"), FOR_LONG)

    threading.Thread(target=reload, daemon=True).start()
    deadline = time.monotonic() + 50
    while not (last := asked(kept))[1] and time.monotonic() < deadline:
        assert last == ("old", False)
    after = {last, asked(upgraded, **UPGRADE)}
    others: set[tuple[str, bool]] = set()
    while "new" not in {text for text, _ in others} and time.monotonic() < deadline:
        other = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        others.add(asked(other))
        other.close()

    assert before == [("old", False)] * 2
    assert after == {("old", True), ("old", False)}
    assert ("new", False) in others
    assert others <= {("old", True), ("new", False)}


def test_where_the_stack_has_no_global_options_caddy_listens_where_it_says_alone(
    prod: dict[str, Any], tmp_path: Path
) -> None:
    managed, own = (
        only_server(adapted({**prod, "caddy": {"manage": manage}}, tmp_path))["listen"]
        for manage in (True, False)
    )

    assert len(managed) == len(own) + 1
    assert {*own} < {*managed}, "without shutdown_delay nothing would come of one more"


@pytest.mark.parametrize("said", ["new", "old"], ids=["another configuration", "the same one"])
def test_a_reload_waits_for_as_long_as_connections_may_take_to_leave(
    prod: dict[str, Any], caddy: Running, said: str
) -> None:
    port = free_port()
    caddy.load(stack(prod, port, "old"), leaves="")
    began = time.monotonic()

    caddy.load(stack(prod, port, said), leaves="")

    assert time.monotonic() - began >= 0.5
