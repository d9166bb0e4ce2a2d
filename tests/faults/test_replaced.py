"""Resources that are made again, or forgotten, at somebody's word: `--replace`, `state taint`, `--target`, `state delete`."""

import json
from collections.abc import Iterator

import pytest

from tests.engine.world import World
from tests.engine.worlds import started
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


def test_a_preview_warns_of_replacements_that_visitors_notice(deployed: World) -> None:
    chosen = ("--replace", "**::tunnel-tunnel", "--replace", "**::records-www*")

    shown = deployed.pulumi("preview", *chosen).stdout

    assert "Cloudflare refuses a second one of its name (1013)" in shown
    assert "their visitors find nothing for a moment: www.example.localhost" in shown
    assert "warning" not in deployed.pulumi("preview").stdout


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
