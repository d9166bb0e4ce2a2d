"""The shell programs of `remote/` as commands and as the one program that is staged on a server."""

import base64
import bz2
import shlex
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent / "remote"
PARTS = (
    "common.sh", "warnings.sh", "switch.sh", "transaction.sh", "plan.sh", "readable.sh", "units.sh", "ports.sh", "caddy.sh",
    "beside.sh", "validate.sh", "health.sh", "activate.sh", "deactivate.sh", "differences.sh", "drift.sh", "main.sh",
)  # fmt: skip
"""What the server program is made of, in this order."""


def _read_script(name: str) -> str:
    """Reads a script without the lines that are comments, since Pulumi's state holds it twice for each file."""
    lines = (_FOLDER / name).read_text().splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


SERVER_PROGRAM = "\n".join(["{", *map(_read_script, PARTS), "} # end\n"])
"""What does the work on the server. In braces, bash runs all of it or, when its end is missing, nothing; launch.sh looks
for that end."""
PACKED_PROGRAM = base64.b64encode(bz2.compress(SERVER_PROGRAM.encode())).decode() + "\n"
"""`SERVER_PROGRAM` as it is sent. Pulumi's state holds it twice for each server, and is written twice for each resource: with
fifty servers the program as it is would be most of it. zlib's output differs between its builds, bzip2's does not."""
_UNPACK = "exec < <(base64 -d | bzip2 -d; cat >/dev/null)\n"
"""The rest is read too, since a command that ends before it has all of its input fails."""


WHERE_TO_READ = ": 'What went wrong stands below, behind this command.'; "
"""Pulumi prints a command that has failed, with its whole program, and then what that said: a reader learns it first so."""


def write_command(script: str, *words: str, sudo: bool, unpack: bool = False) -> str:
    """Writes a shell command that runs a short script of `remote/` with the given arguments.

    The script travels in the command itself: nothing has to be on the server before.
    Standard input stays free for data, which may come packed as `PACKED_PROGRAM` is.
    """
    sudo_words = ("sudo", "-n") if sudo else ()
    text = _UNPACK * unpack + _read_script(script)
    return shlex.join([*sudo_words, "bash", "-c", text, script, *words])
