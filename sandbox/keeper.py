"""Ends the sandbox when the process is gone for which it was started, however that went: `up --for PID`."""

import os
import select
import sys
from contextlib import suppress
from typing import Any

from sandbox import processes
from sandbox.state import CHECKOUT, FOLDER, SandboxError

PLACE = FOLDER / "keeper"
"""No file: the argument by which the process is found again."""


KEY = "for"
"""Where the sandbox's state says for which process it is there: its id, and when it started."""


def kept_for(pid: int | None) -> dict[str, Any]:
    """Sees to it that the sandbox ends with a process; what its state has to say of that."""
    if pid is None:
        return {}
    if not any(process.part == PLACE.name for process in processes.running()):
        command = [sys.executable, "-m", "sandbox.keeper", str(PLACE), str(pid)]
        processes.start("keeper", command, log=FOLDER / "keeper.log", cwd=CHECKOUT)
    process = processes.known(pid)
    return {KEY: [pid, process.ticks if process else 0]}


def main() -> None:
    """Waits for the end of the process; then whatever works in this checkout goes, and the sandbox."""
    with suppress(ProcessLookupError):
        select.select([os.pidfd_open(int(sys.argv[2]))], [], [])
    for process in processes.working(CHECKOUT):
        with suppress(SandboxError):
            processes.end(process)
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", "down"])


if __name__ == "__main__":
    main()
