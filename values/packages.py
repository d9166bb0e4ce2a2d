"""Ends a command of a Python that lacks the program's packages, before the import that would fail."""

import sys
from importlib.util import find_spec

CANNOT_TELL = 2
"""The exit code."""


def require(*packages: str) -> None:
    """Ends the program, and says which Python has the packages, unless this one has them all."""
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        print(
            f"This Python ({sys.executable}) has no package {', '.join(missing)}. Use .venv/bin/python in the folder of "
            "Pulumi.yaml; if there is none, `pulumi install` makes it.",
            file=sys.stderr,
        )
        raise SystemExit(CANNOT_TELL)
