"""A language host for a `pulumi` that came without one.

A `pulumi` of our own build has it beside itself: only there does the engine take it without a warning. Beside
somebody else's nothing is written.
"""

import shutil
import sys
from pathlib import Path

from sandbox.state import CACHE, CHECKOUT, FOLDER, folder, write

VARIABLE = "SANDBOX_LANGUAGE_HOST"
"""The built `pulumi` serves every checkout; this tells whose language host to run."""
BIN = FOLDER / "bin"
"""Programs of this checkout's sandbox that belong on PATH after Pulumi's own."""
_NAME = "pulumi-language-python"


def install(pulumi: Path) -> None:
    """Makes sure that the `pulumi` in a folder finds a language host."""
    program = FOLDER / "language-host"
    module = "sandbox.engine.language_host"
    write(
        program,
        f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" exec "{sys.executable}" -m {module} "$@"\n',
        0o755,
    )
    beside, ours = pulumi / _NAME, folder(BIN) / _NAME
    if pulumi.is_relative_to(CACHE):
        official, ours = _is_compiled(beside), beside
    else:
        official = beside.exists()
    found = shutil.which(_NAME)
    if official or (found and Path(found) != ours):
        return
    write(ours, f'#!/bin/sh\nexec "${VARIABLE}" "$@"\n', 0o755)


def _is_compiled(program: Path) -> bool:
    """Whether a file is a compiled program, as the official one is; ours is none, nor is a broken one of ours."""
    try:
        with program.open("rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


def environment() -> dict[str, str]:
    """What the installed program needs to know."""
    return {VARIABLE: str(FOLDER / "language-host")}
