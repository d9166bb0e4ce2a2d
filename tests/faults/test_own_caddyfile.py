"""A Caddy whose configuration the server's owner has a part in."""

from collections.abc import Callable, Iterator

import pytest

from sandbox.world import World
from tests.faults.direct import Direct
from tests.faults.steps import MOVED, shows
from tests.faults.test_activation import UNTOUCHED, live_files

pytestmark = pytest.mark.long

OWN_FILE = "services.caddy.configFile = ./Caddyfile;"


@pytest.fixture
def owner(world: World, direct: Direct) -> Iterator[Callable[[str], None]]:
    """Puts lines into the server's own configuration; they are gone at the end."""
    path = world.host_root() / "etc/nixos/configuration.nix"
    good = path.read_text()

    def add(lines: str) -> None:
        path.write_text(f"{good.rstrip().removesuffix('}')}{lines}\n}}\n")

    yield add
    path.write_text(good)


def test_a_caddy_that_runs_a_file_without_our_import_is_refused_and_shown_the_line(
    world: World, direct: Direct, owner: Callable[[str], None]
) -> None:
    caddyfile = world.host_root() / "etc/nixos/Caddyfile"
    caddyfile.write_text("app.example.localhost:9999 {\n\trespond own\n}\n")
    owner(OWN_FILE)
    new, files = direct.moved(), live_files(world)
    direct.stage(new)

    refused = direct.run(new.manifest).refusal()
    after = live_files(world)
    line = refused.partition("Add this line there once")[2].splitlines()[1].strip()
    caddyfile.write_text(f"{caddyfile.read_text()}{line}\n")
    said = direct.deploy(new)

    assert "Caddy runs /etc/caddy/caddy_config, which does not import our sites." in refused
    assert UNTOUCHED in refused
    assert after == files
    assert "done: the tunnel is connected" in said
    assert shows(world, MOVED)()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('services.caddy.settings.apps.http.servers.own.listen = [ ":9000" ];', "which is JSON (services.caddy.settings?) and cannot import our sites."),
        ('services.caddy.virtualHosts."own.example.localhost:8080".listenAddresses = [ "127.0.0.1" ];', "Caddy cannot have both at one port."),
        ('services.caddy.globalConfig = "admin localhost:8080";', "Caddy is to listen at localhost:8080 for something else"),
        ('services.caddy.globalConfig = "admin off";', "Caddy's admin endpoint is off"),
    ],
)  # fmt: skip
def test_what_the_owner_has_in_caddys_options_and_would_end_the_sites_is_told_first(
    world: World, direct: Direct, owner: Callable[[str], None], lines: str, told: str
) -> None:
    owner(lines)
    new, files = direct.moved(), live_files(world)
    direct.stage(new)

    refused = direct.run(new.manifest).refusal()

    assert told in refused
    assert UNTOUCHED in refused
    assert live_files(world) == files
