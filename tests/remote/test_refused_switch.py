"""What would stop NixOS's switch is asked before anything live is touched."""

import subprocess
from pathlib import Path

import pytest

from tests.remote.test_work import LIVE, Server, systemctl

NEW = {**LIVE, "argoWeb.nix": "{ new = 1; }\n"}
UNTOUCHED = "STATE: nothing was changed on this server; it runs what it ran before.\n"
IMPORTED = "[Service]\nExecStart=/bin/cloudflared --config FOLDER/argoWeb.yml tunnel run\n"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """One whose validation really runs, in a system that imports our module; its mount shows nothing."""
    server = Server(tmp_path)
    server.stub("unshare", '#!/bin/bash\nwhile [[ $1 != -- ]]; do shift; done\n"${@:2}"\n')
    server.stub("mount", "#!/bin/bash\n")
    server.stub("nixos-rebuild", "#!/bin/bash\nln -sfn $FOLDER/systems/new result\n")
    units = tmp_path / "systems/new/etc/systemd/system"
    units.mkdir(parents=True)
    (units / "argoWeb-recover.service").touch()
    (units / "argoWeb.service").write_text(IMPORTED.replace("FOLDER", str(server.config)))
    return server


def answers(server: Server, system: str, text: str, code: int, verb: str = "check") -> None:
    """What the system's switch-to-configuration says to a verb; the others do as before."""
    switch = server.folder / "systems" / system / "bin/switch-to-configuration"
    head, _, rest = switch.read_text().partition("\n")
    answer = f"if [[ $1 == {verb} ]]; then echo '{text}' >&2; exit {code}; fi"
    switch.write_text(f"{head}\n{answer}\n{rest}")


def test_a_pre_switch_check_that_fails_is_said_before_anything_is_touched(server: Server) -> None:
    answers(server, "new", "Pre-switch check switchInhibitors failed", 1)

    said, code = server.work("activate", NEW)

    assert code == 1
    assert "Pre-switch check switchInhibitors failed" in said
    assert "run nixos-rebuild boot on the server and restart it" in said
    assert said.endswith(UNTOUCHED)
    assert server.live("argoWeb.nix") == LIVE["argoWeb.nix"]


def test_an_old_system_that_knows_no_checks_is_not_refused(server: Server) -> None:
    usage = "Usage: switch-to-configuration [switch|boot|test|dry-activate]"
    answers(server, "new", usage, 1)

    said, code = server.work("activate", NEW)

    assert "cannot be switched to" not in said
    assert "There is no unit caddy.service" in said, "the next thing that is asked"
    assert code == 1
    assert said.endswith(UNTOUCHED)


def test_a_system_that_needs_a_restart_is_refused(server: Server) -> None:
    for name, interface in {"old": "systemd 2", "new": "systemd 3"}.items():
        (server.folder / "systems" / name / "init-interface-version").write_text(interface)

    said, code = server.work("activate", NEW)

    assert code == 1
    assert "cannot take over from the running one without a restart" in said
    assert said.endswith(UNTOUCHED)


def specialised(server: Server, generation: str, system: str) -> None:
    """A generation with the specialisation `fast`, and the server runs it."""
    base = server.folder / "systems" / generation
    (base / "specialisation").mkdir()
    (base / "specialisation/fast").symlink_to(server.folder / "systems" / system)


def test_a_server_that_runs_a_specialisation_goes_on_running_it(server: Server) -> None:
    specialised(server, "old", "without")
    specialised(server, "new", "new-fast")
    (server.folder / "profiles/system-1-link").symlink_to(server.folder / "systems/old")
    for link, name in {"current": "without", "profiles/system": "old"}.items():
        (server.folder / link).unlink()
        (server.folder / link).symlink_to(server.folder / "systems" / name)
    fast = server.folder / "systems/new-fast"
    subprocess.run(["cp", "-a", str(server.folder / "systems/new"), str(fast)], check=True)
    switch = fast / "bin/switch-to-configuration"
    switch.write_text(switch.read_text().replace("systems/new", "systems/new-fast"))
    server.stub("unshare", "#!/bin/bash\nln -sfn $FOLDER/systems/new $FOLDER/deploy/runs/current/build/result\n")  # fmt: skip

    said, code = server.work("activate", NEW)

    assert code == 0, said
    assert (server.link("current"), server.link("profiles/system")) == ("new-fast", "new")


def test_a_specialisation_that_the_new_system_lacks_is_asked_for(server: Server) -> None:
    specialised(server, "old", "without")
    (server.folder / "profiles/system-1-link").symlink_to(server.folder / "systems/old")
    (server.folder / "current").unlink()
    (server.folder / "current").symlink_to(server.folder / "systems/without")

    said, code = server.work("activate", NEW)

    assert code == 1
    assert "runs its specialisation 'fast', which the new system does not have" in said
    assert said.endswith(UNTOUCHED)


