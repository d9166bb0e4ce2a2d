"""The real parts that tests want, and what is said where they are not here."""

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
