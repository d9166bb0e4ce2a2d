"""Two cloudflared, on one server or on two, are never down together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import World
from tests.engine.worlds import started
from tests.faults.faults import Faults
from tests.faults.load import load
from tests.faults.streams import ORIGIN, PORT, streams
from tests.faults.test_activation import TAKEN_BACK

pytestmark = pytest.mark.long

Change = Callable[[dict[str, Any]], None]

SITES = ("www.example.localhost", "app.example.localhost", "status.example-two.localhost")


def other_service(config: dict[str, Any]) -> None:
    """A changed route: cloudflared must be restarted."""
    config["argoweb:sites"][2]["service"] = "http://127.0.0.1:3000"


def other_upstream(config: dict[str, Any]) -> None:
    """A changed route behind Caddy: it must be reloaded."""
    config["argoweb:sites"][1]["proxy"] = "127.0.0.1:3001"


def everything(config: dict[str, Any]) -> None:
    """A rebuild, a restart of cloudflared and a reload of Caddy."""
    other_service(config)
    other_upstream(config)
    config["argoweb:caddy"] = {"group": "webProxy"}


@contextmanager
def owned(world: World, lines: str) -> Iterator[None]:
    """The server's owner has switched to a configuration with lines of his, and switches back."""
    configuration = world.host_root() / "etc/nixos/configuration.nix"
    text = configuration.read_text()
    (configuration.parent / "own.nix").write_text(f"{{ {lines} }}\n")
    configuration.write_text(text.replace("imports = ", "imports = [ ./own.nix ] ++ ", 1))
    try:
        world.ssh("bash -lc '. /etc/set-environment; nixos-rebuild switch'")
        yield
    finally:
        configuration.write_text(text)
        world.ssh("bash -lc '. /etc/set-environment; nixos-rebuild switch'")


def starts(world: World, *units: str, server: str = "web1") -> list[str]:
    """What changes with each start of the units."""
    return world.ssh(f"systemctl show -p InvocationID --value {' '.join(units)}", server).split()


@pytest.fixture(scope="module")
def two_instances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server with two cloudflared."""
    with started(tmp_path_factory.mktemp("two-instances")) as world:
        world.edit(lambda config: config.setdefault("argoweb:nixos", {}).update(instances=2))
        world.up()
        yield world


UNITS = ("argoWeb.service", "argoWeb-2.service")


def test_a_change_of_routes_with_two_instances_drops_no_request(two_instances: World) -> None:
    world = two_instances
    before = starts(world, *UNITS)
    with world.changed(other_service), load(world, *SITES) as visitors:
        output = world.up()
        assert "this is app" in world.get("status.example-two.localhost")[1]
    with load(world, *SITES) as more:
        world.up()

    assert "plan: restart argoWeb (argoWeb.yml)" in output
    assert not set(before) & set(starts(world, *UNITS)), "both were restarted"
    assert visitors.failed + more.failed == []


def test_a_change_of_a_site_of_caddys_drops_no_request(two_instances: World) -> None:
    world = two_instances
    with world.changed(other_upstream), load(world, *SITES) as visitors:
        output = world.up()
        assert "this is status" in world.get("app.example.localhost")[1]
    with load(world, *SITES) as more:
        world.up()

    assert "plan: reload caddy (argoWeb.caddy)" in output
    assert visitors.failed + more.failed == []


def test_a_restart_of_caddy_drops_no_request_and_a_stop_of_it_is_one(
    two_instances: World,
) -> None:
    """The server's owner rebuilds, and Caddy's unit changes as it does with each update of nixpkgs."""
    world = two_instances
    streaming = "app.example.localhost"

    def streams_are_served(config: dict[str, Any]) -> None:
        config["argoweb:sites"][1]["proxy"] = f"127.0.0.1:{PORT}"

    def is_active(unit: str) -> bool:
        return world.ssh(f"systemctl is-active {unit}", check=False).strip() == "active"

    with world.service("streams", "/opt/sandbox/bin/python3", "-c", ORIGIN):
        with world.changed(streams_are_served):
            world.up()
        (before,) = starts(world, "caddy")
        with (
            load(world, SITES[0], streaming) as visitors,
            streams(world, streaming),
            owned(world, 'systemd.services.caddy.environment.A = "b";'),
        ):
            assert starts(world, "caddy") != [before]
    world.wait_for(lambda: not is_active("argoWeb-caddy"))
    world.ssh("systemctl stop caddy")
    refused = world.ssh("curl -s -o /dev/null http://127.0.0.1:8080/ || echo $?")
    world.ssh("systemctl start caddy")
    world.up()

    assert visitors.failed == []  # by another Caddy and back, twice
    assert refused == "7\n"


def test_a_changed_unit_with_two_instances_drops_no_request(two_instances: World) -> None:
    """The server's owner rebuilds: NixOS restarts what changed, and knows of no turns."""
    world = two_instances
    before = starts(world, *UNITS)
    both = " ".join(
        f'systemd.services.{name}.environment.A = "b";' for name in ("argoWeb", "argoWeb-2")
    )
    with load(world, *SITES) as visitors, owned(world, both):
        world.wait_for(lambda: not set(before) & set(starts(world, *UNITS)))
        world.wait_for(
            lambda: (
                world.ssh(f"systemctl is-active {' '.join(UNITS)}", check=False).split()
                == ["active", "active"]
            )
        )

    assert visitors.failed == []


