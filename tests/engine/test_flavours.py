"""The ways in which servers differ: how they are reached, how they are rebuilt, who runs Caddy."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import ROOT, World
from tests.engine.test_commands import argoweb
from tests.engine.worlds import started

pytestmark = pytest.mark.long

Config = dict[str, Any]
FLAKE = """{
  inputs.nixpkgs.url = "path:/opt/sandbox/nixpkgs";
  outputs = { self, nixpkgs }: {
    nixosConfigurations.web1 = nixpkgs.lib.nixosSystem { system = "SYSTEM"; modules = [ ./configuration.nix ]; };
  };
}
"""
OWN_FLAKE = """  inputs.argoweb = { url = "path:/etc/argoweb"; inputs.nixpkgs.follows = "nixpkgs"; };
"""
IMPORT = "(if builtins.pathExists /etc/caddy/argoWeb.nix then /etc/caddy/argoWeb.nix else { })"
OWN_CADDY = """
  users.users.caddyProxy = { isSystemUser = true; group = "caddyProxy"; };
  users.groups.caddyProxy = { };
  systemd.services.caddyProxy = {
    wantedBy = [ "multi-user.target" ];
    serviceConfig = {
      Type = "notify";
      User = "caddyProxy";
      Group = "caddyProxy";
      StateDirectory = "caddyProxy";
      Environment = "HOME=/var/lib/caddyProxy";
      ExecStart = "/opt/sandbox/bin/caddy run --config /srv/caddyProxy/Caddyfile --adapter caddyfile";
      ExecReload = "/opt/sandbox/bin/caddy reload --config /srv/caddyProxy/Caddyfile --adapter caddyfile --force";
    };
  };
}
"""


@pytest.fixture(scope="module")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two servers, of which the stack has the first; nothing is deployed."""
    with started(tmp_path_factory.mktemp("spare"), servers=2) as world:
        world.edit(lambda config: config["argoweb:servers"].pop("web2"))
        yield world


def serves(world: World) -> bool:
    return "this is app" in world.get("app.example.localhost")[1]


def test_the_first_up_works_through_a_bastion_and_as_a_user_who_may_sudo(spare: World) -> None:
    door = spare.status["servers"]["web2"]["ssh"]

    def far_away(config: Config) -> None:
        bastion = {"address": door["host"], "port": door["port"], "hostKey": door["host_key"]}
        config["argoweb:servers"]["web1"] |= {"user": "admin", "bastion": bastion}

    before = spare.logins("web2")
    with spare.changed(far_away):
        spare.up()
        assert serves(spare)
        assert spare.logins("web2") > before
        assert "Accepted publickey for admin" in spare.ssh(
            "journalctl -o cat -t sshd -t sshd-session --no-pager"
        )
        spare.pulumi("destroy", "--yes")

    assert "argoweb-deploy" not in spare.ssh("ls /var/lib")


def test_a_bastions_own_host_key_is_checked(spare: World) -> None:
    door, other = (spare.status["servers"][name]["ssh"] for name in ("web2", "web1"))

    def mistaken(config: Config) -> None:
        bastion = {"address": door["host"], "port": door["port"], "hostKey": other["host_key"]}
        config["argoweb:servers"]["web1"] |= {"bastion": bastion, "dialAttempts": 1}

    with spare.changed(mistaken):
        result = spare.pulumi("up", "--yes", "--skip-preview", check=False)

    assert result.returncode != 0
    expected = "proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch"
    assert expected in result.stdout + result.stderr


def test_a_build_host_builds_what_the_server_runs(spare: World) -> None:
    door = spare.status["servers"]["web2"]["ssh"]
    folder = spare.host_root() / "root/.ssh"
    (folder / "id_ed25519").write_text(Path(door["private_key_file"]).read_text())
    (folder / "id_ed25519").chmod(0o600)
    (folder / "known_hosts").write_text(f"[{door['host']}]:{door['port']} {door['host_key']}\n")
    (folder / "config").write_text(f"Host builder\nHostName {door['host']}\nPort {door['port']}\n")

    def elsewhere(config: Config) -> None:
        config["argoweb:servers"]["web1"]["rebuild"] = {
            "buildHost": "root@builder",
            "args": ["--option", "cores", "1"],
        }

    with spare.changed(elsewhere):
        spare.up()

    assert serves(spare)
    assert "root@builder" in spare.ssh("cat /var/log/sandbox/nixos-rebuild")
    system = spare.ssh("readlink -f /run/current-system").strip()
    spare.ssh(f"test -e {system}", server="web2")


