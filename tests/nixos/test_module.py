"""The NixOS module, evaluated and built by real Nix."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from render import render_module_json
from sandbox.server.machine import MODULES
from settings import contract
from settings.reading.build import build

ROOT = Path(__file__).resolve().parents[2]
NIXPKGS = ROOT / "sandbox/server/nixpkgs"
VERSION = "2026.8.2"
"""Of cloudflared in the imitation of nixpkgs."""
UUID = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
HASH = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
BY_HAND = {
    "After": "network-online.target",
    "Wants": "network-online.target",
    "User": "argoWeb",
    "Group": "argoWeb",
    "Restart": "on-failure",
    "RestartSec": "5s",
    "NoNewPrivileges": "true",
    "LimitNPROC": "512",
    "LimitNOFILE": "1048576",
    "PrivateTmp": "true",
    "PrivateDevices": "true",
    "ProtectHome": "true",
    "ReadWritePaths": "/var/lib/argoWeb",
}
"""Directives of the unit that people write by hand; ProtectSystem and Type are stricter here."""
TAKEN_AWAY = {
    "UMask": "0077",
    "StartLimitIntervalSec": "0",
    "SystemCallErrorNumber": "EPERM",
    "ExecStartPre": f"+/run/current-system/sw/bin/chown --no-dereference argoWeb:argoWeb /var/lib/argoWeb/{UUID}.json",
}
"""What a long outage, a new system or an attacker would find without these."""
NEEDED = {
    "DeviceAllow",
    "IPAddressDeny",
    "PrivateMounts",
    "PrivateNetwork",
    "RestrictAddressFamilies_AF_INET_INET6",
    "RestrictAddressFamilies_AF_NETLINK",
    "RestrictAddressFamilies_AF_UNIX",
    "RootDirectoryOrRootImage",
}
"""What systemd could take away still: the network, Caddy's socket, and what comes with others of the unit's directives."""


class Server:
    """A folder that stands for /etc/caddy, and the system that Nix makes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "NIX_CONFIG": "build-users-group =\nsandbox = false\nsubstitute = false",
            "NIX_STORE_DIR": str(folder / "store"),
            "NIX_STATE_DIR": str(folder / "var"),
            "NIX_LOG_DIR": str(folder / "log"),
            "HOME": str(folder),
            MODULES: "",  # imitated, unless a test sets it
        }

    def push(self, values: dict[str, Any], own: str = "") -> None:
        for file in (ROOT / "nixos").glob("*.nix"):
            shutil.copy(file, self.folder)
        settings = build(values, deployment="argoweb/test")
        (self.folder / "argoWeb.json").write_text(render_module_json(settings, UUID))
        (self.folder / "configuration.nix").write_text(
            f"{{ lib, pkgs, ... }}: {{ imports = [ ./argoWeb.nix ]; {own} }}"
        )

    def nix(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*words, "--arg", "configuration", str(self.folder / "configuration.nix")],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def evaluate(self, attribute: str) -> Any:
        result = self.nix(
            "nix-instantiate", "--eval", "--strict", "--json", f"{NIXPKGS}/nixos", "-A", attribute
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def build(self) -> subprocess.CompletedProcess[str]:
        return self.nix(
            "nix-build", "--no-out-link", f"{NIXPKGS}/nixos", "-A", "config.system.build.toplevel"
        )

    def toplevel(self) -> Path:
        result = self.build()
        assert result.returncode == 0, result.stderr
        return Path(result.stdout.strip())


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def directives(unit: Path) -> dict[str, str]:
    lines = [line for line in unit.read_text().splitlines() if "=" in line]
    return dict(line.split("=", 1) for line in lines)


def test_the_unit_has_every_directive_of_the_hand_made_one_or_a_stricter_one(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push(prod)

    system = server.toplevel()

    unit = directives(system / "etc/systemd/system/argoWeb.service")
    assert {key: unit.get(key) for key in BY_HAND} == BY_HAND
    assert {key: unit.get(key) for key in TAKEN_AWAY} == TAKEN_AWAY
    assert unit["ProtectSystem"] == "strict"
    assert unit["Type"] == "notify"
    assert unit["ExecStart"].endswith(
        "/bin/cloudflared --config /etc/caddy/argoWeb.yml --no-autoupdate tunnel run"
    )
    wants = system / "etc/systemd/system/multi-user.target.wants"
    assert (wants / "argoWeb.service").is_symlink()


def test_the_unit_is_confined_in_each_way_that_systemd_knows_but_what_it_needs(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push(prod)
    unit = server.toplevel() / "etc/systemd/system/argoWeb.service"
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]

    report, ways = (
        subprocess.run([*words, *how], capture_output=True, text=True, check=False).stdout
        for how in ((), ("--json=short",))
    )

    assert {each["json_field"] for each in json.loads(ways) if not each["set"]} == NEEDED
    exposure = float(report.split("Overall exposure level for")[1].split(":")[1].split()[0])
    assert exposure <= 1.5, "the hand-made unit has 7.9; lower is better"


def test_what_a_cut_deployment_left_is_undone_before_anything_serves(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push(prod)
    units = server.toplevel() / "etc/systemd/system"

    unit = directives(units / "argoWeb-recover.service")

    program = f"{contract.DEPLOY_FOLDER}/transaction/server.sh"
    assert unit["ConditionPathExists"] == program
    assert unit["ExecStart"].endswith(f"/bin/bash {program} recover")
    assert unit["Type"] == "oneshot", "what comes after it waits for its end"
    assert {"argoWeb.service", "argoWeb-2.service", "caddy.service"} <= {*unit["Before"].split()}
    assert (units / "multi-user.target.wants/argoWeb-recover.service").is_symlink()
    assert unit["X-RestartIfChanged"] == unit["X-StopIfChanged"] == "false"
    (path,) = re.findall(r'"PATH=(.*)"', (units / "argoWeb-recover.service").read_text())
    for package in ("bash", "coreutils", "util-linux", "gawk", "gnused"):
        assert f"-{package}-" in path


def test_the_user_its_group_and_its_files_are_declared(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push(prod)

    user = server.evaluate("config.users.users.argoWeb")
    rules = server.evaluate("config.systemd.tmpfiles.rules")

    assert user["isSystemUser"] is True
    assert user["home"] == "/var/lib/argoWeb"
    assert user["createHome"] is True
    assert user["extraGroups"] == ["caddyProxy"]
    assert {"argoWeb", "caddyProxy"} <= server.evaluate("config.users.groups").keys()
    assert rules == ["d /var/lib/argoWeb 0700 argoWeb argoWeb -"]


def test_caddy_runs_as_the_user_of_the_stack_file_or_as_nixpkgs_has_it(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push(prod)
    usual = server.evaluate("config.services.caddy.user")
    server.push({**prod, "caddy": {"user": "www"}})

    assert (usual, server.evaluate("config.services.caddy.user")) == ("caddy", "www")


def test_caddy_is_enabled_with_our_sites_unless_the_user_has_a_unit_of_his_own(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push(prod)
    managed = server.evaluate("config.services.caddy")
    prod["caddy"] = {"manage": False, "unit": "caddyProxy", "group": "www"}
    server.push(prod)
    unmanaged = server.evaluate("config.services.caddy.enable")

    assert managed["enable"] is True
    assert managed["extraConfig"] == "import /etc/caddy/argoWeb.cadd?"
    assert "client_ip_headers CF-Connecting-IP" in managed["globalConfig"]
    assert unmanaged is False
    assert server.evaluate("config.users.users.argoWeb.extraGroups") == ["www"]


def test_unfree_packages_are_allowed_where_the_stack_says_so_and_else_as_the_owner_has_it(
    server: Server, prod: dict[str, Any]
) -> None:
    own = "nixpkgs.config.allowUnfree = false;"
    server.push(prod)
    usual = server.evaluate("config.nixpkgs.config")
    server.push(prod, own=own)
    refused = server.evaluate("config.nixpkgs.config")
    prod["nixos"] = {"allowUnfree": True}
    server.push(prod)

    assert usual == {}
    assert refused == {"allowUnfree": False}
    assert server.evaluate("config.nixpkgs.config") == {"allowUnfree": True}


def test_a_nixpkgs_that_is_given_from_outside_is_left_alone(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push(prod, own="nixpkgs.pkgs = pkgs;")

    assert server.toplevel().is_dir()


def test_the_owner_sets_what_we_set_in_the_ordinary_way(
    server: Server, prod: dict[str, Any]
) -> None:
    prod["caddy"] = {"user": "www"}
    server.push(
        prod, own='services.caddy.user = "own"; services.caddy.globalConfig = "grace_period 1m";'
    )

    caddy = server.evaluate("config.services.caddy")

    assert caddy["user"] == "own"
    # Of an option that is there twice Caddy takes the last one.
    assert caddy["globalConfig"].index("grace_period 3500ms") < caddy["globalConfig"].index("1m")


@pytest.mark.parametrize("instances", [1, 2])
def test_nothing_but_cloudflared_in_the_units_changes_with_nixpkgs(
    server: Server, prod: dict[str, Any], instances: int
) -> None:
    server.push({**prod, "nixos": {"instances": instances}})

    units = server.toplevel() / "etc/systemd/system"

    for name in ("argoWeb", "argoWeb-2")[:instances]:
        text = (units / f"{name}.service").read_text()
        (path,) = set(re.findall(rf"{server.folder}/store/[a-z0-9]{{32}}-[^/ ]+", text))
        assert path.endswith(f"-cloudflared-{VERSION}")
    caddy = (units / "caddy.service.d/overrides.conf").read_text()
    assert "-tzdata-" in caddy, "the imitation gives what NixOS gives to each unit"


def test_nothing_that_serves_is_down_for_a_whole_switch(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push(prod)

    units = server.toplevel() / "etc/systemd/system"

    for name in ("argoWeb.service", "argoWeb-2.service", "caddy.service.d/overrides.conf"):
        assert directives(units / name)["X-StopIfChanged"] == "false", name


def test_another_caddy_serves_the_sites_while_caddy_restarts(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push(
        prod,
        own='services.caddy.user = "own"; services.caddy.environmentFile = "/run/own.env";'
        ' systemd.services.caddy.serviceConfig = { ProtectHome = lib.mkForce false; RuntimeDirectory = "caddy"; };',
    )

    units = server.toplevel() / "etc/systemd/system"
    caddy = directives(units / "caddy.service.d/overrides.conf")
    bridge = directives(units / "argoWeb-caddy.service")

    assert caddy["ExecStop"].endswith("systemctl start argoWeb-caddy'")
    assert '" restart "' in caddy["ExecStop"], "a plain stop is one"
    assert caddy["ExecStartPost"].endswith("systemctl stop --no-block argoWeb-caddy")
    assert {key: bridge.get(key) for key in ("User", "EnvironmentFile", "ProtectHome")} == {
        "User": "own",
        "EnvironmentFile": "/run/own.env",
        "ProtectHome": "false",
    }
    assert not {"RuntimeDirectory", "ExecStop", "Restart"} & bridge.keys()
    (config,) = re.findall(r"--config (\S+)", bridge["ExecStart"])
    text = Path(config).read_text()
    assert "client_ip_headers CF-Connecting-IP" in text
    assert "admin off" in text, "the other one has its admin interface"
    assert text.endswith("import /etc/caddy/argoWeb.cadd?\n")
    assert not [*units.glob("*.wants/argoWeb-caddy.service")]


def test_a_stop_is_bounded_by_the_grace_period(server: Server, prod: dict[str, Any]) -> None:
    prod["cloudflared"]["grace-period"] = "7s"
    server.push(prod)

    unit = directives(server.toplevel() / "etc/systemd/system/argoWeb.service")

    assert "SECONDS < 12" in unit["ExecStop"]
    assert unit["TimeoutStopSec"] == "17"


def test_a_package_of_ones_own_is_built_from_the_pushed_values(
    server: Server, prod: dict[str, Any]
) -> None:
    prod["package"] = {
        "url": "https://git.example.org/cloudflared.git",
        "rev": "2026.8.0",
        "hash": "sha256-" + "A" * 43 + "=",
        "version": "2026.8.0-mirror",
    }
    server.push(prod)

    unit = directives(server.toplevel() / "etc/systemd/system/argoWeb.service")

    assert "-cloudflared-2026.8.0-mirror/bin/cloudflared " in unit["ExecStart"]


def test_what_the_servers_own_configuration_sets_wins(server: Server, prod: dict[str, Any]) -> None:
    server.push(prod, own='services.argoWeb.dataDir = "/var/lib/tunnel";')

    assert server.evaluate("config.users.users.argoWeb.home") == "/var/lib/tunnel"


@pytest.mark.parametrize("name", ["values", "config", "dataDir", "package", "tunnelId", "proxyGroup", "metrics", "secondMetrics", "gracePeriod", "allowUnfree", "caddy.manage", "caddy.user", "caddy.globalConfig", "caddy.import"])  # fmt: skip
def test_a_value_of_another_kind_is_refused_by_the_name_of_its_option(
    server: Server, prod: dict[str, Any], name: str
) -> None:
    server.push(prod, own=f"services.argoWeb.{name} = 1.5;")

    result = server.nix(
        "nix-instantiate", f"{NIXPKGS}/nixos", "-A", f"config.services.argoWeb.{name}"
    )

    assert f"option `services.argoWeb.{name}' is not of type" in result.stderr


def test_credentials_in_the_nix_store_are_refused(server: Server, prod: dict[str, Any]) -> None:
    server.push(prod, own='services.argoWeb.dataDir = "${builtins.storeDir}/x";')

    result = server.nix("nix-instantiate", f"{NIXPKGS}/nixos", "-A", "config.system.build.toplevel")

    assert result.returncode != 0
    assert "the Nix store is readable by everybody" in result.stderr


def test_another_site_needs_no_other_system(server: Server, prod: dict[str, Any]) -> None:
    server.push(prod)
    before = server.toplevel()
    prod["sites"][0]["root"] = "/srv/other"
    server.push(prod)

    assert server.toplevel() == before, "a changed site must not need another system"


@pytest.mark.parametrize("custom", [False, True])
def test_a_system_says_from_which_files_it_was_built(
    server: Server, prod: dict[str, Any], custom: bool
) -> None:
    package = {"url": "https://x/y", "rev": "1", "hash": HASH, "vendorHash": HASH, "version": "1"}
    server.push({**prod, "package": package} if custom else prod)
    names = ["argoWeb.json", "argoWeb.nix", *(["cloudflared-custom.nix"] if custom else [])]

    said = server.evaluate("config.systemd.services.argoWeb-recover.unitConfig.X-Inputs")

    # In the order in which remote/plan.sh compares them with the manifest.
    assert said.split() == [
        hashlib.sha256((server.folder / name).read_bytes()).hexdigest() for name in names
    ]


def test_quic_has_the_socket_buffers_that_it_wants_unless_the_owner_says_otherwise(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push(prod, 'boot.kernel.sysctl."net.core.wmem_max" = 1000;')

    assert server.evaluate("config.boot.kernel.sysctl") == {
        "net.core.rmem_max": 7500000,
        "net.core.wmem_max": 1000,
    }
