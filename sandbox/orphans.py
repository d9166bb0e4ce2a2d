"""Sandboxes of other checkouts that nobody else ends: their keeper was killed, or their programs were deleted."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from sandbox import keeper, processes
from sandbox.server import mounts
from sandbox.state import FOLDER, SandboxError


def end(say: Callable[[str], None]) -> None:
    """Ends each of them; says of one that stays why it does."""
    for checkout in sorted(set(_checkouts())):
        try:
            if not (checkout / "sandbox/__main__.py").exists():
                say(f"ending a sandbox whose checkout was deleted: {checkout}")
                _end_without_its_programs(checkout)
            elif _is_orphan(checkout):
                say(f"ending a sandbox whose program is gone: {checkout}")
                words = [sys.executable, "-m", "sandbox", "down"]
                subprocess.run(words, cwd=checkout, check=False, stdin=subprocess.DEVNULL)
        except (SandboxError, OSError) as error:
            say(str(error))


def _end_without_its_programs(checkout: Path) -> None:
    """By the folder in which its processes run, which is right also after a folder above it was renamed."""
    for process in reversed(processes.working(checkout)):
        processes.end(process)
    mounts.release(checkout)


def _checkouts() -> Iterator[Path]:
    for target in mounts.overlays():
        parents = [path for path in target.parents if path.name == FOLDER.name]
        if parents and parents[-1] != FOLDER:
            yield parents[-1].parent


def _is_orphan(checkout: Path) -> bool:
    try:
        pid, ticks = json.loads((checkout / FOLDER.name / "state.json").read_text())[keeper.KEY]
    except (OSError, ValueError, TypeError, KeyError):
        return False  # it was started to stay
    process = processes.known(int(pid))
    is_gone = process is None or process.ticks != ticks
    return is_gone and not processes.is_handled(checkout)
