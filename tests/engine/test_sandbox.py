"""The sandbox itself: it starts, ends, recovers and stands beside another one."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sandbox.world import ROOT, World
from tests.engine.worlds import started
from tests.faults.killing import begun, descendants, kill

PATIENCE = 180
"""Seconds; what is awaited takes far less."""


def processes_of(world: World) -> list[int]:
    return list(world.processes().values())


def mounts_of(world: World) -> list[str]:
    return [
        line for line in Path("/proc/mounts").read_text().splitlines() if str(world.root) in line
    ]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def with_children(pids: Iterable[int]) -> list[int]:
    """The processes and all that they have started, such as those of a server."""
    found: list[int] = []
    for pid in pids:
        with suppress(OSError):
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            found += [pid, *with_children(map(int, children.split()))]
    return found


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A second sandbox, on which nothing was ever deployed."""
    with started(tmp_path_factory.mktemp("other")) as world:
        yield world


@pytest.mark.long
def test_two_checkouts_run_beside_each_other(other: World, deployed: World) -> None:
    other.up()

    assert other.status["edge_url"] != deployed.status["edge_url"]
    other.pulumi("destroy", "--yes", "--skip-preview")

    assert other.get("www.example.localhost")[0] == 404
    assert deployed.get("www.example.localhost")[0] == 200


@pytest.mark.long
def test_a_crashed_run_is_cleaned_up_by_the_next_up(other: World) -> None:
    crashed = processes_of(other)
    left = set(with_children(crashed)) - set(crashed)
    for pid in crashed:
        os.kill(pid, signal.SIGKILL)
    other.wait_for(lambda: not any(map(alive, crashed)))

    assert any(map(alive, left)), "a server outlives the process that watches it"

    other.start()

    assert not any(map(alive, left))
    other.up()
    assert other.get("www.example.localhost")[0] == 200
    assert len(mounts_of(other)) == 2, "the file tree and the network namespace of one server"


RUN = """
import time
from pathlib import Path

def test_that_is_broken_off(fresh):
    Path({told!r}).write_text(str(fresh.root))
    fresh.run("sleep", "500")
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A test run of its own, in the middle of a test that has a sandbox."""

    program: subprocess.Popen[bytes]
    root: Path
    """The checkout of that sandbox."""

    def left(self) -> list[str]:
        """The command lines and mounts that still are of that checkout."""
        mounts = Path("/proc/mounts").read_text().splitlines()
        mounted = [line for line in mounts if str(self.root) in line]
        return [*commands_of(self.root).values(), *mounted]


