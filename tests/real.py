"""The real parts that tests want, and what is said where they are not here."""

import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from sandbox import cloudflared
from sandbox.server.machine import MODULES, real_modules
from sandbox.world import World

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


def official_host(language: str, world: World, unchecked: str) -> None:
    """Sees to it that Pulumi finds its own language host; without one the test says loudly what it did not check."""
    path = world.variables["PATH"]
    name = f"pulumi-language-{language}"
    beside = Path(shutil.which("pulumi", path=path) or "/").with_name(name)
    found = beside if beside.is_file() else Path(shutil.which(name, path=path) or "/")
    # The sandbox's own is a script.
    if not found.is_file() or found.read_bytes()[:4] != b"\x7fELF":
        pytest.skip(f"wants the official host for {language}, so this was NOT CHECKED: {unchecked}")
    if found != beside:  # where the engine would not look
        world.variables.pop("PULUMI_IGNORE_AMBIENT_PLUGINS")


def real_nixpkgs(unchecked: str) -> Path:
    """A checkout of nixpkgs; without it the test says loudly what it did not check."""
    checkout = real_modules()
    if checkout is None:
        pytest.skip(
            f"wants the real modules of NixOS, so this was NOT CHECKED: {unchecked} ({MODULES} is unset)"
        )
    return checkout
