"""The shell programs of `remote/` as commands and as the one program that is staged on a server."""

import shlex
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent / "remote"
PARTS = (
    "common.sh", "warnings.sh", "switch.sh", "transaction.sh", "plan.sh", "readable.sh", "units.sh", "ports.sh", "caddy.sh",
    "beside.sh", "validate.sh", "health.sh", "activate.sh", "deactivate.sh", "differences.sh", "drift.sh", "main.sh",
)  # fmt: skip
"""What the server program is made of, in this order."""


def _read_script(name: str) -> str:
    """Reads a script without the lines that are comments, since Pulumi's state holds it twice for each server, or each file."""
    lines = (_FOLDER / name).read_text().splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


SERVER_PROGRAM = "\n".join(["{", *map(_read_script, PARTS), "} # end\n"])
"""What does the work on the server. In braces, bash runs all of it or, when its end is missing, nothing; launch.sh looks
for that end."""


WHERE_TO_READ = ": 'What went wrong stands below, behind this command.'; "
"""Pulumi prints a command that has failed, with its whole program, and then what that said: a reader learns it first so."""


def write_command(script: str, *words: str, sudo: bool) -> str:
    """Writes a shell command that runs a short script of `remote/` with the given arguments.

    The script travels in the command itself: nothing has to be on the server before.
    Standard input stays free for data.
    """
    sudo_words = ("sudo", "-n") if sudo else ()
    return shlex.join([*sudo_words, "bash", "-c", _read_script(script), script, *words])
