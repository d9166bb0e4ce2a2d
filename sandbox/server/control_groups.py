"""A control group for each server: two systemds in the same one would take each other's units for their own."""

import contextlib
import os
from pathlib import Path

_TOP = Path("/sys/fs/cgroup")


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


def remove(name: str) -> None:
    """Takes the group away with all that systemd made in it; its processes have ended before."""
    for tree in _trees():
        for folder, _, _ in os.walk(tree / name, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
