"""The imitated modules of NixOS mean what nixpkgs' own do: units, files, users, kernel settings, nixpkgs.config."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import caddy
from sandbox.server.machine import MODULES, copy_modules
from tests.nixos.test_module import NIXPKGS, Server
from tests.real import real_nixpkgs

OWNERS = {
    "nothing of its own": "",
    "services": """
      systemd.services.web = {
        description = "A web app";
        after = [ "network.target" "postgresql.service" ];
        requires = [ "postgresql.service" ];
        partOf = [ "stack.target" ];
        wantedBy = [ "multi-user.target" ];
        requiredBy = [ "stack.target" ];
        environment = { PORT = "3000"; QUOTED = "a \\"b\\" c"; TZDIR = null; };
        path = [ pkgs.gawk ];
        preStart = "mkdir -p /srv/web";
        script = "exec web --port 3000";
        restartTriggers = [ "one" [ "two" ] ];
        reloadTriggers = [ "three" ];
        unitConfig.ConditionPathExists = [ "/srv/web" "/srv/www" ];
        serviceConfig = { Type = "exec"; Restart = "always"; RestartSec = 5; NoNewPrivileges = true; ExecReload = [ "" "/bin/kill -HUP $MAINPID" ]; };
      };
      systemd.services.kept = { restartIfChanged = false; stopIfChanged = false; script = "true"; startLimitBurst = 3; startLimitIntervalSec = 60; };
      systemd.services.reloaded = { reloadIfChanged = true; serviceConfig.ExecStart = "/bin/true"; };
      systemd.services.off = { enable = false; script = "false"; };
      systemd.globalEnvironment.EVERYWHERE = "yes";
    """,
    "a unit of ours changed": """
      systemd.services.argoWeb = { environment.GODEBUG = "x=1"; serviceConfig.RestartSec = lib.mkForce "9s"; after = [ "vpn.service" ]; path = lib.mkForce [ pkgs.gawk ]; };
    """,
    "users": """
      users.users.deploy = { isNormalUser = true; home = "/home/deploy"; group = "users"; createHome = true; extraGroups = [ "caddyProxy" ]; };
      users.users.app = { isSystemUser = true; group = "app"; uid = 300; homeMode = "750"; };
      users.groups.app.gid = 300;
      users.groups.caddyProxy.members = [ "caddy" ];
    """,
    "files, tmpfiles and kernel": """
      environment.etc."own/file.conf".text = lib.mkAfter "last line";
      environment.etc."own/other".source = ./configuration.nix;
      systemd.tmpfiles.rules = [ "d /srv/web 0750 root root -" ];
      boot.kernel.sysctl = { "net.core.rmem_max" = 1000; "net.core.wmem_max" = 9000000; "vm.swappiness" = 10; };
    """,
    "Caddy's options": """
      services.caddy = { globalConfig = "grace_period 10s"; logFormat = "level INFO"; extraConfig = ":8099 {\\n respond hello\\n}"; dataDir = "/srv/caddy"; user = "web"; };
      users.users.web = { isSystemUser = true; group = "web"; };
      users.groups.web = { };
    """,
    "Caddy restarted, with a group of its own": """
      services.caddy = { enableReload = false; group = "proxies"; environmentFile = "/run/caddy.env"; };
      users.groups.proxies = { };
    """,
    "Caddy's own sites": """
      services.caddy = {
        email = "a@example.com"; acmeCA = "https://acme.example.com/directory"; httpPort = 8088; httpsPort = 8443; resume = true;
        virtualHosts."own.example.net" = { serverAliases = [ "www.example.net" ]; listenAddresses = [ "192.0.2.1" ]; extraConfig = "respond own"; };
        virtualHosts.other = { hostName = "http://other.example.net"; logFormat = null; };
      };
    """,
    "Caddy's settings": """
      services.caddy.settings = { admin.listen = "127.0.0.1:2020"; apps.http.servers.own = { listen = [ ":8099" ]; routes = [ ]; }; };
    """,
    "a Caddy of its own": "services.argoWeb.caddy.manage = false;",
    "packages": """
      nixpkgs.config = lib.mkMerge [
        { allowUnfree = true; permittedInsecurePackages = [ "a" ]; }
        (lib.mkIf true { allowUnfree = false; permittedInsecurePackages = [ "b" ]; })
      ];
    """,
}
"""What the owner of a server has beside our module, by name."""
OF_THE_SANDBOX = {"systemd-tmpfiles-resetup.service"}
"""Otherwise than in NixOS: it makes only what the configuration names, since the rest is this machine's."""
ONLY_REAL = {"systemd-sysctl.service"}
"""A unit that is not imitated: kernel settings are written down and not applied."""
Unit = dict[str, dict[str, list[str]]]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a server of the sandbox gets of a checkout of nixpkgs, and nothing beside it."""
    taken = tmp_path_factory.mktemp("nixpkgs")
    copy_modules(
        real_nixpkgs("that the imitated modules of NixOS mean, refuse and build the same"), taken
    )
    return taken


@pytest.fixture
def evaluated(
    tmp_path: Path, prod: dict[str, Any], checkout: Path
) -> Callable[[str, str], list[Any]]:
    """An attribute of a configuration, by the imitation and by the real modules."""
    server = Server(tmp_path)

    def evaluate(own: str, attribute: str) -> list[Any]:
        server.push(prod, own)
        found = []
        for variables in ({MODULES: ""}, {MODULES: str(checkout)}):
            server.environment |= variables
            found.append(
                json.loads(_without_stores(json.dumps(server.evaluate(attribute)), tmp_path))
            )
        return found

    return evaluate


def _without_stores(text: str, folder: Path) -> str:
    return re.sub(rf"{folder}/store/[a-z0-9]{{32}}-", "", text)


def parsed(text: str) -> Unit:
    """Sections and keys of a unit's file; which key comes first means nothing, the order of its values does."""
    sections: Unit = {}
    section: dict[str, list[str]] = {}
    for line in filter(None, text.splitlines()):
        if line.startswith("["):
            section = sections.setdefault(line, {})
        else:
            key, value = line.split("=", 1)
            section.setdefault(key, []).append(value)
    return sections


