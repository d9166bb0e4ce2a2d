"""Servers that move, take another name, or are gone for good."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from sandbox.world import World
from tests.engine.worlds import started
from tests.faults.load import load

pytestmark = pytest.mark.long

SITES = ("www.example.localhost", "app.example.localhost", "status.example-two.localhost")


class Machines:
    """Two machines, and a stack that has one server on the first of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        document = yaml.safe_load(world.stack_file.read_text())
        self.entries: dict[str, Any] = document["config"]["argoweb:servers"]
        self.write(web=self.entries["web1"])

    def write(self, **servers: dict[str, Any]) -> None:
        """Makes these the stack's servers."""
        document = yaml.safe_load(self.world.stack_file.read_text())
        document["config"]["argoweb:servers"] = servers
        self.world.stack_file.write_text(yaml.safe_dump(document, sort_keys=False, width=1000))

    def left(self, machine: str) -> str:
        """What of argoweb is on a machine, but for the file that keeps the import line evaluating."""
        return self.world.ssh(
            "ls -d /etc/caddy/argoWeb.[!n]* /var/lib/argoWeb /var/lib/argoweb-deploy 2>/dev/null;"
            " systemctl list-unit-files --no-legend 'argoWeb*'",
            machine,
            check=False,
        )


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Nothing is deployed by itself."""
    with started(tmp_path_factory.mktemp("machines"), servers=2) as world:
        yield Machines(world)


@pytest.fixture
def on_the_first(machines: Machines) -> Machines:
    """Deployed there and nowhere else."""
    machines.write(web=machines.entries["web1"])
    machines.world.converge()
    return machines


def test_a_changed_address_moves_without_a_gap_and_leaves_nothing_behind(
    on_the_first: Machines,
) -> None:
    machines, world = on_the_first, on_the_first.world
    machines.write(web=machines.entries["web2"])
    with load(world, *SITES) as visitors:
        plan = world.planned()
        world.up()

    assert plan["web-activate"] == "replace"
    assert "tunnel-tunnel" not in plan
    assert visitors.failed == []
    assert machines.left("web1") == ""
    assert world.ssh("systemctl is-active argoWeb caddy", "web2").split() == ["active", "active"]
    assert world.planned() == {}


def test_a_move_that_failed_and_is_set_back_leaves_the_server_that_serves(
    on_the_first: Machines,
) -> None:
    machines, world = on_the_first, on_the_first.world
    starts = "systemctl show -p InvocationID --value argoWeb caddy"
    before = world.ssh(starts)
    broken = world.host_root("web2") / "etc/sandbox/fail/rebuild-evaluate"
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_text("it fails for a test\n")
    with load(world, *SITES) as visitors:
        machines.write(web=machines.entries["web2"])
        moved = world.pulumi("up", "--yes", "--skip-preview", check=False)
        machines.write(web=machines.entries["web1"])
        world.up()
    broken.unlink()

    assert moved.returncode != 0
    assert visitors.failed == []
    assert world.ssh(starts) == before
    assert machines.left("web2") == ""
    assert world.planned() == {}
    # It is whole there: the next change finds all that it needs.
    machines.write(web={**machines.entries["web1"], "redeploy": 1})
    world.up()


@pytest.mark.parametrize("what", ["name", "address"])
def test_the_same_machine_under_another_name_or_address_is_left_alone(
    on_the_first: Machines, what: str
) -> None:
    machines, world = on_the_first, on_the_first.world
    entry = machines.entries["web1"]
    before = world.ssh("systemctl show -p InvocationID --value argoWeb caddy")
    if what == "name":
        machines.write(another=entry)
    else:
        machines.write(web={**entry, "address": "localhost"})
    with load(world, *SITES) as visitors:
        output = world.up()

    assert "this server belongs to" in output
    assert visitors.failed == []
    assert world.ssh("systemctl show -p InvocationID --value argoWeb caddy") == before
    (staging,) = world.ssh("ls /var/lib/argoweb-deploy/staging").split()
    assert ("another" if what == "name" else "localhost") in staging
    assert world.planned() == {}


def test_a_server_that_is_gone_fails_soon_by_its_name_and_is_let_go(
    on_the_first: Machines,
) -> None:
    machines, world = on_the_first, on_the_first.world
    gone = {**machines.entries["web2"], "dialAttempts": 2}
    machines.write(web=machines.entries["web1"], gone=gone)
    world.up()
    world.ssh("systemctl stop argoWeb argoWeb-2", "web2")
    close_the_door(world, "web2")
    refused = f"after 1 failed attempts: dial tcp 127.0.0.1:{gone['port']}: connect"

    destroyed = world.pulumi("destroy", "--yes", "--skip-preview", check=False)

    assert destroyed.returncode != 0
    assert refused in destroyed.stdout + destroyed.stderr
    assert "Command gone-" in destroyed.stdout

    machines.write(web=machines.entries["web1"])
    removed = world.pulumi("up", "--yes", "--skip-preview", check=False)
    assert refused in removed.stdout + removed.stderr

    machines.write(web=machines.entries["web1"], gone={**gone, "letGo": True})
    world.up()
    world.pulumi("destroy", "--yes", "--skip-preview")

    dump = world.control("/dump")
    assert dump["records"] == []
    assert [t for t in dump["tunnels"] if t["deleted_at"] is None] == []
    assert machines.left("web1") == ""


def close_the_door(world: World, machine: str) -> None:
    """Ends what listens for the machine's SSH."""
    os.kill(world.processes()[f"servers/{machine}/netns"], signal.SIGKILL)
