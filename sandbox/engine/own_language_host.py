"""A language host for a `pulumi` that came without one.

A `pulumi` of our own build has it beside itself: only there does the engine take it without a warning. Beside
somebody else's nothing is written.
"""

import shutil
import sys
from pathlib import Path

from sandbox.state import CACHE, CHECKOUT, FOLDER, write

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
    BIN.mkdir(exist_ok=True)
    if (pulumi / _NAME).exists() or shutil.which(_NAME):
        return
    folder = pulumi if pulumi.is_relative_to(CACHE) else BIN
    write(folder / _NAME, f'#!/bin/sh\nexec "${VARIABLE}" "$@"\n', 0o755)


def environment() -> dict[str, str]:
    """What the installed program needs to know."""
    return {VARIABLE: str(FOLDER / "language-host")}