@pytest.mark.parametrize("own", OWNERS.values(), ids=OWNERS)
def test_units_are_the_same(evaluated: Callable[[str, str], list[Any]], own: str) -> None:
    imitated, real = (
        {name: {**unit, "text": parsed(unit["text"])} for name, unit in units.items()}
        for units in evaluated(own, "config.sandbox.units")
    )

    assert real.keys() - imitated.keys() == ONLY_REAL
    for name in imitated.keys() - OF_THE_SANDBOX:
        assert imitated[name] == real[name], name


@pytest.mark.parametrize("own", OWNERS.values(), ids=OWNERS)
def test_users_and_groups_are_the_same(
    evaluated: Callable[[str, str], list[Any]], own: str
) -> None:
    users, real_users = evaluated(own, "config.sandbox.users")
    groups, real_groups = evaluated(own, "config.sandbox.groups")

    assert real_users.keys() - users.keys() == {"root", "nobody"}
    for name, user in users.items():
        assert {key: user[key] for key in real_users[name]} == real_users[name], name
    for name, group in groups.items():
        # Who is a member by a list of his own groups is one here when the user is made.
        theirs = real_groups[name]["members"]
        ours = {user for user in users if name in users[user]["extraGroups"]}
        assert (group["gid"], ours | set(group["members"])) == (
            real_groups[name]["gid"],
            set(theirs),
        )


