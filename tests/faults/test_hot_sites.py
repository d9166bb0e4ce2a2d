"""Where Caddy chooses among its sites, they come, change and go without a restart of cloudflared."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.world import World
from tests.engine.worlds import started
from tests.faults.load import load
from tests.faults.streams import ORIGIN, PORT, WHOLE, streams
from tests.faults.test_rolling import SITES, UNITS, starts

pytestmark = pytest.mark.long

STREAMS = "streams.example.localhost"
NEW = "new.example.localhost"
SECONDS = 15
"""About one where nothing else runs, four where twenty other processes wait for the two processors."""


def hot(config: dict[str, Any]) -> None:
    """Caddy chooses, and one of its sites has long streams."""
    config["argoweb:routing"] = "caddy"
    config["argoweb:sites"].append({"hostname": STREAMS, "proxy": f"127.0.0.1:{PORT}"})


def added(config: dict[str, Any]) -> None:
    """A hostname that was not there before."""
    config["argoweb:sites"].insert(0, {"hostname": NEW, "caddyfile": "respond first"})


def changed(config: dict[str, Any]) -> None:
    """The same with another answer."""
    config["argoweb:sites"].insert(0, {"hostname": NEW, "caddyfile": "respond second"})


@pytest.fixture(scope="module")
def hot_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server whose Caddy chooses."""
    with started(tmp_path_factory.mktemp("hot")) as world:
        world.edit(hot)
        with world.service("streams", "/opt/sandbox/bin/python3", "-c", ORIGIN):
            world.up()
            yield world


def test_a_site_comes_changes_and_goes_while_cloudflared_goes_on_and_no_visitor_notices(
    hot_world: World,
) -> None:
    world = hot_world
    before = starts(world, *UNITS)
    outputs = []
    with load(world, *SITES) as visitors, streams(world, STREAMS) as opened:
        with world.changed(added):
            outputs.append(world.up())
            visitors.go_on()
            assert world.get(NEW) == (200, "first")
        with world.changed(changed), load(world, NEW) as of_it:
            outputs.append(world.up())
            assert world.get(NEW) == (200, "second")
        outputs.append(world.up())
        whole = opened["download"].digest()
        flowing = {name: stream.flows for name, stream in opened.items() if name != "download"}

    assert visitors.failed + of_it.failed == []
    assert flowing == {"events": True, "websocket": True}
    assert whole == WHOLE
    assert starts(world, *UNITS) == before
    assert ["plan: reload caddy (argoWeb.caddy)" in output for output in outputs] == [True] * 3


def test_an_unknown_hostname_gets_404_from_caddy(hot_world: World) -> None:
    asked = f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: {NEW}' http://127.0.0.1:8080/"

    assert hot_world.ssh(asked) == "404"


def test_going_over_to_it_and_back_drops_no_request(hot_world: World) -> None:
    world = hot_world

    def back(config: dict[str, Any]) -> None:
        config["argoweb:routing"] = "cloudflared"

    with world.changed(back), load(world, *SITES, STREAMS) as visitors:
        output = world.up()
    with load(world, *SITES, STREAMS) as more:
        world.up()

    assert visitors.failed + more.failed == []
    assert "One restarts after the other, so no request is lost." in output


def test_a_site_that_moves_between_cloudflared_and_caddy_drops_no_request(
    hot_world: World,
) -> None:
    world = hot_world
    moved = "status.example-two.localhost"

    def to_caddy(config: dict[str, Any]) -> None:
        (site,) = [site for site in config["argoweb:sites"] if site["hostname"] == moved]
        site["proxy"] = site.pop("service").removeprefix("http://")

    with world.changed(to_caddy), load(world, *SITES) as visitors:
        world.up()
    with load(world, *SITES) as more:
        world.up()

    assert visitors.failed + more.failed == []


def test_a_change_is_at_the_edge_a_moment_after_its_activation_has_begun(hot_world: World) -> None:
    world = hot_world
    with world.changed(added):
        world.up()
    with world.changed(changed), ThreadPoolExecutor(1) as pool:
        began = time.time()
        run = pool.submit(world.up)
        world.wait_for(lambda: world.get(NEW)[1] == "second")
        there = time.time()
        run.result()
        activation = max(at for at in world.login_times() if began <= at <= there)
    world.up()

    assert there - activation < SECONDS