def commands_of(root: Path) -> dict[int, str]:
    """The command lines that name a checkout or run in it, by the ids of their processes."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(root) in words or (entry / "cwd").readlink().is_relative_to(root):
                found[int(entry.name)] = words
    return found


@contextmanager
def a_run(folder: Path, *words: str) -> Iterator[Run]:
    told = folder / "root"
    (folder / "test_run.py").write_text(RUN.format(told=str(told)))
    command = [
        *(sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)),
        *("-p", "tests.engine.worlds", "--basetemp", str(folder / "base"), *words, str(folder / "test_run.py")),
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        program = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        until(lambda: told.exists() or program.poll() is not None)
        assert program.poll() is None, (folder / "log").read_text()
        run = Run(program=program, root=Path(told.read_text()))
        until(lambda: any("sleep" in line for line in commands_of(run.root).values()))
        yield run
    finally:
        program.kill()
        program.wait()


def until(good: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not good():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGTERM, ()),
        pytest.param(signal.SIGHUP, ("-n", "1"), marks=pytest.mark.long),
        pytest.param(signal.SIGKILL, ("-n", "1"), marks=pytest.mark.long),
    ],
    ids=["SIGTERM", "SIGHUP of workers", "SIGKILL of workers"],
)
def test_a_test_run_that_is_ended_takes_its_sandbox_and_its_commands_along(
    tmp_path: Path, number: signal.Signals, words: tuple[str, ...]
) -> None:
    with a_run(tmp_path, *words) as run:
        assert len(run.left()) > 4

        run.program.send_signal(number)
        run.program.wait(PATIENCE)

        until(lambda: not run.left())


@pytest.mark.long
@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_sandbox_that_nobody_keeps_any_more_is_ended_by_the_next_up_of_any_checkout(
    tmp_path: Path, other: World, is_deleted: bool
) -> None:
    with a_run(tmp_path) as run:
        keepers = [pid for pid, line in commands_of(run.root).items() if "sandbox.keeper" in line]
        sleepers = [pid for pid, line in commands_of(run.root).items() if line.startswith("sleep")]
        for pid in (*keepers, run.program.pid, *sleepers):
            os.kill(pid, signal.SIGKILL)
        run.program.wait(PATIENCE)
        assert len(run.left()) > 3
        if is_deleted:  # as pytest does it with the folders of runs long ago
            run = replace(run, root=run.root.rename(run.root.with_name("garbage")))
            shutil.rmtree(run.root / "sandbox")

        said = other.sandbox("up").stderr

        why = "whose checkout was deleted" if is_deleted else "whose program is gone"
        assert f"ending a sandbox {why}: {run.root}" in said
        assert run.left() == []


@pytest.mark.long
def test_down_ends_what_was_started_and_leaves_no_mount_and_no_process(other: World) -> None:
    pids = processes_of(other)
    assert all(map(alive, pids))

    other.sandbox("down")

    assert not any(map(alive, pids))
    assert mounts_of(other) == []
    assert other.sandbox("status", check=False).returncode == 1


@pytest.mark.long
def test_down_ends_what_a_killed_pulumi_has_left_and_nothing_of_a_shell(fresh: World) -> None:
    started = begun(fresh)
    plugins = set(descendants(started.pid))
    os.kill(started.pid, signal.SIGKILL)
    started.communicate()
    left = {pid for pid in plugins if alive(pid)}
    assert left, "a plugin goes on with its call"
    words = ["sh", "-c", "sleep 500; :", "sh", "127.0.0.1:1"]
    with subprocess.Popen(words, env=fresh.environment(), start_new_session=True) as shell:
        fresh.sandbox("down")
        is_there = shell.poll() is None
        kill(shell)

    assert not any(map(alive, left))
    assert is_there


def processor_seconds(run: Callable[[], object]) -> float:
    """What a command and its own take of the processor."""
    before = os.times()
    run()
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def test_a_second_up_takes_a_moment(world: World) -> None:
    """Ten seconds on a machine that takes 0.7 s to import Pulumi's SDK; most of it is Pulumi's own work."""
    moment = processor_seconds(lambda: world.run(".venv/bin/python", "-c", "import pulumi"))

    assert processor_seconds(lambda: world.sandbox("up")) < 15 * moment


def test_status_says_where_everything_is(world: World) -> None:
    status = world.status

    assert set(status) >= {
        "api_url",
        "control_url",
        "edge_url",
        "host_root",
        "ssh",
        "stack",
        "plugins",
        "cloudflared",
    }
    assert set(status["ssh"]) == {"host", "port", "user", "host_key", "private_key_file"}
    assert status["stack"] == "sandbox"
    assert set(status["plugins"]) == {"cloudflare", "command", "random"}
    assert (Path(status["host_root"]) / "etc/NIXOS").exists()


@pytest.mark.long
def test_the_server_survives_a_reboot_with_its_boot_default(deployed: World) -> None:
    booted = deployed.ssh(
        "cat /proc/sys/kernel/random/boot_id; systemctl show -p UserspaceTimestampMonotonic"
    )

    deployed.ssh("systemctl reboot", check=False)

    def back() -> bool:
        shown = deployed.ssh(
            "cat /proc/sys/kernel/random/boot_id; systemctl show -p UserspaceTimestampMonotonic",
            check=False,
        )
        return bool(shown) and shown != booted

    deployed.wait_for(back)
    deployed.wait_for(lambda: deployed.get("www.example.localhost")[0] == 200)


def refused(code: str, **variables: str) -> str:
    """What Python says of a few lines that end in a refusal."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    return result.stderr


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "real = shutil.which; shutil.which = lambda name, path=None: "
            "None if name == 'systemd-nspawn' else real(name, path=path)",
            "apt-get install systemd-container",
        ),
        (
            "real = shutil.which; shutil.which = lambda name, path=None: "
            "None if name == 'nix-build' else real(name, path=path)",
            "apt-get install nix-bin",
        ),
        ("os.geteuid = lambda: 1000", "Run it with sudo."),
        ("sys.platform = 'darwin'", "it needs Linux, this is darwin."),
    ],
    ids=["systemd-nspawn", "nix", "root", "Linux"],
)
def test_what_is_missing_is_named_with_its_remedy_and_nothing_is_changed(
    line: str, told: str
) -> None:
    said = refused(f"import os, shutil, sys; from sandbox import needs; {line}; needs.check(1)")

    assert told in said
    assert "nothing was changed" in said


def test_without_pulumi_network_and_go_the_user_is_told_what_to_install(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9/pulumi-{version}-{arch}.tar.gz"

    said = refused(
        "from sandbox.engine import pulumi_cli as cli; "
        f"cli._RELEASE = {nowhere!r}; cli.find(lambda text: None)",
        PATH=str(tmp_path),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )

    assert "Install Pulumi (https://www.pulumi.com/docs/install/) or Go, and run it again." in said
