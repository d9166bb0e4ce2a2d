"""Sandboxes of other checkouts that were started for a process which is gone, and whose keeper is gone too."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from sandbox import keeper, processes
from sandbox.server import mounts
from sandbox.state import FOLDER


def end(say: Callable[[str], None]) -> None:
    """Ends each of them by its own programs; names one that has none any more."""
    for checkout in sorted(_checkouts()):
        if not (checkout / "sandbox/__main__.py").exists():
            for target in mounts.below(checkout):
                say(f"of a checkout that is gone this is mounted still: umount --lazy '{target}'")
        elif _is_orphan(checkout):
            say(f"ending a sandbox whose program is gone: {checkout}")
            words = [sys.executable, "-m", "sandbox", "down"]
            subprocess.run(words, cwd=checkout, check=False, stdin=subprocess.DEVNULL)


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