@pytest.mark.parametrize("own", OWNERS.values(), ids=OWNERS)
def test_kernel_settings_and_nixpkgs_config_are_the_same(
    evaluated: Callable[[str, str], list[Any]], own: str
) -> None:
    imitated, real = evaluated(own, "config.boot.kernel.sysctl")
    configs = evaluated(own, "config.nixpkgs.config")

    assert imitated == {key: real[key] for key in imitated}
    assert {"net.core.rmem_max", "net.core.wmem_max"} <= imitated.keys()
    assert configs[0] == configs[1]


@pytest.mark.parametrize(
    "own",
    [
        'users.users.nobodys = { group = "x"; }; users.groups.x = { };',
        'users.users.both = { isSystemUser = true; isNormalUser = true; group = "x"; }; users.groups.x = { };',
        "users.users.alone.isSystemUser = true;",
        'assertions = [ { assertion = false; message = "the owner\'s own"; } ];',
        'services.argoWeb.dataDir = "${builtins.storeDir}/x";',
        "services.argoWeb.nosuch = 1;",
        "systemd.services.web.serviceConfig.ExecStart = { };",
        'services.caddy.user = "web"; imports = [ { services.caddy.user = "other"; } ];',
    ],
)
def test_what_one_refuses_the_other_does(
    tmp_path: Path, prod: dict[str, Any], checkout: Path, own: str
) -> None:
    server = Server(tmp_path)
    server.push(prod, own)

    for variables in ({MODULES: ""}, {MODULES: str(checkout)}):
        server.environment |= variables
        refused = server.nix(
            "nix-instantiate", f"{NIXPKGS}/nixos", "-A", "config.system.build.toplevel"
        )
        assert refused.returncode != 0, variables


@pytest.mark.parametrize(
    "own",
    ["", OWNERS["Caddy's options"], OWNERS["files, tmpfiles and kernel"]],
    ids=["ours", "Caddy's options", "files"],
)
def test_what_is_built_is_the_same(
    tmp_path: Path, prod: dict[str, Any], checkout: Path, own: str
) -> None:
    """Every file and link below /etc, Caddy's as Caddy reads it."""
    server = Server(tmp_path)
    server.push(prod, f"{own}\n{_caddy(tmp_path)}")
    trees = []
    for variables in ({MODULES: ""}, {MODULES: str(checkout)}):
        server.environment |= variables
        etc = server.toplevel() / "etc"
        trees.append({path: _without_stores(text, tmp_path) for path, text in _files(etc).items()})

    imitated, real = trees
    extra = {path for path in real if path not in imitated}
    assert {path.split("/")[0] for path in extra} <= {"mtab", "sysctl.d", "tmpfiles.d", "systemd"}
    for path, text in imitated.items():
        if path == "tmpfiles.d/00-nixos.conf":
            assert set(text.splitlines()) < set(real[path].splitlines())
        elif path == "caddy/caddy_config":
            assert _adapted(text, tmp_path) == _adapted(real[path], tmp_path)
        elif Path(path).name in OF_THE_SANDBOX:
            continue
        elif path.startswith("systemd/system/"):
            assert parsed(text) == parsed(real[path]), path
        else:
            assert text == real[path], path


def _caddy(folder: Path) -> str:
    """A package with the Caddy of this machine, since one formats its file when the system is built."""
    program = folder / "caddy"
    shutil.copy(caddy.find(), program)
    script = f"mkdir -p $out/bin $out/lib/systemd/system; ln -s {program} $out/bin/caddy; touch $out/lib/systemd/system/caddy.service"
    return f"services.caddy.package = pkgs.runCommand \"caddy\" {{ }} ''{script}'' // {{ meta.mainProgram = \"caddy\"; }};"


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else str(path.readlink())
        for path in _walk(folder)
    }


def _walk(folder: Path) -> list[Path]:
    return [
        each for path in folder.iterdir() for each in (_walk(path) if path.is_dir() else [path])
    ]


def _adapted(text: str, folder: Path) -> Any:
    file = folder / "Caddyfile"
    file.write_text(text)
    words = [str(folder / "caddy"), "adapt", "--adapter", "caddyfile", "--config", str(file)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
