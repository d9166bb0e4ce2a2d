"""Ends Pulumi as a power loss does."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


def kill(running: subprocess.Popen[Any]) -> None:
    """Kills a program with all that it has started.

    Pulumi's plugins have process groups of their own: one that outlives it goes on with its calls and tries again those
    that failed, which belongs to no row that begins anew with what there is.
    """
    for pid in [running.pid, *_descendants(running.pid)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> Iterator[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                yield child
                yield from _descendants(child)
