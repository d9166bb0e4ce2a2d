"""Somebody else's switch of the server, at each moment of a run: it stays, and the run's files fit what runs."""

import subprocess
from pathlib import Path

import pytest

from tests.remote.test_work import ACCEPT, BUILD, LIVE, REFUSE, Server, systemctl

NEW = {**LIVE, "argoWeb.yml": "new yml\n", "argoWeb.nix": "{ new = 1; }\n"}
DONE = "done: the tunnel is connected and serves this configuration"
FAIL = "#!/bin/bash\nexit 1\n"


def built(server: Server, name: str, inputs: str) -> None:
    """A system that says from which files it was built."""
    system = server.folder / "systems" / name
    if not system.exists():
        (system / "bin").mkdir(parents=True)
        program = server.folder / "systems/old/bin/switch-to-configuration"
        copy = system / "bin/switch-to-configuration"
        copy.write_text(program.read_text().replace("old", name))
        copy.chmod(0o755)
        (system / "argoWeb").touch()
    unit = system / "etc/systemd/system/argoWeb-recover.service"
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(f"[Unit]\nX-Inputs={inputs}\n")


def digests(server: Server) -> str:
    """Those of the files from which what is live was built."""
    return server.manifest(LIVE).split("argoWeb.nix 644 root:root ")[1].split()[0]


@pytest.fixture
def server(tmp_path: Path) -> Server:
    server = Server(tmp_path)
    built(server, "old", "old files")
    built(server, "new", "new files")
    server.stub("unshare", BUILD)
    return server


def does(*acts: str) -> str:
    """What somebody else does once, in the middle of what this stands for."""
    lines = {
        "test": "ln -sfn $FOLDER/systems/theirs $FOLDER/current",
        "boot": "ln -sfn $FOLDER/systems/theirs $FOLDER/profiles/system",
    }
    done = "; ".join(lines[act] for act in acts)
    return f"#!/bin/bash\nif [[ ! -e $FOLDER/once ]]; then touch $FOLDER/once; {done}; fi\n"


@pytest.mark.parametrize(
    ("acts", "runs", "boots"),
    [
        (("test", "boot"), "theirs", "theirs"),
        (("test",), "theirs", "new"),
        (("boot",), "new", "theirs"),
    ],
)
def test_a_switch_during_the_health_check_that_has_the_files_of_the_run_stays_with_them(
    server: Server, acts: tuple[str, ...], runs: str, boots: str
) -> None:
    built(server, "theirs", "new files")
    server.stub("curl", does(*acts))

    said, code = server.work("activate", NEW)

    assert code == 0, said
    assert DONE in said
    state = said.splitlines()[-1]
    done = "switched this server to" if "test" in acts else "made"
    stays = "meanwhile" if "test" in acts else "the boot default meanwhile"
    told = f"Somebody else has {done} {server.folder}/systems/theirs {stays}, which stays."
    assert state == f"STATE: the server serves this configuration. {told}"
    assert (server.link("current"), server.link("profiles/system")) == (runs, boots)
    assert f"switch {boots} boot" in server.calls()
    assert server.live("argoWeb.yml") == NEW["argoWeb.yml"]


@pytest.mark.parametrize(
    ("acts", "runs", "boots"),
    [
        (("test", "boot"), "theirs", "theirs"),
        (("test",), "theirs", "old"),
        (("boot",), "old", "theirs"),
    ],
)
def test_a_switch_during_the_health_check_that_has_the_old_files_stays_with_those(
    server: Server, acts: tuple[str, ...], runs: str, boots: str
) -> None:
    built(server, "theirs", "old files")
    server.stub("curl", does(*acts))

    said, code = server.work("activate", NEW)

    assert code == 1
    assert "It was not built from these files, so they are taken back." in said
    state = said.splitlines()[-1]
    assert "taken back; the server serves what it served before. Somebody else has " in state
    assert "systems/theirs" in state
    assert (server.link("current"), server.link("profiles/system")) == (runs, boots)
    assert server.live("argoWeb.yml") == LIVE["argoWeb.yml"]