def another_secret(config: dict[str, Any]) -> None:
    """The credentials change, and both cloudflared with them."""
    config["argoweb:tunnel"]["secretVersion"] = 2


def another_package(config: dict[str, Any]) -> None:
    """Another version of cloudflared: NixOS builds it and its unit changes."""
    config["argoweb:package"] = {
        "url": "https://git.example.net/cloudflared.git",
        "rev": "2026.8.3",
        "hash": "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "version": "2026.8.3",
    }


@pytest.mark.parametrize("change", [another_secret, another_package])
def test_a_new_secret_or_package_with_two_instances_drops_no_request(
    two_instances: World, change: Change
) -> None:
    world = two_instances
    before = starts(world, *UNITS)
    with world.changed(change), load(world, *SITES) as visitors:
        world.up()
        assert not set(before) & set(starts(world, *UNITS)), "both were restarted"
    with load(world, *SITES) as more:
        world.up()

    assert visitors.failed + more.failed == []


def test_a_first_instance_that_does_not_come_up_leaves_the_second_one_serving(
    two_instances: World,
) -> None:
    world = two_instances

    def no_address(config: dict[str, Any]) -> None:
        other_service(config)
        config["argoweb:cloudflared"] = {"metrics": "192.0.2.77:20251"}

    with world.changed(no_address), load(world, *SITES) as visitors:
        result = world.pulumi("up", "--yes", "--skip-preview", check=False)
    world.up()

    assert TAKEN_BACK in result.stdout + result.stderr
    assert visitors.failed == []


def test_a_stopped_second_instance_is_started_again(two_instances: World) -> None:
    world = two_instances
    world.ssh("systemctl stop argoWeb-2")
    with world.changed(other_service):
        output = world.up()
        assert world.ssh("systemctl is-active argoWeb argoWeb-2").split() == ["active", "active"]
    world.up()

    assert "argoWeb-2.service is not running" in output


GRACE = 4


def test_long_streams_through_a_changed_route_end_with_the_grace_period_and_the_plan_says_so(
    two_instances: World,
) -> None:
    world = two_instances
    streaming, added = "app.example.localhost", "more.example.localhost"

    def streams_are_served(config: dict[str, Any]) -> None:
        config["argoweb:cloudflared"] = {"grace-period": f"{GRACE}s"}
        config["argoweb:sites"][1]["proxy"] = f"127.0.0.1:{PORT}"

    def one_more_rule(config: dict[str, Any]) -> None:
        streams_are_served(config)
        config["argoweb:sites"].append({"hostname": added, "service": "http://127.0.0.1:3000"})

    with world.service("streams", "/opt/sandbox/bin/python3", "-c", ORIGIN):
        with world.changed(streams_are_served):
            world.up()
        with (
            world.changed(one_more_rule),
            load(world, SITES[0], SITES[2]) as visitors,
            streams(world, streaming) as opened,
        ):
            output = world.up()
            assert world.get(added)[0] == 200
            flowing = {name: stream.flows for name, stream in opened.items()}
        world.up()

    assert visitors.failed == []
    assert f"What goes on for longer than the grace period of {GRACE} s is cut off" in output
    assert flowing == {"events": False, "websocket": False, "download": False}


@pytest.fixture(scope="module")
def two_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two servers that serve the same tunnel."""
    with started(tmp_path_factory.mktemp("two-servers"), servers=2) as world:
        world.up()
        yield world


SERVERS = ("web1", "web2")


def test_a_change_of_routes_with_two_servers_drops_no_request(two_servers: World) -> None:
    world = two_servers
    before = [starts(world, "argoWeb", server=name) for name in SERVERS]
    with world.changed(other_service), load(world, *SITES) as visitors:
        world.up()
        bodies = {world.get("status.example-two.localhost")[1].splitlines()[0] for _ in range(4)}
    world.up()

    assert bodies == {"this is app"}
    assert all(
        starts(world, "argoWeb", server=name) != old
        for name, old in zip(SERVERS, before, strict=True)
    )
    assert visitors.failed == []


def test_a_server_whose_activation_fails_stops_the_rest_and_the_others_serve(
    two_servers: World,
) -> None:
    world = two_servers
    faults = Faults(world)
    faults.fail("switch-check")
    manifest = Path("var/lib/argoweb-deploy/manifest")
    untouched = (world.host_root("web2") / manifest).read_text()
    before = starts(world, "argoWeb", "caddy", server="web2")
    try:
        with world.changed(everything), load(world, *SITES) as visitors:
            result = world.pulumi("up", "--yes", "--skip-preview", check=False)
            assert result.returncode != 0
            assert TAKEN_BACK in result.stdout + result.stderr
            assert (world.host_root("web2") / manifest).read_text() == untouched
            assert starts(world, "argoWeb", "caddy", server="web2") == before
        assert visitors.failed == []
    finally:
        faults.clear()
    world.up()
    assert world.planned() == {}
