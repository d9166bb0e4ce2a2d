"""The table, on the terminal and as JSON."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.rounds import Row

RESULTS = Path(__file__).resolve().parent.parent / ".bench" / "results.json"
_PACKAGES = ("pulumi", "pulumi-cloudflare", "pulumi-command", "pulumi-random")


def circumstances(parts: Sequence[str]) -> dict[str, Any]:
    """Where the figures are from, and how busy the machine was."""
    return {
        "processors": os.cpu_count(),
        "load average": [round(it, 2) for it in os.getloadavg()],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "parts": [*parts],
    }


def table(rows: Sequence[Row]) -> str:
    """One line a row: the value, its target, its spread, what it was made of."""
    cells = [("measure", "value", "target", "", "quartiles", "medians")]
    cells += [
        (
            row.measure,
            f"{row.value:.3g}{'' if row.spread is None else '×'}",
            "" if row.target is None else f"{'≥' if row.at_least else '≤'} {row.target:.3g}",
            "" if row.target is None else "met" if row.met else "MISSED",
            "" if row.spread is None else f"{row.spread[0]:.3g}–{row.spread[1]:.3g}",
            row.detail,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def write(rows: Sequence[Row], where: Mapping[str, Any]) -> None:
    """Shows the table and keeps it, with every single measurement, in `.bench/results.json`."""
    RESULTS.parent.mkdir(exist_ok=True)
    kept = {"circumstances": where, "rows": [{**asdict(row), "met": row.met} for row in rows]}
    RESULTS.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    for name, value in where.items():
        print("\n".join(value) if name == "parts" else f"{name}: {value}")
    print(f"\n{table(rows)}\n\nkept in {RESULTS}")
    sys.stdout.flush()