@pytest.mark.parametrize("words", [("--profile-name", "web"), ("-p", "web"), ("--profile-name=web",)])  # fmt: skip
def test_another_profile_of_the_rebuild_is_the_boot_default(
    server: Server, words: tuple[str, ...]
) -> None:
    server.stub("unshare", "#!/bin/bash\nln -sfn $FOLDER/systems/new $FOLDER/deploy/runs/current/build/result\n")  # fmt: skip

    said, code = server.work("activate", NEW, *(f"rebuild-arg {word}" for word in words))

    assert code == 0, said
    assert server.link("profiles/system-profiles/web") == "new"
    assert server.link("profiles/system") == "old"


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(server: Server) -> None:
    server.stub("mount", '#!/bin/bash\nexec /usr/bin/mount "$@"\n')
    mounted = server.config
    subprocess.run(["mount", "--bind", str(mounted), str(mounted)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(mounted)], check=True)
        said, code = server.work("activate", NEW)
    finally:
        subprocess.run(["umount", str(mounted)], check=True)

    assert code == 1
    assert f"argoWeb.nix cannot be written, since {mounted} is read-only" in said
    assert "Set argoweb:nixos.configDir to a folder" in said
    assert said.endswith(UNTOUCHED)


def test_packages_that_come_from_a_flake_are_said_to_need_a_setting(server: Server) -> None:
    said = "error: The option nixpkgs.config is defined multiple times. nixpkgs.config is set to read-only"
    server.stub("nixos-rebuild", f"#!/bin/bash\necho '{said}' >&2\nexit 1\n")

    output, code = server.work("activate", NEW)

    assert code == 1
    assert "set argoweb:nixos.allowUnfree to false" in output
    assert output.endswith(UNTOUCHED)


@pytest.mark.parametrize("verbs", ["check", "check boot"])
def test_a_teardown_that_a_pre_switch_check_refuses_ends_with_the_unit_stopped(
    server: Server, verbs: str
) -> None:
    server.stub("nixos-rebuild", "#!/bin/bash\nln -sfn $FOLDER/systems/without result\n")
    for verb in verbs.split():
        answers(server, "without", "Pre-switch check own failed", 1, verb)

    said, code = server.work("deactivate", LIVE)

    assert code == 0, said
    assert "Pre-switch check own failed" in said
    assert "cannot be switched to while this server runs" in said
    calls = server.calls()
    assert "systemctl stop argoWeb.service" in calls
    assert "switch without test" not in calls
    assert ("switch without boot" in calls) == (verbs == "check")
    assert ("the next nixos-rebuild that succeeds" in said) == (verbs != "check")


def test_a_teardown_builds_again_on_what_somebody_has_switched_to_meanwhile(server: Server) -> None:
    server.stub(
        "nixos-rebuild",
        "#!/bin/bash\necho built >>$FOLDER/built\n"
        "ln -sfn $FOLDER/systems/new $FOLDER/current\nln -sfn $FOLDER/systems/without result\n",
    )

    said, code = server.work("deactivate", LIVE)

    assert code == 0, said
    assert "somebody else has switched this server while the new system was built" in said
    assert (server.folder / "built").read_text() == "built\n" * 2


@pytest.mark.parametrize(("status", "ends"), [(2, 0), (3, 1), (4, 0)])
def test_a_teardown_whose_switch_fails_says_so_where_the_system_does_not_run_then(
    server: Server, status: int, ends: int
) -> None:
    server.stub("nixos-rebuild", "#!/bin/bash\nln -sfn $FOLDER/systems/without result\n")
    answers(server, "without", "something failed", status, "test")

    said, code = server.work("deactivate", LIVE)

    assert code == ends, said
    told = "Switching to the system without argoWeb failed with exit code 3.\nSTATE: the tunnel is stopped and its credentials are gone; the system still contains the unit argoWeb. Run pulumi destroy again.\n"
    assert said.endswith(told) == (ends == 1)
    assert ("something failed" in said) == (ends == 1)
    assert ("switch without boot" in server.calls()) == (ends == 0)


def test_a_teardown_that_cannot_stop_the_tunnel_says_that_it_may_run(server: Server) -> None:
    server.stub("systemctl", systemctl() + '[[ $* != "stop argoWeb.service" ]]\n')

    said, code = server.work("deactivate", LIVE)

    assert code == 1
    assert said.endswith(
        "STATE: the teardown broke off, see above; the tunnel may still run. Run pulumi destroy again.\n"
    )
    assert server.live("argoWeb.yml") == LIVE["argoWeb.yml"]
