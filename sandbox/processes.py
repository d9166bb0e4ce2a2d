"""Processes that outlive the command that started them.

No file lists them: it could be lost, half-written or copied to another checkout. A process of this checkout's sandbox is
known by its command line, which names the part of `.sandbox/` that it serves.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.state import FOLDER, SandboxError

_GRACE_SECONDS = 20.0
_PROGRAMS = ("sandbox.cloudflare", "sandbox.server.network", "sandbox.keeper")
"""Modules that run as such processes; the fourth one is a shell program."""
_BOOT = "/sandbox/server/boot.sh"
_ENGINE = re.compile(r"127\.0\.0\.1:\d+")
"""The argument by which Pulumi tells a plugin or a language host where it listens."""
_PART = re.compile(
    rf"(?:--directory=)?{re.escape(str(FOLDER))}/(cloudflare|keeper|servers/[^/]+/(?:netns|root))"
)
"""The argument that says which part of the sandbox a process is."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process; its start time tells it from a later one with the same id."""

    part: str
    """`cloudflare`, `keeper`, `servers/NAME/netns` (the doors of its network) or `servers/NAME/root` (its boot)."""
    pid: int
    ticks: int
    """When it started, in clock ticks since this machine did."""

    def alive(self) -> bool:
        """Whether it still runs."""
        return _started(self.pid) == self.ticks


def _fields(pid: int) -> list[str]:
    """What `/proc/PID/stat` has after the name, from the state on; nothing for a process that is gone or has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [] if fields[0] in "ZX" else fields


def _started(pid: int) -> int | None:
    fields = _fields(pid)
    return int(fields[19]) if fields else None


def _entries() -> Iterator[tuple[int, Path]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            yield int(entry.name), entry


def known(pid: int) -> Process | None:
    """The process that has this id now, whatever it is."""
    ticks = _started(pid)
    return None if ticks is None else Process(part="", pid=pid, ticks=ticks)


def working(checkout: Path) -> list[Process]:
    """Every command that runs in a checkout or a folder of it, but for this one and what is part of the sandbox."""
    ours = {process.pid for process in running()}
    found = []
    for pid, entry in _entries():
        try:
            where = (entry / "cwd").readlink()
        except OSError:
            continue
        fields = _fields(pid)
        if not fields or pid == os.getpid() or int(fields[3]) in ours:
            continue
        if where.is_relative_to(checkout):
            found.append(Process(part="", pid=pid, ticks=int(fields[19])))
    return found


def is_handled(checkout: Path) -> bool:
    """Whether a keeper, or a command of the sandbox such as `down`, runs in a checkout, which may be another one."""
    for _, entry in _entries():
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_text(errors="replace").split("\0")
            is_ours = not {"sandbox", "sandbox.keeper"}.isdisjoint(words)
            if is_ours and (entry / "cwd").readlink() == checkout:
                return True
    return False


def running() -> list[Process]:
    """Every process of this sandbox that runs, in the order of their starts."""
    found = []
    for pid, entry in _entries():
        try:
            words = (entry / "cmdline").read_text(errors="replace").split("\0")
        except OSError:
            continue
        part, fields = _part(words), _fields(pid)
        # What one of them has started is not a leader of its session.
        if part is not None and fields and int(fields[3]) == pid:
            found.append(Process(part=part, pid=pid, ticks=int(fields[19])))
    return sorted(found, key=lambda process: (process.ticks, process.pid))


def left_by_pulumi(home: Path) -> list[Process]:
    """What a Pulumi with this home has started and, since it was killed, not ended: plugins, language hosts, their children."""
    fields = {pid: found for pid, _ in _entries() if (found := _fields(pid))}
    left = {pid for pid in fields if _is_orphan(pid, fields) and _serves_an_engine(pid, home)}
    while children := {pid for pid in fields.keys() - left if int(fields[pid][1]) in left}:
        left |= children
    return [Process(part="", pid=pid, ticks=int(fields[pid][19])) for pid in sorted(left)]


def _is_orphan(pid: int, fields: Mapping[int, Sequence[str]]) -> bool:
    """Whether its parent is not who started it, but the first process, or one of another session that takes orphans in."""
    parent, session = int(fields[pid][1]), int(fields[pid][3])
    if session == pid:  # it left its parent's session by itself, as no plugin does
        return False
    return parent == 1 or parent not in fields or int(fields[parent][3]) != session


def _serves_an_engine(pid: int, home: Path) -> bool:
    with contextlib.suppress(OSError):
        words, variables = (
            Path(f"/proc/{pid}/{name}").read_text(errors="replace").split("\0")
            for name in ("cmdline", "environ")
        )
        return f"PULUMI_HOME={home}" in variables and any(map(_ENGINE.fullmatch, words))
    return False


def _part(words: Sequence[str]) -> str | None:
    """The part of this sandbox that a command line serves."""
    if not any(word in _PROGRAMS or word.endswith(_BOOT) for word in words):
        return None
    parts = [found[1] for word in words if (found := _PART.fullmatch(word))]
    return parts[0] if parts else None


def start(name: str, command: Sequence[str], *, log: Path, cwd: Path | None = None) -> Process:
    """Starts a process apart from this terminal; its output goes to the log. It is found again by its command line.

    Raises:
        SandboxError: it would not be.
    """
    part = _part(command)
    if part is None:
        raise SandboxError(f"The process {name} could not be found again: {' '.join(command)}")
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
    return Process(part=part, pid=child.pid, ticks=_started(child.pid) or 0)


def end(process: Process) -> None:
    """Asks it to end, then makes it.

    Raises:
        SandboxError: it does not go.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _GRACE_SECONDS
        if process.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)
        while process.alive() and time.monotonic() < deadline:
            _reap(process.pid)
            time.sleep(0.05)
        if not process.alive():
            return
    raise SandboxError(f"The process {process.part} ({process.pid}) does not end.")


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
