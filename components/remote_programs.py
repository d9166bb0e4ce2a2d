"""The shell programs of `remote/` as commands and as the one program that is staged on a server."""

import shlex
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent / "remote"

_PARTS = "\n".join(
    (_FOLDER / part).read_text()
    for part in (
        "common.sh",
        "transaction.sh",
        "plan.sh",
        "readable.sh",
        "caddy.sh",
        "validate.sh",
        "health.sh",
        "activate.sh",
        "deactivate.sh",
        "drift.sh",
        "main.sh",
    )
)
SERVER_PROGRAM = f"{{\n{_PARTS}}} # end\n"
"""What does the work on the server. In braces, bash runs all of it or, when its end is missing, nothing; launch.sh looks
for that end."""


def command(script: str, *words: str, sudo: bool) -> str:
    """A shell command that runs a short script of `remote/` with the given arguments.

    The script travels in the command itself: nothing has to be on the server before.
    Standard input stays free for data.
    """
    lines = (_FOLDER / script).read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    return shlex.join([*(("sudo", "-n") if sudo else ()), "bash", "-c", text, script, *words])
