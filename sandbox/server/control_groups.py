"""A control group for each server: two systemds in the same one would take each other's units for their own."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from sandbox.state import SandboxError

_TOP = Path("/sys/fs/cgroup")
_END_SECONDS = 20.0


def _trees() -> list[Path]:
    """Where systemd keeps its groups: the one hierarchy, or both of the old layout."""
    trees = (_TOP, _TOP / "systemd", _TOP / "unified")
    return [tree for tree in trees if (tree / "cgroup.procs").exists()]


def create(name: str) -> list[Path]:
    """The group in each hierarchy; a process enters by writing its id to `cgroup.procs`."""
    groups = [tree / name for tree in _trees()]
    for group in groups:
        group.mkdir(exist_ok=True)
    return groups


def names() -> set[str]:
    """Of every group that stands at the top of a hierarchy."""
    return {path.name for tree in _trees() for path in tree.iterdir() if path.is_dir()}


def remove(name: str) -> None:
    """Takes the group away with all that systemd made in it, and ends what still runs there: a sandbox whose own
    processes were killed leaves its servers running.

    Raises:
        SandboxError: a process does not go.
    """
    deadline = time.monotonic() + _END_SECONDS
    while left := list(_processes(name)):
        if time.monotonic() > deadline:
            raise SandboxError(f"The processes {left} of {name} do not end.")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    for tree in _trees():
        for folder, _, _ in os.walk(tree / name, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def _processes(name: str) -> Iterator[int]:
    for tree in _trees():
        for folder, _, _ in os.walk(tree / name):
            with contextlib.suppress(OSError):  # gone meanwhile
                listed = Path(folder, "cgroup.procs").read_text().split()
                yield from (int(pid) for pid in listed if pid != "0")  # 0: not in our reach