@pytest.mark.parametrize("inputs", ["old files", "new files"])
def test_a_switch_during_a_health_check_that_fails_stays(server: Server, inputs: str) -> None:
    built(server, "theirs", inputs)
    server.stub("curl", does("test", "boot") + '[[ "$*" == *ready* ]]\n')

    said, code = server.work("activate", NEW, "health-url http://127.0.0.1/", "health-timeout 1")

    assert code == 1
    assert (server.link("current"), server.link("profiles/system")) == ("theirs", "theirs")
    assert [call for call in server.calls() if call.startswith("switch old")] == []
    assert server.live("argoWeb.yml") == LIVE["argoWeb.yml"]
    state = said.splitlines()[-1]
    assert "Somebody else has switched this server to" in state
    assert ("the next pulumi up builds it anew" in state) == (inputs == "new files")


def test_a_switch_stays_also_in_a_run_that_builds_nothing_and_fails(server: Server) -> None:
    built(server, "theirs", "old files")
    built(server, "old", digests(server))
    server.stub("unshare", ACCEPT)
    server.stub("curl", does("test", "boot") + '[[ "$*" == *ready* ]]\n')
    changed = {**LIVE, "argoWeb.yml": "new yml\n"}

    said, code = server.work(
        "activate", changed, "health-url http://127.0.0.1/", "health-timeout 1"
    )

    assert code == 1
    assert (server.link("current"), server.link("profiles/system")) == ("theirs", "theirs")
    assert "Somebody else has switched this server to" in said.splitlines()[-1]


def test_a_system_that_somebody_switched_to_during_the_build_is_built_upon(server: Server) -> None:
    built(server, "theirs", "old files")
    server.stub("unshare", does("test", "boot") + BUILD.partition("\n")[2])

    said, code = server.work("activate", NEW)

    assert code == 0, said
    assert "while the new system was built" in said
    assert said.splitlines()[-1].endswith(DONE)
    assert (server.link("current"), server.link("profiles/system")) == ("new", "new")


LOCKED = """
if [[ ! -e $FOLDER/locked-VERB && $1 == VERB ]]; then
  touch $FOLDER/locked-VERB
  DOES
  echo "Could not acquire lock" >&2
  exit 11
fi
"""


def meets_another_switch(server: Server, verb: str, does: str = ":") -> None:
    switch = server.folder / "systems/new/bin/switch-to-configuration"
    head, _, rest = switch.read_text().partition("\n")
    locked = LOCKED.replace("VERB", verb).replace("DOES", does)
    switch.write_text(f"{head}\n{locked}{rest}")
    server.program.write_text(server.program.read_text().replace("SWITCH_WAIT=1", "SWITCH_WAIT=30"))


def test_a_boot_default_waits_for_another_switch(server: Server) -> None:
    meets_another_switch(server, "boot")

    said, code = server.work("activate", NEW)

    assert code == 0, said
    assert "switch new boot" in server.calls()


AT_WORK = """#!/bin/bash
if [[ -e $FOLDER/once ]]; then exit; fi
touch $FOLDER/once
lock=$FOLDER/switches/switch-to-configuration.lock
(flock 8; touch $FOLDER/locked; sleep 0.5; ln -sfn $FOLDER/systems/theirs $FOLDER/current) 8>$lock >/dev/null 2>&1 &
while [[ ! -e $FOLDER/locked ]]; do sleep 0.02; done
"""


@pytest.mark.parametrize(("moment", "inputs"), [("fails", "old files"), ("serves", "new files")])
def test_what_a_switch_makes_that_is_at_work_at_the_end_stays(
    server: Server, moment: str, inputs: str
) -> None:
    built(server, "theirs", inputs)
    server.program.write_text(server.program.read_text().replace("SWITCH_WAIT=1", "SWITCH_WAIT=30"))
    if moment == "fails":  # the journal is read when it goes back
        server.stub("journalctl", AT_WORK)
        server.stub("curl", FAIL)
        server.gives_up_soon()
    else:
        server.stub("curl", AT_WORK)

    said, code = server.work("activate", NEW, *(("health-timeout 1",) if moment == "fails" else ()))

    assert code == (1 if moment == "fails" else 0), said
    assert server.link("current") == "theirs"
    assert "systems/theirs meanwhile, which stays" in said or "built from these files too" in said


def test_a_switch_that_another_one_came_before_is_not_done(server: Server) -> None:
    built(server, "theirs", "old files")
    meets_another_switch(server, "test", "ln -sfn $FOLDER/systems/theirs $FOLDER/current")

    said, code = server.work("activate", NEW)

    assert code == 1
    assert server.link("current") == "theirs"
    assert "switch new test" not in server.calls()
    assert "which stays" in said.splitlines()[-1]


