"""The real parts that tests want, and what is said where they are not here."""

import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from sandbox import cloudflared
from sandbox.server.machine import MODULES, real_modules

WANTED = re.compile("wants (the .+?), so this was NOT CHECKED: ")
"""What the reason of a skipped test begins with; the group is the part that it wants."""


@cache
def found() -> cloudflared.Cloudflared:
    """The cloudflared that the sandbox would take."""
    return cloudflared.find(lambda _: None)


def real_cloudflared(unchecked: str) -> Path:
    """The program; without it the test says loudly what it did not check."""
    chosen = found()
    if chosen.program is None:
        pytest.skip(
            f"wants the real cloudflared, so this was NOT CHECKED: {unchecked} ({chosen.why})"
        )
    return chosen.program


def official_plugin(name: str, unchecked: str) -> Path:
    """Pulumi's own plugin, where one is on PATH; without it the test says loudly what it did not check."""
    program = shutil.which(f"pulumi-resource-{name}")
    if program is None:
        pytest.skip(f"wants the official plugin {name}, so this was NOT CHECKED: {unchecked}")
    return Path(program)


def real_nixpkgs(unchecked: str) -> Path:
    """A checkout of nixpkgs; without it the test says loudly what it did not check."""
    checkout = real_modules()
    if checkout is None:
        pytest.skip(
            f"wants the real modules of NixOS, so this was NOT CHECKED: {unchecked} ({MODULES} is unset)"
        )
    return checkout
