"""Where the sandbox keeps what it has started and made: `.sandbox/` in the checkout, a cache for what is built once."""

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


def load() -> dict[str, Any]:
    """What was saved; nothing if the sandbox is not up."""
    return json.loads(_STATE.read_text()) if _STATE.exists() else {}


def save(state: dict[str, Any]) -> None:
    """Keeps the state for the next command."""
    write(_STATE, json.dumps(state, indent=2))
