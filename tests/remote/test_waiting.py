"""What a run waits for, how long, and what it says when that does not come."""

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.remote.test_work import BUILD, LIVE, Server, systemctl

NEW = {**LIVE, "argoWeb.yml": "new yml\n"}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """One that waits a second for another deployment."""
    server = Server(tmp_path)
    text = server.program.read_text()
    assert "LOCK_WAIT=1800" in text
    server.program.write_text(text.replace("LOCK_WAIT=1800", "LOCK_WAIT=1"))
    return server


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Somebody else is at work."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_another_deployment_is_waited_for_and_named_where_it_does_not_end(server: Server) -> None:
    lock = server.root / "lock"
    with held(lock):
        said, code = server.work("activate", NEW)

    assert code == 1
    first, second, state = said.splitlines()
    assert first.endswith("s] another run holds the lock; waiting for it")
    assert second == f"argoweb: another deployment holds {lock} for more than 1 s."
    assert state == "STATE: nothing was changed on this server; it runs what it ran before."
    assert server.live("argoWeb.yml") == LIVE["argoWeb.yml"]


def test_a_start_leaves_the_transaction_of_a_run_that_lives(server: Server) -> None:
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    server.boot.write_text("second\n")

    with held(server.root / "lock"):
        assert server.run("recover") == ("", 0)

    assert server.live("argoWeb.yml") == "new yml\n"


def test_a_switch_that_does_not_end_is_waited_for_no_longer_than_that(server: Server) -> None:
    with held(server.folder / "switches/switch-to-configuration.lock"):
        said, code = server.work("activate", NEW)

    assert code == 0, said
    assert "another switch of this server is at work; waiting for it\nIt has not ended within 1 s.\n" in said  # fmt: skip


def test_a_unit_that_has_failed_for_good_is_not_waited_for(server: Server) -> None:
    text = systemctl("[[ $1 != argoWeb.service || ! -e $FOLDER/restarted ]]")
    text = text.replace("echo inactive", "echo failed")
    server.stub("systemctl", f'{text}\nif [[ $* == "restart argoWeb.service" ]]; then touch $FOLDER/restarted; fi\n')  # fmt: skip
    said, code = server.work("activate", NEW, "health-timeout 100")

    assert code == 1
    waited = re.search(
        r"Not healthy after (\d+) s: argoWeb.service is failed \[unit-stopped\]\n", said
    )
    assert waited is not None, said
    assert int(waited[1]) < 100


def test_a_unit_that_restarts_again_and_again_is_not_well(server: Server) -> None:
    server.gives_up_soon()
    text = systemctl().replace('case "$*" in', 'case "$*" in\n  *NRestarts*) date +%N ;;', 1)
    server.stub("systemctl", text)

    said, code = server.work("activate", NEW)

    assert code == 1
    assert "s: one of argoWeb.service caddy.service keeps restarting [unit-restarts]\n" in said


@pytest.mark.parametrize(
    ("there", "plan"),
    [
        ("[[ $1 != argoWeb.service ]]", "rebuild NixOS, restart argoWeb (argoWeb.service is not there yet, argoWeb.service is not running)"),
        ("[[ $1 != caddy.service ]]", "reload caddy (caddy.service is not running)"),
    ],
)  # fmt: skip
def test_what_does_not_run_is_in_the_plan_and_costs_nothing(
    server: Server, there: str, plan: str
) -> None:
    server.stub("systemctl", systemctl(f"{there} || [[ -e $FOLDER/planned ]]"))
    server.stub("unshare", BUILD.replace("\n", "\ntouch $FOLDER/planned\n", 1))
    server.stub("curl", "#!/bin/bash\ntouch $FOLDER/planned\n")
    server.gives_up_soon()

    said, _ = server.work("activate", LIVE, "health-timeout 1")

    assert f"s] plan: {plan}\n" in said
    assert "only cloudflared here" not in said


def test_a_system_that_is_built_as_it_runs_is_not_switched_to(server: Server) -> None:
    server.stub("unshare", BUILD.replace("systems/new", "systems/old"))

    said, code = server.work("activate", {**LIVE, "argoWeb.nix": "{ new = 1; }\n"})

    assert code == 0, said
    assert "the built system is the running one" in said
    assert [call for call in server.calls() if call.startswith("switch")] == ["switch old boot"]