@pytest.mark.parametrize("acts", [("test", "boot"), ("test",), ("boot",)])
def test_the_run_after_one_that_was_killed_leaves_what_somebody_has_made_since(
    server: Server, acts: tuple[str, ...]
) -> None:
    built(server, "theirs", "old files")
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    (server.root / "transaction/proved").unlink()
    for act in acts:
        link = server.folder / {"test": "current", "boot": "profiles/system"}[act]
        link.unlink()
        link.symlink_to(server.folder / "systems/theirs")
    server.stub("unshare", REFUSE)

    said, _ = server.work("activate", {**LIVE, "argoWeb.caddy": "refused\n"})

    assert "an unfinished deployment was undone" in said
    assert "Somebody else has" in said
    assert server.link("current") == ("theirs" if "test" in acts else "old")
    assert server.link("profiles/system") == ("theirs" if "boot" in acts else "old")
    assert server.live("argoWeb.yml") == LIVE["argoWeb.yml"]


def test_a_start_keeps_what_had_proved_itself_in_a_system_with_the_same_files(
    server: Server,
) -> None:
    built(server, "theirs", "new files")
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    (server.folder / "current").unlink()
    (server.folder / "current").symlink_to(server.folder / "systems/theirs")
    server.boot.write_text("second\n")

    assert "an unfinished deployment is kept" in server.run("recover")[0]
    assert server.live("argoWeb.yml") == "new yml\n"


def test_a_system_that_was_built_from_other_files_is_built_anew(server: Server) -> None:
    built(server, "old", digests(server))
    assert "nothing to do" in server.work("activate", LIVE)[0]
    built(server, "old", "other files")

    said, code = server.work("activate", LIVE)

    assert code == 0, said
    assert "plan: rebuild NixOS (the running system was built from other files" in said
    assert server.link("profiles/system") == "new"


@pytest.mark.parametrize(("exit_code", "lists"), [(1, False), (100, False), (1, True)])
def test_a_rollback_switches_only_when_something_was_changed(
    server: Server, exit_code: int, lists: bool
) -> None:
    switch = server.folder / "systems/new/bin/switch-to-configuration"
    left = "echo argoWeb.service >$FOLDER/switches/start-list; " if lists else ""
    switch.write_text(f"#!/bin/bash\n[[ $1 != test ]] || {{ {left}exit {exit_code}; }}\n")

    said, code = server.work("activate", NEW)

    assert code == 1
    assert f"failed with exit code {exit_code}" in said
    assert "the server serves what it served before" in said.splitlines()[-1]
    assert ("switch old test" in server.calls()) == lists


def test_a_switch_that_hangs_is_stopped_and_said_to_be(server: Server) -> None:
    program = server.program.read_text()
    server.program.write_text(program.replace("SWITCH_LIMIT=900", "SWITCH_LIMIT=2"))
    switch = server.folder / "systems/new/bin/switch-to-configuration"
    switch.write_text("#!/bin/bash\necho reloading user units for alice...\nsleep 60\n")

    jobs = (
        '  list-jobs*) printf "7 hung.service start running\\n8 later.target start waiting\\n" ;;'
    )
    server.stub("systemctl", systemctl().replace('case "$*" in', f'case "$*" in\n{jobs}', 1))

    said, code = server.work("activate", NEW)

    assert code == 1
    assert (
        "did not end within 2 s and was stopped. It was waiting for hung.service (start)." in said
    )
    assert "What it said last: reloading user" in said
    assert "the server serves what it served before" in said.splitlines()[-1]


def test_the_run_after_one_that_was_killed_waits_for_a_switch_that_is_at_work(
    server: Server,
) -> None:
    built(server, "theirs", "old files")
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    server.program.write_text(server.program.read_text().replace("SWITCH_WAIT=1", "SWITCH_WAIT=30"))
    subprocess.run(["bash", "-c", AT_WORK], env=server.environment(), check=True)
    server.stub("unshare", REFUSE)

    said, _ = server.work("activate", {**LIVE, "argoWeb.caddy": "refused\n"})

    assert "another switch of this server is at work; waiting for it" in said
    assert server.link("current") == "theirs"
    assert [call for call in server.calls() if call.startswith("switch old test")] == []
