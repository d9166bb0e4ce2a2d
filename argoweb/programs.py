"""The shell programs that look at a server. They go there on stdin, run as root, and leave nothing."""

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
_STAGING = (
    "STAGING=$(readlink -f -- /var/lib/argoweb-deploy/server.sh || true)\nSTAGING=${STAGING%/*}\n"
)


@cache
def report_program() -> str:
    """Prints what a server is like; what follows it on stdin is curl's configuration for its sites."""
    return _whole(REPORT_PARTS, f"{_STAGING}report")


def source(parts: tuple[str, ...]) -> str:
    """The parts of a program, one after another."""
    return "\n".join((_FOLDER / part).read_text() for part in parts)


def _whole(parts: tuple[str, ...], start: str) -> str:
    # In braces, bash reads all of it before it runs any, and leaves the rest of stdin alone.
    return f"{{\n{source(parts)}\n{start}\nexit\n}}\n"
