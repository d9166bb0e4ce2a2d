"""What NixOS's switch does: the sandbox's imitation, and the real program where SANDBOX_SWITCH_TO_CONFIGURATION names it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.world import World

REAL = os.environ.get("SANDBOX_SWITCH_TO_CONFIGURATION")
PROGRAMS = ["imitated", *(["real"] if REAL else [])]

# Each service sleeps; a reload leaves its word in /run/contract/NAME. `sys` is `old` or `new`.
CONFIGURATION = """
{ sys }: (import <nixpkgs/nixos> { configuration = { lib, ... }:
let
  new = sys != "old";
  other = a: b: if new then b else a;
  reload = word: "/bin/sh -c 'mkdir -p /run/contract; echo ${word} >>/run/contract/\\"$0\\"' %p";
  sleeps = more: lib.recursiveUpdate {
    wantedBy = [ "multi-user.target" ];
    serviceConfig = { ExecStart = "/bin/sleep infinity"; ExecReload = reload "reloaded"; };
  } more;
in {
  imports = [ /etc/nixos/configuration.nix ];
  environment.etc.contract.text = sys;
  systemd.services = {
    c-same = sleeps { };
    c-description = sleeps { description = other "a" "b"; };
    c-ignored = sleeps { unitConfig = { OnFailure = other "a.service" "b.service"; Documentation = other "man:a" "man:b"; }; };
    c-command = sleeps { serviceConfig.ExecStart = other "/bin/sleep infinity" "/bin/sleep 99999"; };
    c-restart = sleeps { stopIfChanged = false; serviceConfig.ExecStart = other "/bin/sleep infinity" "/bin/sleep 99999"; };
    c-left = sleeps { restartIfChanged = false; serviceConfig.ExecStart = other "/bin/sleep infinity" "/bin/sleep 99999"; };
    c-reloads = sleeps { reloadIfChanged = true; environment.X = other "a" "b"; };
    c-trigger = sleeps { reloadTriggers = [ (other "a" "b") ]; };
    c-exec-reload = sleeps { serviceConfig.ExecReload = reload (other "first" "second"); };
    c-exec-reload-gone = { wantedBy = [ "multi-user.target" ]; serviceConfig = { ExecStart = "/bin/sleep infinity"; } // lib.optionalAttrs (!new) { ExecReload = reload "reloaded"; }; };
    c-exec-reload-new = { wantedBy = [ "multi-user.target" ]; serviceConfig = { ExecStart = "/bin/sleep infinity"; } // lib.optionalAttrs new { ExecReload = reload "reloaded"; }; };
  } // lib.optionalAttrs (!new) {
    c-removed = sleeps { };
    c-removed-left = sleeps { unitConfig.X-StopOnRemoval = false; };
  } // lib.optionalAttrs new {
    c-new = sleeps { };
  } // lib.optionalAttrs (sys == "bad") {
    c-fails = { wantedBy = [ "multi-user.target" ]; serviceConfig = { Type = "oneshot"; ExecStart = "/bin/false"; }; };
    c-again-well = { wantedBy = [ "multi-user.target" ]; serviceConfig = { ExecStart = "/bin/true"; Restart = "always"; RestartSec = "300"; }; };
    c-again-ill = { wantedBy = [ "multi-user.target" ]; serviceConfig = { ExecStart = "/bin/false"; Restart = "always"; RestartSec = "300"; }; };
  };
  system.activationScripts = lib.optionalAttrs (sys == "bad") { broken = "echo it breaks; false; echo never"; };
  system.preSwitchChecks = lib.optionalAttrs (sys == "checked") { own = "echo asked for $2 >/run/asked; echo it must not >&2; test \\"$2\\" = boot"; };
  system.switch.inhibitors = lib.optionalAttrs (sys == "inhibited") { systemd = "another"; };
}; }).config.system.build.toplevel
"""
SYSTEMS = ("old", "new", "bad", "checked", "inhibited")
UNITS = (
    *("same", "description", "ignored", "command", "restart", "left", "reloads", "trigger"),
    *("exec-reload", "exec-reload-gone", "exec-reload-new", "removed-left"),
)


class Server:
    """The sandbox's server, with one of the two programs."""

    def __init__(self, world: World, systems: dict[str, str]) -> None:
        self.world, self.systems = world, systems

    def switch(self, system: str, verb: str = "test", before: str = "") -> tuple[str, int]:
        """What it said, and its exit code."""
        command = f"{before} {self.systems[system]}/bin/switch-to-configuration {verb} 2>&1"
        result = subprocess.run(
            [*self.world.ssh_words(), command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        return result.stdout, result.returncode

    def starts(self) -> dict[str, str]:
        """The last start of each service that the two systems share."""
        units = " ".join(f"c-{unit}" for unit in UNITS)
        told = self.world.ssh(f"systemctl show -p InvocationID --value {units}").split()
        return dict(zip(UNITS, told, strict=True))

    def reloads(self) -> str:
        return self.world.ssh("cd /run/contract 2>/dev/null && grep -r . | sort", check=False)

    def is_active(self, unit: str) -> bool:
        return self.world.ssh(f"systemctl is-active {unit}", check=False).strip() == "active"

    def runs(self) -> str:
        return self.world.ssh("readlink -f /run/current-system").strip()

    def lists(self) -> str:
        return self.world.ssh("cat /run/nixos/*-list 2>/dev/null", check=False)


@pytest.fixture(scope="module")
def built(world: World) -> Iterator[dict[str, str]]:
    """The systems; the server runs its own one again at the end."""
    own = world.ssh("readlink -f /run/current-system").strip()
    (world.host_root() / "root/contract.nix").write_text(CONFIGURATION)
    systems = {}
    for name in SYSTEMS:
        build = f". /etc/set-environment; nix-build --no-out-link --argstr sys {name} contract.nix"
        systems[name] = world.ssh(build).strip()
    yield systems
    world.ssh(f"NIXOS_NO_CHECK=1 {own}/bin/switch-to-configuration test", check=False)
    world.ssh("systemctl stop 'c-*'", check=False)
    assert world.ssh("readlink -f /run/current-system").strip() == own


@pytest.fixture(params=PROGRAMS)
def server(world: World, built: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that runs the system `old`, with nothing left from before."""
    place = world.host_root() / "opt/sandbox/bin/switch-to-configuration"
    kept = place.read_bytes()
    program = Path(REAL) if request.param == "real" and REAL else None
    put(place, program.read_bytes() if program else imitation().read_bytes())
    server = Server(world, built)
    world.ssh("rm -rf /run/contract /run/nixos/*-list; systemctl reset-failed")
    said, code = server.switch("old", before="NIXOS_NO_CHECK=1")
    assert code == 0, said
    world.ssh("systemctl start " + " ".join(f"c-{unit}" for unit in (*UNITS, "removed")))
    world.ssh("rm -rf /run/contract")
    yield server
    shutil.rmtree(world.host_root() / "etc/sandbox/hold", ignore_errors=True)
    put(place, kept)


def imitation() -> Path:
    return Path(__file__).resolve().parents[2] / "sandbox/server/bin/switch-to-configuration"


def put(place: Path, content: bytes) -> None:
    new = place.with_name("new")
    new.write_bytes(content)
    new.chmod(0o755)
    new.rename(place)


def test_what_a_changed_unit_asks_for_is_done_and_no_more(server: Server) -> None:
    before = server.starts()

    said, code = server.switch("new")

    assert code == 0, said
    after = server.starts()
    assert {unit for unit in UNITS if after[unit] != before[unit]} == {"command", "restart"}
    assert server.reloads().splitlines() == [
        "c-exec-reload-new:reloaded",
        "c-exec-reload:second",
        "c-reloads:reloaded",
        "c-trigger:reloaded",
    ]
    assert [
        unit for unit in ("c-removed", "c-removed-left", "c-new") if server.is_active(unit)
    ] == [
        "c-removed-left",
        "c-new",
    ]
    assert "stopping the following units: c-command.service, c-removed.service\n" in said
    assert "NOT restarting the following changed units: c-left.service\n" in said
    assert "\nactivating the configuration...\n" in said
    assert "restarting the following units: c-restart.service\n" in said
    assert "\nstarting the following units: c-command.service\n" in said
    assert "the following new units were started: c-new.service" in said
    assert server.runs() == server.systems["new"]
    assert server.lists() == ""


@pytest.mark.long
def test_a_failed_snippet_of_the_activation_stops_nothing_of_it(server: Server) -> None:
    said, code = server.switch("bad")

    assert "Failed to run activate script\n" in said
    assert "Activation script snippet 'broken' failed (1)" in said
    assert server.runs() == server.systems["bad"]
    assert server.is_active("c-new")
    # Units that failed weigh more; one that ended well and waits for its next start is none of them.
    assert code == 4
    failed = said.partition("the following units failed: ")[2].splitlines()[0]
    assert failed == "c-again-ill.service, c-fails.service"


@pytest.mark.parametrize(
    "verb",
    [
        "check",
        *(
            pytest.param(verb, marks=pytest.mark.long)
            for verb in ("test", "switch", "dry-activate")
        ),
    ],
)
def test_a_pre_switch_check_refuses_before_anything_is_changed(server: Server, verb: str) -> None:
    before, default = server.starts(), server.world.ssh("cat /boot/nixos-default")

    said, code = server.switch("checked", verb)

    assert code == 1
    assert said.endswith("it must not\nPre-switch check 'own' failed\nPre-switch checks failed\n")
    assert server.world.ssh("cat /run/asked") == f"asked for {verb}\n"
    assert server.runs() == server.systems["old"]
    assert server.starts() == before
    assert server.world.ssh("cat /boot/nixos-default") == default
    assert server.lists() == ""


@pytest.mark.long
def test_a_check_can_be_left_out_and_one_that_is_content_changes_nothing(server: Server) -> None:
    assert server.switch("new", "check")[1] == 0
    assert server.runs() == server.systems["old"]

    said, code = server.switch("checked", before="NIXOS_NO_CHECK=1")

    assert code == 0, said
    assert server.runs() == server.systems["checked"]


@pytest.mark.long
def test_a_changed_inhibitor_refuses_a_switch_but_no_boot_default(server: Server) -> None:
    default = server.world.ssh("cat /boot/nixos-default").strip()

    said, code = server.switch("inhibited", "check")
    assert code == 1
    assert "Pre-switch check 'switchInhibitors' failed" in said
    assert server.switch("inhibited")[1] == 1

    assert server.switch("inhibited", "boot")[1] == 0
    assert server.world.ssh("cat /boot/nixos-default").strip() == server.systems["inhibited"]
    server.world.ssh(f"/opt/sandbox/bin/install-boot-loader {default}")


@pytest.mark.long
@pytest.mark.parametrize("verb", ["check", "test", "boot"])
def test_a_second_switch_does_not_wait(server: Server, verb: str) -> None:
    lock = "/run/nixos/switch-to-configuration.lock"
    server.world.ssh(f"systemd-run -q --unit=c-lock flock {lock} sleep infinity")
    server.world.wait_for(
        lambda: server.world.ssh(f"flock -n {lock} true || echo held", check=False) != ""
    )

    said, code = server.switch("new", verb)
    server.world.ssh("systemctl stop c-lock")

    assert (said, code) == ("Could not acquire lock\n", 11)


@pytest.mark.long
def test_a_system_of_another_interface_is_not_switched_to(server: Server) -> None:
    other = f"cp -r {server.systems['new']} /root/other && echo -n 'systemd 4' >/root/other/init-interface-version"
    server.world.ssh(f"rm -rf /root/other; {other}")
    server.systems = {**server.systems, "other": "/root/other"}

    said, code = server.switch("other")

    assert code == 100
    assert "won't take effect until you reboot the system." in said
    assert server.runs() == server.systems["old"]
    assert server.lists() == ""


@pytest.mark.long
def test_what_an_interrupted_switch_has_stopped_is_started_by_the_next_one(server: Server) -> None:
    holds = server.world.host_root() / "etc/sandbox/hold"
    holds.mkdir(parents=True, exist_ok=True)
    (holds / "switch-activate").touch()
    new = server.systems["new"]
    server.world.ssh(
        f"systemd-run -q --collect --unit=c-cut {new}/bin/switch-to-configuration test"
    )
    server.world.wait_for(
        lambda: not server.is_active("c-command") and "c-command" in server.lists()
    )

    server.world.ssh("systemctl kill -s KILL c-cut")
    shutil.rmtree(holds)
    server.world.wait_for(lambda: not server.is_active("c-cut"))
    assert not server.is_active("c-command")
    assert "c-restart.service" in server.lists()

    said, code = server.switch("old")

    # One of the units that were to be reloaded has nothing to do that with in this system.
    assert "Failed to reload c-exec-reload-new.service" in said
    assert code == 4
    assert server.is_active("c-command")
    assert server.lists() == ""
    assert server.runs() == server.systems["old"]


@pytest.mark.long
def test_a_dry_activation_says_what_would_be_done(server: Server) -> None:
    before = server.starts()

    said, code = server.switch("new", "dry-activate")

    assert code == 0
    assert "would stop the following units: c-command.service, c-removed.service\n" in said
    assert "would NOT stop the following changed units: c-left.service\n" in said
    assert "would activate the configuration...\n" in said
    assert "would restart the following units: c-restart.service\n" in said
    assert "would start the following units: c-command.service\n" in said
    assert server.starts() == before
    assert server.runs() == server.systems["old"]
    assert server.lists() == ""


@pytest.mark.long
def test_an_unknown_verb_is_answered_with_the_usage(server: Server) -> None:
    said, code = server.switch("new", "unknown")

    assert code == 1
    assert said.startswith("Usage: ")
    assert "switch-to-configuration [check|switch|boot|test|dry-activate]\n" in said


@pytest.mark.long
def test_nixos_rebuild_takes_the_arguments_of_the_real_one(world: World) -> None:
    flags = (
        "-j 2 --cores=1 -v --quiet --offline --no-net -k -K -L -s --accept-flake-config --fallback"
        " --override-input a b --option restrict-eval false --option eval-cache true"
    )
    build = "mkdir -p /root/flags && cd /root/flags && . /etc/set-environment && nixos-rebuild"
    (world.host_root() / "root/own.nix").write_text(
        "{ made.by.me = import <nixpkgs/nixos> { configuration = { imports = [ /etc/nixos/configuration.nix ];"
        ' specialisation.fast.configuration.environment.etc.fast.text = ""; }; }; }\n'
    )

    world.ssh(f"{build} build {flags}")
    world.ssh(f"{build} boot -f /root/own.nix -A made.by.me -p web")
    unknown = world.ssh(f"{build} build --no-such-flag 2>&1; echo $?", check=False)
    missing = world.ssh(f"{build} test -c none 2>&1; echo $?", check=False)

    profile = "/nix/var/nix/profiles/system-profiles/web"
    assert world.ssh(f"ls {profile}/specialisation").split() == ["fast"]
    assert world.ssh("cat /boot/nixos-default") == world.ssh(f"readlink -f {profile}")
    assert unknown.splitlines()[-2:] == [
        "nixos-rebuild: error: unrecognized arguments: --no-such-flag",
        "2",
    ]
    assert missing.splitlines()[-2:] == ["error: specialisation not found: none", "1"]
    world.ssh("/opt/sandbox/bin/install-boot-loader $(readlink -f /nix/var/nix/profiles/system)")
