"""Puts together the shell programs that look at a server: they go there on stdin, run as root, and leave nothing."""

import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent / "remote"
REPORT_PARTS = (
    "common.sh", "switch.sh", "plan.sh", "readable.sh", "units.sh", "caddy.sh", "differences.sh", "logs.sh", "report.sh",
)  # fmt: skip
"""What tells of a server that has a deployment, or may have one."""
DOCTOR_PARTS = ("common.sh", "switch.sh", "readable.sh", "units.sh", "caddy.sh", "doctor.sh")
LOGS_PARTS = ("logs.sh",)
_STAGING = (
    "STAGING=$(readlink -f -- /var/lib/argoweb-deploy/server.sh || true)\nSTAGING=${STAGING%/*}\n"
)


@cache
def write_report_program() -> str:
    """Gives the program that prints what a server is like; it reads curl's configuration for the sites from stdin."""
    return _put_together(REPORT_PARTS, f"{_STAGING}report")


def write_doctor_program(caddy_unit: str, flake: str, roots: Sequence[str], *words: str) -> str:
    """Gives the program that prints what a first deployment needs; the words go to `doctor` in remote/doctor.sh.

    `roots` has the folders of the sites, each behind a hostname and a blank.
    """
    settings = [
        f"CADDY=({shlex.quote(f'{caddy_unit}.service')})",
        f"SETTING[flake]={shlex.quote(flake)}",
        f"ROOTS=({shlex.join(roots)})",
        shlex.join(["doctor", *words]),
    ]
    return _put_together(DOCTOR_PARTS, "\n".join(settings))


def write_logs_program(*words: str) -> str:
    """Gives the program that prints the journal; the words go to `logs` in remote/logs.sh."""
    return _put_together(LOGS_PARTS, shlex.join(["logs", *words]))


def write_metrics_program(*addresses: str) -> str:
    """Gives the program that prints two samples of the metrics at each `host:port`."""
    return _put_together(("metrics.sh",), shlex.join(["metrics", *addresses]))


def read_source(parts: tuple[str, ...]) -> str:
    """Joins files of `remote/` to one program."""
    return "\n".join((_FOLDER / part).read_text() for part in parts)


def _put_together(parts: tuple[str, ...], start: str) -> str:
    # In braces, bash reads all of it before it runs any, and leaves the rest of stdin alone.
    return f"{{\n{read_source(parts)}\n{start}\nexit\n}}\n"
