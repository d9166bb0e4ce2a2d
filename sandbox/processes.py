"""Processes that outlive the command that started them, known by process id and start time."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.state import FOLDER, SandboxError, write

_RECORDS = FOLDER / "processes.json"
_GRACE_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process; its start time tells it from a later one with the same id."""

    name: str
    pid: int
    started: str

    def alive(self) -> bool:
        """Whether it still runs."""
        return _start_time(self.pid) == self.started


def _start_time(pid: int) -> str:
    """Boot and clock ticks of the start; empty for a process that is gone or has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return "" if fields[0] in "ZX" else f"{boot} {fields[19]}"


def recorded() -> list[Process]:
    """Every process that was started and not ended."""
    if not _RECORDS.exists():
        return []
    return [Process(**record) for record in json.loads(_RECORDS.read_text())]


def start(name: str, command: Sequence[str], *, log: Path, cwd: Path | None = None) -> Process:
    """Starts a process apart from this terminal; its output goes to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            start_new_session=True,
        )
    process = Process(name=name, pid=child.pid, started=_start_time(child.pid))
    _keep([*recorded(), process])
    return process


def end(process: Process) -> None:
    """Asks it to end, then makes it.

    Raises:
        SandboxError: it does not go.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _GRACE_SECONDS
        if process.alive():
            os.kill(process.pid, number)
        while process.alive() and time.monotonic() < deadline:
            _reap(process.pid)
            time.sleep(0.05)
        if not process.alive():
            _keep([other for other in recorded() if other != process])
            return
    raise SandboxError(f"The process {process.name} ({process.pid}) does not end.")


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _keep(processes: Sequence[Process]) -> None:
    write(_RECORDS, json.dumps([asdict(process) for process in processes], indent=2))
