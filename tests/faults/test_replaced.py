"""Resources that are made again, or forgotten, at somebody's word: `--replace`, `state taint`, `--target`, `state delete`."""

import json
import random
import re
import shlex
import subprocess
import time
from collections.abc import Iterator

import pytest

from sandbox.world import World
from tests.engine.worlds import started
from tests.faults.killing import kill
from tests.faults.load import load

SITES = ("www.example.localhost", "app.example.localhost", "status.example-two.localhost")
LEFT = (
    "ls -d /etc/caddy/argoWeb.[!n]* /var/lib/argoWeb /var/lib/argoweb-deploy 2>/dev/null;"
    " systemctl list-unit-files --no-legend 'argoWeb*'"
)
GAP = {
    "tunnel-secret": "a rotation restarts cloudflared",
    **{f"records-{hostname}": "a hostname has room for one CNAME only" for hostname in SITES},
}
"""Of which resources a replacement is a gap, and why; the preview says so."""


def urns(world: World) -> dict[str, str]:
    """The stack's resources by their names, without those of Pulumi itself."""
    exported = json.loads(world.pulumi("stack", "export").stdout)["deployment"]["resources"]
    found = {each["urn"].rpartition("::")[2]: each["urn"] for each in exported}
    return {name: urn for name, urn in found.items() if "::pulumi:" not in urn}


def serving(world: World) -> list[int]:
    return [world.get(hostname)[0] for hostname in SITES]


def up(world: World, *words: str, gap: bool = False) -> str:
    """An `up` that ends well, during which visitors are served; what it printed."""
    with load(world, *SITES) as visitors:
        output = world.pulumi("up", "--yes", "--skip-preview", *words).stdout
    if not gap:
        assert visitors.failed == []
    assert serving(world) == [200, 200, 200]
    return output


def test_the_commands_of_a_server_are_made_again_while_it_serves(deployed: World) -> None:
    output = up(deployed, "--replace", "**remote:Command::web1-**")

    assert "which has made its teardown again: left alone" in output
    assert deployed.planned() == {}


# Four more ups; that the teardown is left alone the test above has too.
@pytest.mark.long
def test_the_program_and_then_the_teardown_are_made_again_while_it_serves(deployed: World) -> None:
    up(deployed, "--replace", "**::web1-server.sh", "--replace", "**::web1-credentials")

    output = up(deployed, "--target-replace", urns(deployed)["web1-teardown"])

    assert "which has made its teardown again: left alone" in output
    up(deployed)
    assert deployed.planned() == {}


def test_a_preview_warns_of_a_replacement_that_visitors_notice(deployed: World) -> None:
    shown = deployed.pulumi("preview", "--replace", "**::records-www*").stdout

    assert "their visitors find nothing for a moment: www.example.localhost" in shown
    assert "warning" not in deployed.pulumi("preview").stdout


def test_a_tainted_tunnel_is_refused_by_the_preview_with_advice_that_works(deployed: World) -> None:
    deployed.pulumi("state", "taint", "--yes", urns(deployed)["tunnel-tunnel"])

    refused = deployed.pulumi("up", "--yes", check=False)
    (advice,) = set(
        re.findall("pulumi (state untaint --yes '[^']*')", refused.stdout + refused.stderr)
    )

    assert refused.returncode != 0
    assert "Cloudflare refuses a second one of its name (1013)" in refused.stdout + refused.stderr
    assert serving(deployed) == [200, 200, 200]
    deployed.pulumi(*shlex.split(advice))
    assert deployed.planned() == {}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A deployed world; at its end `destroy` takes all of it away, whatever was done to it."""
    with started(tmp_path_factory.mktemp("replaced")) as world:
        world.up()
        yield world
        world.pulumi("destroy", "--yes", "--skip-preview")
        assert world.ssh(LEFT, check=False) == ""


@pytest.mark.long
@pytest.mark.parametrize("operation", ["replace", "taint", "target", "target-replace", "delete"])
def test_no_resource_takes_the_sites_down(table: World, operation: str) -> None:
    for name, urn in urns(table).items():
        replaces = operation in ("replace", "taint", "target-replace")
        gap = replaces and name in GAP
        if name == "tunnel-tunnel" and replaces:
            continue  # Cloudflare refuses it, and the preview says so
        if operation == "taint":
            table.pulumi("state", "taint", urn, "--yes")
            up(table, gap=gap)
        elif operation == "delete":
            # One that went with another before is there again.
            table.pulumi("state", "delete", urn, "--yes", "--target-dependents", check=False)
            up(table)
        else:
            up(table, f"--{operation}", urn, gap=gap)
        table.up()
        assert table.planned() == {}, name
        assert serving(table) == [200, 200, 200], name


COMMANDS = (
    "web1-teardown", "web1-server.sh", "web1-credentials", "web1-argoWeb.yml", "web1-activate", "web1-id",
)  # fmt: skip


def killed(world: World, seconds: float, *words: str) -> None:
    """An `up` that ends by `kill -9` after some seconds, if it has not ended before."""
    running = subprocess.Popen(
        ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview", *words],
        cwd=world.root,
        env=world.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)
    if running.poll() is None:
        kill(running)
    running.wait(60)
    world.pulumi("cancel", "--yes", check=False)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_no_order_of_replaced_forgotten_and_killed_ones_does(table: World, seed: int) -> None:
    table.up()
    chance = random.Random(seed)
    for number in range(15):
        name, how = chance.choice(COMMANDS), chance.choice(["replace", "target-replace", "taint"])
        if name not in urns(table):  # one was killed before it was made again
            table.up()
        urn = urns(table)[name]
        words = [] if how == "taint" else [f"--{how}", urn]
        if how == "taint":
            table.pulumi("state", "taint", urn, "--yes")
        ends = chance.choice(["well", "well", "killed", "forgotten"])
        did = f"{seed}.{number}: {how} {name}, {ends}"
        with load(table, *SITES) as visitors:
            if ends == "killed":
                killed(table, chance.uniform(1, 6), *words)
            else:
                table.pulumi("up", "--yes", "--skip-preview", *words)
            if ends == "forgotten":
                other = urns(table)[chance.choice(COMMANDS[1:3])]
                table.pulumi("state", "delete", other, "--yes", "--target-dependents")
                table.up()
        assert visitors.failed == [], did
        assert serving(table) == [200, 200, 200], did
    table.up()
    assert table.planned() == {}


@pytest.mark.long
@pytest.mark.parametrize("name", ["web1-server.sh", "web1-credentials", "web1-activate"])
def test_what_was_forgotten_keeps_destroy_from_nothing(table: World, name: str) -> None:
    table.up()
    up(table, "--replace", "**::web1-teardown")
    table.pulumi("state", "delete", urns(table)[name], "--yes", "--target-dependents")

    table.pulumi("destroy", "--yes", "--skip-preview")

    assert table.ssh(LEFT, check=False) == ""


@pytest.mark.long
def test_a_state_that_pulumi_has_to_repair_goes_on(table: World) -> None:
    table.up()
    forgotten = urns(table)["web1-server.sh"]
    table.pulumi("state", "delete", forgotten, "--yes", "--target-dependents")
    # Pulumi takes the records in without the parent, which is no target and not in the state.
    target = urns(table)["web1-argoWeb.yml"]
    broken = table.pulumi("up", "--yes", "--skip-preview", "--target", target, check=False)
    assert "pulumi state repair" in broken.stdout + broken.stderr

    table.pulumi("state", "repair", "--yes")
    up(table)

    assert table.planned() == {}
