"""The table of faults.yaml."""

from pathlib import Path
from typing import Any

import yaml

_WHOLE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("faults.yaml").read_text())
REALLY: dict[str, list[dict[str, Any]]] = _WHOLE.pop("really")
"""How some of the faults are made on the sandbox's server."""
TABLE: dict[str, dict[str, list[dict[str, Any]]]] = _WHOLE
"""By command, and by what a fault is about."""
ROWS: dict[str, dict[str, Any]] = {
    row["fault"]: row for parts in TABLE.values() for rows in parts.values() for row in rows
}


def of(*commands: str) -> list[tuple[str, dict[str, Any]]]:
    """The rows of commands, each with its command."""
    return [
        (command, row) for command in commands for rows in TABLE[command].values() for row in rows
    ]
