"""Five servers take a change in batches, and none that comes after one that fails."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import World
from tests.engine.worlds import started
from tests.faults.faults import Faults
from tests.faults.load import load
from tests.faults.test_activation import TAKEN_BACK
from tests.faults.test_rolling import SITES, everything, other_service, starts
from tests.ports import free_port

pytestmark = pytest.mark.long

BATCHES = (("web1",), ("web2", "web3"), ("web4", "web5"))
PAUSE = 3


def in_batches(config: dict[str, Any]) -> None:
    """One server, then two, then two; each batch has to stay healthy for a while."""
    config["argoweb:rollout"] = {"canary": 1, "batch": 2, "pause": f"{PAUSE}s"}


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Five servers that serve the same tunnel."""
    with started(tmp_path_factory.mktemp("five"), servers=5) as world:
        world.edit(in_batches)
        world.up()
        yield world


def started_at(world: World, server: str) -> float:
    """Seconds since the machine's own start at which the server's first cloudflared was ready; all servers share them."""
    shown = world.ssh("systemctl show -p ActiveEnterTimestampMonotonic --value argoWeb", server)
    return int(shown) / 1e6


def test_a_batch_follows_once_the_one_before_was_healthy_for_the_pause(five: World) -> None:
    world = five
    with world.changed(other_service), load(world, *SITES) as visitors:
        world.up()
        times = [[started_at(world, server) for server in batch] for batch in BATCHES]
        bodies = {world.get("status.example-two.localhost")[1].splitlines()[0] for _ in range(20)}
    world.up()

    assert all(max(earlier) + PAUSE <= min(later) for earlier, later in pairwise(times)), times
    assert bodies == {"this is app"}
    assert visitors.failed == []


def test_a_batch_in_which_a_server_fails_is_the_last_one(five: World) -> None:
    world = five
    manifest = Path("var/lib/argoweb-deploy/manifest")
    last = BATCHES[2]
    before = {server: starts(world, "argoWeb", "caddy", server=server) for server in last}
    kept = {server: (world.host_root(server) / manifest).read_text() for server in last}
    faults = Faults(world, "web3")
    faults.fail("switch-check")
    try:
        with world.changed(everything), load(world, *SITES) as visitors:
            result = world.pulumi("up", "--yes", "--skip-preview", check=False)
            assert result.returncode != 0
            assert TAKEN_BACK in result.stdout + result.stderr
            for server in last:
                assert starts(world, "argoWeb", "caddy", server=server) == before[server]
                assert (world.host_root(server) / manifest).read_text() == kept[server]
    finally:
        faults.clear()
    world.up()

    assert visitors.failed == []  # one of each server's that took it
    assert world.planned() == {}


def test_a_change_with_which_visitors_reach_nothing_goes_no_further_than_its_batch(
    five: World,
) -> None:
    def nowhere(config: dict[str, Any]) -> None:
        config["argoweb:sites"][1]["proxy"] = f"127.0.0.1:{free_port()}"
        config["argoweb:rollout"]["pause"] = "5m"  # it ends as soon as one was led there in vain

    world = five
    others = [server for batch in BATCHES[1:] for server in batch]
    before = {server: starts(world, "argoWeb", "caddy", server=server) for server in others}
    with world.changed(nowhere), load(world, *SITES):
        result = world.pulumi("up", "--yes", "--skip-preview", check=False)
        assert result.returncode != 0
        assert TAKEN_BACK in result.stdout + result.stderr
        assert "been led in vain to app.example.localhost" in result.stdout + result.stderr
        for server in others:
            assert starts(world, "argoWeb", "caddy", server=server) == before[server]
    with load(world, *SITES) as visitors:
        world.up()

    assert visitors.failed == []
    assert world.planned() == {}
