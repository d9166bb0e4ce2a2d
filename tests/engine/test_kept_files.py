"""A sandbox that is up goes on, or is made anew, whatever of its own files is broken."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.world import World
from tests.engine.test_sandbox import alive, mounts_of
from tests.engine.worlds import started
from tests.sandbox.kept import CASES, FILES, Kept

RUNNING = [
    (kept, how)
    for kept, how in CASES
    if kept.path not in (".sandbox", ".sandbox/servers")  # a running server's file tree is in them
]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sandbox of its own, of which each test breaks something."""
    with started(tmp_path_factory.mktemp("broken")) as world:
        yield world


def goes_on(world: World) -> str:
    """Whether `up` ends with a sandbox that can be used; what it says."""
    said = world.sandbox("up").stderr
    world.start()
    assert (world.status["running"], world.status["faults"]) == (True, [])
    assert world.ssh("cat /etc/hostname") == "web1\n"
    world.pulumi("preview")
    return said


@pytest.mark.long
def test_every_file_that_it_keeps_is_in_the_table(broken: World) -> None:
    known = {kept.path for kept in FILES} | {
        f".sandbox/servers/web1{name}"
        for name in ("", "/host_key", "/layers", "/root", "/netns", "/.#root.lck")
    }
    folder = broken.root / ".sandbox"
    kept = {
        *folder.iterdir(),
        *(folder / "servers").iterdir(),
        *(folder / "servers/web1").iterdir(),
    }

    assert {
        name
        for name in (str(path.relative_to(broken.root)) for path in kept)
        if name not in known and not name.startswith(".sandbox/no-cloudflared-")
    } == set()


@pytest.mark.long
@pytest.mark.parametrize(
    ("kept", "how"), RUNNING, ids=[f"{kept.path} {how}" for kept, how in RUNNING]
)
def test_up_goes_on_whatever_is_broken(broken: World, kept: Kept, how: str) -> None:
    kept.breakages()[how](broken.root)

    shown = broken.sandbox("status", check=False)
    goes_on(broken)

    assert "Traceback" not in shown.stderr


@pytest.mark.long
def test_the_folder_may_be_removed_while_the_stacks_file_stays(broken: World) -> None:
    broken.sandbox("down")
    shutil.rmtree(broken.root / ".sandbox")

    said = goes_on(broken)

    assert (
        "the passphrase of the secrets in Pulumi.sandbox.yaml is gone; the SSH key is put in anew"
        in said
    )


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_up_that_is_ended_in_its_middle_is_told_and_cleaned_up(
    broken: World, number: signal.Signals
) -> None:
    broken.sandbox("down")
    with subprocess.Popen(
        [".venv/bin/python", "-m", "sandbox", "up"],
        cwd=broken.root,
        env=broken.environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as up:
        broken.wait_for(lambda: "servers/web1/root" in broken.processes())
        up.send_signal(number)
        _, said = up.communicate(timeout=120)

    shown = broken.sandbox("status", check=False)
    if number == signal.SIGTERM:
        assert "it did not come up; ending what was started" in said
        assert shown.stderr.startswith("The sandbox is not up.")
    else:
        assert shown.stderr.startswith(
            "The sandbox is neither up nor down: of cloudflare something"
        )
        broken.sandbox("down")
    assert shown.returncode == 1
    assert (broken.processes(), mounts_of(broken)) == ({}, [])
    goes_on(broken)


@pytest.mark.long
def test_the_truth_is_told_of_a_part_that_has_ended(broken: World) -> None:
    goes_on(broken)
    pid = broken.processes()["cloudflare"]
    subprocess.run(["kill", "-9", str(pid)], check=True)
    broken.wait_for(lambda: not alive(pid))

    shown = broken.sandbox("status").stdout

    assert "running      False" in shown
    assert "cloudflare does not run" in shown
    assert "since cloudflare does not run" in goes_on(broken)


def test_an_up_that_fails_ends_what_it_has_started_and_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.variables = {"SANDBOX_PLUGINS": "bogus"}

    failed = world.sandbox("up", check=False)

    assert failed.returncode == 1
    assert "booting the server web1" in failed.stderr
    assert failed.stderr.endswith(
        "it did not come up; ending what was started\n"
        "SANDBOX_PLUGINS is 'bogus'; it may be auto, official or standin.\n"
    )
    assert (world.processes(), mounts_of(world)) == ({}, [])
    assert world.sandbox("status", check=False).stderr.startswith("The sandbox is not up.")
