"""The processes of one command: when each of them ran, its processor time and its greatest memory."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY_SECONDS = 0.01
_TICKS = os.sysconf("SC_CLK_TCK")
_ROLES = (
    ("program", ("pulumi-language-python-exec", "sandbox.engine.language_host run")),
    ("language host", ("pulumi-language-python", "sandbox.engine.language_host")),
    ("plugin cloudflare", ("pulumi-resource-cloudflare", "sandbox.plugins.cloudflare")),
    ("plugin command", ("pulumi-resource-command", "sandbox.plugins.command")),
    ("plugin random", ("pulumi-resource-random", "sandbox.plugins.random")),
    ("engine", ("pulumi --non-interactive",)),
)


@dataclass(kw_only=True)
class Seen:
    """One process; times are seconds since the command began."""

    command: str
    started: float
    ended: float
    processor: float = 0
    peak_mib: float = 0

    @property
    def role(self) -> str:
        """What it is to Pulumi."""
        for role, marks in _ROLES:
            if any(mark in self.command for mark in marks):
                return role
        return self.command[:40]


def watched(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
) -> list[Seen]:
    """Runs a command and watches it and all below it; the watching takes time of its own.

    Raises:
        RuntimeError: the command fails.
    """
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        seen: dict[int, Seen] = {}
        while process.poll() is None:
            now = time.monotonic() - began
            for pid in _family(process.pid):
                _look(pid, now, seen)
            time.sleep(_EVERY_SECONDS)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} gave {process.returncode}\n{log.read_text()}")
    return list(seen.values())


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = children.read_text().split()
        except OSError:
            continue  # it has ended meanwhile
        for child in below:
            yield from _family(int(child))


def _look(pid: int, now: float, seen: dict[int, Seen]) -> None:
    folder = Path(f"/proc/{pid}")
    try:
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        numbers = (folder / "stat").read_text().rpartition(")")[2].split()
        status = (folder / "status").read_text()
    except OSError:
        return
    if not command or "VmHWM:" not in status:
        return  # it has ended, and nobody has asked for its exit status yet
    entry = seen.setdefault(pid, Seen(command=command, started=now, ended=now))
    entry.command, entry.ended = command, now
    entry.processor = (int(numbers[11]) + int(numbers[12])) / _TICKS
    entry.peak_mib = int(status.partition("VmHWM:")[2].split()[0]) / 1024
