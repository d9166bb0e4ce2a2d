"""Ends Pulumi as a power loss does."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.world import World


def begun(world: World) -> subprocess.Popen[str]:
    """An `up` in a group of its own that has come to the server."""
    words = ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview"]
    started = subprocess.Popen(
        words,
        cwd=world.root,
        env=world.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert started.stdout is not None
    for line in started.stdout:
        if "activate" in line and "checking" in line:
            return started
    raise AssertionError("it has not come to the server")


def kill(running: subprocess.Popen[Any]) -> None:
    """Kills a program with all that it has started.

    Pulumi's plugins have process groups of their own: one that outlives it goes on with its calls and tries again those
    that failed, which belongs to no row that begins anew with what there is.
    """
    for pid in [running.pid, *descendants(running.pid)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> Iterator[int]:
    """The processes that a process has started, and that those have."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                yield child
                yield from descendants(child)
