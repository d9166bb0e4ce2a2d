"""A language host beside a `pulumi` that came without one: only there does the engine take it without a warning."""

import sys
from pathlib import Path

from sandbox.state import CHECKOUT, FOLDER, write

VARIABLE = "SANDBOX_LANGUAGE_HOST"
"""The built `pulumi` serves every checkout; this tells whose language host to run."""


def install(pulumi: Path) -> None:
    """Makes the sandbox's own language host available, and lets a `pulumi` without one use it."""
    program = FOLDER / "bin" / "language-host"
    module = "sandbox.engine.language_host"
    write(
        program,
        f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" exec "{sys.executable}" -m {module} "$@"\n',
        0o755,
    )
    beside = pulumi / "pulumi-language-python"
    if not beside.exists():
        write(beside, f'#!/bin/sh\nexec "${VARIABLE}" "$@"\n', 0o755)
