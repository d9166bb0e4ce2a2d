"""Resource plugins: the official ones where they can be had, stand-ins elsewhere."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sandbox.plugin_version import plugin_version
from sandbox.state import CHECKOUT, SandboxError, write

NAMES = ("cloudflare", "command", "random")
_FETCH_SECONDS = 180


def install(home: Path, pulumi: Path, say: Callable[[str], None]) -> dict[str, str]:
    """Puts the plugins of the installed packages into a Pulumi home; says which kind each is.

    Raises:
        SandboxError: SANDBOX_PLUGINS is `official` and one cannot be had, or is no known word.
    """
    choice = os.environ.get("SANDBOX_PLUGINS", "auto")
    if choice not in ("auto", "official", "standin"):
        raise SandboxError(f"SANDBOX_PLUGINS is '{choice}'; it may be auto, official or standin.")
    return {name: _install(name, home, pulumi, choice, say) for name in NAMES}


def _install(name: str, home: Path, pulumi: Path, choice: str, say: Callable[[str], None]) -> str:
    version = plugin_version(name)
    program = f"pulumi-resource-{name}"
    folder = home / "plugins" / f"resource-{name}-v{version}"
    marker = folder / "kind"
    kind = _kind(marker, folder / program)
    if kind == "official" and choice != "standin":
        return kind
    if kind == "standin" and choice == "auto":
        choice = "standin"  # written anew, since it names this checkout and its Python
    elif marker.exists() and kind is None:
        say(f"what is kept of the plugin {name} {version} is broken; it is put in anew")
    shutil.rmtree(folder, ignore_errors=True)
    if choice != "standin":
        found = shutil.which(program)
        if found is not None:
            folder.mkdir(parents=True)
            (folder / program).symlink_to(Path(found).resolve())
        elif not _fetch(name, version, home, pulumi, say):
            if choice == "official":
                raise SandboxError(
                    f"The official plugin {name} {version} is neither on PATH as {program} nor can it be fetched."
                )
            choice = "standin"
    if choice == "standin":
        _stand_in(name, folder / program)
    kind = "standin" if choice == "standin" else "official"
    write(marker, kind)
    return kind


def _kind(marker: Path, program: Path) -> str | None:
    """Which kind of plugin is there; `None` where there is none, or nothing that could run."""
    try:
        kind = marker.read_text()
    except (OSError, UnicodeDecodeError):
        return None
    runs = os.access(program, os.X_OK) and program.stat().st_size > 0
    return kind if runs and kind in ("official", "standin") else None


def _fetch(name: str, version: str, home: Path, pulumi: Path, say: Callable[[str], None]) -> bool:
    """Has Pulumi fetch the plugin; a refusal is remembered, so that it is asked once only."""
    refused = home / f"no-official-{name}-{version}"
    if refused.exists():
        return False
    say(f"fetching the official plugin {name} {version}")
    try:
        result = subprocess.run(
            [str(pulumi / "pulumi"), "plugin", "install", "resource", name, f"v{version}"],
            env={**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"},
            capture_output=True,
            timeout=_FETCH_SECONDS,
            check=False,
        )
        fetched = result.returncode == 0
    except subprocess.TimeoutExpired:
        fetched = False
    if not fetched:
        say("it cannot be fetched; a stand-in takes its place")
        write(refused, "")
    return fetched


def _stand_in(name: str, program: Path) -> None:
    write(
        program,
        "#!/bin/sh\n"
        f'PYTHONPATH="{CHECKOUT}" exec "{sys.executable}" -m sandbox.plugins.{name} "$@"\n',
        0o755,
    )
