"""The shell programs that look at a server. They go there on stdin, run as root, and leave nothing."""

import shlex
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent / "remote"
REPORT_PARTS = (
    "common.sh",
    "switch.sh",
    "plan.sh",
    "units.sh",
    "caddy.sh",
    "differences.sh",
    "report.sh",
)
"""What tells of a server that has a deployment, or may have one."""
DOCTOR_PARTS = ("common.sh", "switch.sh", "units.sh", "caddy.sh", "doctor.sh")
LOGS_PARTS = ("logs.sh",)
_STAGING = (
    "STAGING=$(readlink -f -- /var/lib/argoweb-deploy/server.sh || true)\nSTAGING=${STAGING%/*}\n"
)


@cache
def report_program() -> str:
    """Prints what a server is like; what follows it on stdin is curl's configuration for its sites."""
    return _whole(REPORT_PARTS, f"{_STAGING}report")


def doctor_program(caddy_unit: str, flake: str, *words: str) -> str:
    """Prints what a first deployment needs; the words are those of `doctor` in remote/doctor.sh."""
    settings = (
        f"CADDY=({shlex.quote(f'{caddy_unit}.service')})\nSETTING[flake]={shlex.quote(flake)}"
    )
    return _whole(DOCTOR_PARTS, f"{settings}\n{shlex.join(['doctor', *words])}")


def logs_program(*words: str) -> str:
    """Prints the journal; the words are those of `logs` in remote/logs.sh."""
    return _whole(LOGS_PARTS, shlex.join(["logs", *words]))


def metrics_program(*addresses: str) -> str:
    """Prints two samples of what is counted at each `host:port`."""
    return _whole(("metrics.sh",), shlex.join(["metrics", *addresses]))


def source(parts: tuple[str, ...]) -> str:
    """The parts of a program, one after another."""
    return "\n".join((_FOLDER / part).read_text() for part in parts)


def _whole(parts: tuple[str, ...], start: str) -> str:
    # In braces, bash reads all of it before it runs any, and leaves the rest of stdin alone.
    return f"{{\n{source(parts)}\n{start}\nexit\n}}\n"
