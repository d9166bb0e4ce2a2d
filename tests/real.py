"""The real parts that tests want, and what is said where they are not here."""

import shutil
import warnings
from functools import cache
from pathlib import Path

import pytest

from sandbox import cloudflared

WANTED = "wants the real cloudflared"
"""What the reason of a skipped test begins with."""


@cache
def found() -> cloudflared.Cloudflared:
    """The cloudflared that the sandbox would take."""
    return cloudflared.find(lambda _: None)


def real_cloudflared(unchecked: str) -> Path:
    """The program; without it the test says loudly what it did not check."""
    chosen = found()
    if chosen.program is None:
        reason = f"{WANTED}, so this was NOT CHECKED: {unchecked} ({chosen.why})"
        warnings.warn(reason, stacklevel=2)
        pytest.skip(reason)
    return chosen.program


def official_plugin(name: str, unchecked: str) -> Path:
    """Pulumi's own plugin, where one is on PATH; without it the test says loudly what it did not check."""
    program = shutil.which(f"pulumi-resource-{name}")
    if program is None:
        reason = f"wants the official plugin {name}, so this was NOT CHECKED: {unchecked}"
        warnings.warn(reason, stacklevel=2)
        pytest.skip(reason)
    return Path(program)