def test_a_flake_is_rebuilt_and_the_users_own_pure_rebuild_fails_instead_of_losing_the_tunnel(
    spare: World,
) -> None:
    spare.up()
    nixos = spare.host_root() / "etc/nixos"
    system = spare.ssh("nix-instantiate --eval -E builtins.currentSystem").strip().strip('"')
    (nixos / "flake.nix").write_text(FLAKE.replace("SYSTEM", system))
    configuration = (nixos / "configuration.nix").read_text()
    assert IMPORT in configuration
    (nixos / "configuration.nix").write_text(
        configuration.replace(IMPORT, "/etc/caddy/argoWeb.nix")
    )

    def flake(config: Config) -> None:
        config["argoweb:servers"]["web1"]["rebuild"] = {"flake": "/etc/nixos#web1"}
        config["argoweb:caddy"] = {"group": "webProxy"}

    with spare.changed(flake):
        spare.up()
    pure = spare.ssh(
        ". /etc/set-environment && cd /root && nixos-rebuild build --flake /etc/nixos#web1 2>&1 && echo built",
        check=False,
    )
    spare.ssh(
        ". /etc/set-environment && cd /root && nixos-rebuild build --flake /etc/nixos#web1 --impure"
    )

    assert serves(spare)
    assert "/etc/nixos#web1" in spare.ssh("tail -n 3 /var/log/sandbox/nixos-rebuild")
    assert "built" not in pure
    assert "--impure" in pure
    built = spare.ssh("readlink -f /root/result /run/current-system").split()
    assert built[0] == built[1]

    # The module comes from this repository's own flake.
    own = nixos.parent / "argoweb"
    own.mkdir()
    shutil.copy(ROOT / "flake.nix", own)
    shutil.copytree(ROOT / "nixos", own / "nixos")
    (nixos / "flake.nix").write_text(
        (nixos / "flake.nix")
        .read_text()
        .replace("  outputs", f"{OWN_FLAKE}  outputs")
        .replace("self, nixpkgs", "self, nixpkgs, argoweb")
        .replace("[ ./configuration.nix ]", "[ ./configuration.nix argoweb.nixosModules.default ]")
    )
    (nixos / "configuration.nix").write_text(configuration.replace(IMPORT, ""))
    with spare.changed(flake):
        spare.edit(lambda config: config["argoweb:servers"]["web1"].update(redeploy=1))
        spare.up()
        assert serves(spare)
        assert "Nothing differs from the stack" in argoweb(spare, "drift").stdout
    (nixos / "flake.nix").unlink()
    (nixos / "configuration.nix").write_text(configuration)
    spare.up()


def test_a_caddy_unit_of_the_users_own_serves_the_sites_and_is_reloaded_not_restarted(
    spare: World,
) -> None:
    spare.up()
    root = spare.host_root()
    configuration = root / "etc/nixos/configuration.nix"
    good = configuration.read_text()
    configuration.write_text(good.rstrip().removesuffix("}") + OWN_CADDY)
    (root / "srv/caddyProxy").mkdir()
    (root / "srv/caddyProxy/Caddyfile").write_text(
        "{\n\tadmin 127.0.0.1:2020\n\tgrace_period 10s\n}\nimport /etc/caddy/argoWeb.cadd?\n"
    )
    own = {"manage": False, "unit": "caddyProxy", "group": "caddyProxy"}

    with spare.changed(lambda config: config.update({"argoweb:caddy": own})):
        spare.up()
        assert serves(spare)
        assert spare.ssh("systemctl is-active caddyProxy caddy", check=False).split() == [
            "active",
            "inactive",
        ]
        assert "caddyProxy" in spare.ssh("id -nG argoWeb")
        invocation = spare.ssh("systemctl show -p InvocationID caddyProxy")
        with spare.changed(
            lambda config: config["argoweb:sites"][1].update(proxy="127.0.0.1:3001")
        ):
            assert "plan: reload caddyProxy" in spare.up()
            assert "this is status" in spare.get("app.example.localhost")[1]
        assert spare.ssh("systemctl show -p InvocationID caddyProxy") == invocation
        spare.up()

    configuration.write_text(good)
    spare.up()
    assert serves(spare)
