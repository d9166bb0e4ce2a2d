"""The shell programs of `remote/` as commands and as the one program that is staged on a server."""

import shlex
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent / "remote"

SERVER_PROGRAM = "\n".join(
    (_FOLDER / part).read_text()
    for part in (
        "common.sh",
        "transaction.sh",
        "plan.sh",
        "validate.sh",
        "health.sh",
        "activate.sh",
        "deactivate.sh",
        "drift.sh",
        "main.sh",
    )
)
"""What does the work on the server, whole."""


def command(script: str, *words: str, sudo: bool) -> str:
    """A shell command that runs a short script of `remote/` with the given arguments.

    The script travels in the command itself: nothing has to be on the server before.
    Standard input stays free for data.
    """
    lines = (_FOLDER / script).read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    return shlex.join([*(("sudo", "-n") if sudo else ()), "bash", "-c", text, script, *words])
