"""Where the sandbox keeps what it has started and made: `.sandbox/` in the checkout, a cache for what is built once."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / ".sandbox"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argoweb"
_STATE = FOLDER / "state.json"

STACK = "sandbox"
"""The Pulumi stack that the sandbox prepares."""


class SandboxError(Exception):
    """The sandbox cannot do what was asked; the text says why and what to do."""


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.touch(mode=mode)
    new.chmod(mode)
    new.write_text(text)
    new.replace(path)


def folder(path: Path) -> Path:
    """A folder, in the place of whatever else may lie there."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        path.mkdir(parents=True)
    return path


def load() -> dict[str, Any]:
    """What was saved; nothing if the sandbox is not up, or what is there cannot be read."""
    try:
        found = json.loads(_STATE.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def save(state: dict[str, Any]) -> None:
    """Keeps the state for the next command."""
    write(_STATE, json.dumps({**state, "programs": programs()}, indent=2))


def programs() -> str:
    """What tells one version of the sandbox's own programs from another."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).resolve().parent.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(f"{file}\0".encode() + file.read_bytes())
    return digest.hexdigest()
