"""`python -m bench [PART…]`: measures and prints the table; `profile` shows where a preview's time goes."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bench import (
    above_floor,
    activation,
    alone,
    caddy,
    counts,
    fleet,
    growth,
    opentofu,
    previews,
    profile,
    report,
    route,
    scale,
    tunnel,
)
from bench.lab import Lab
from bench.rounds import Row

_ALONE: dict[str, Callable[[int], list[Row]]] = {
    "alone": alone.rows,
    "caddy": lambda rounds: caddy.rows(5 * rounds),
}
# By the number of servers, in this order: the counts begin with nothing.
_ON_SERVERS: dict[int, dict[str, Callable[[Lab, int], list[Row]]]] = {
    2: {
        "counts": lambda lab, _: counts.rows(lab),
        "previews": previews.rows,
        "scale": scale.rows,
        "floor": above_floor.rows,
        "route": route.rows,
        "activation": activation.rows,
        "growth": growth.rows,
        "opentofu": opentofu.rows,
        "tunnel": tunnel.rows,
    },
    4: {
        "fleet": lambda lab, rounds: fleet.rows(lab, max(rounds // 3, 3)),
        "floor-fleet": lambda lab, rounds: above_floor.rows_on_four(lab, max(rounds // 3, 3)),
    },
    50: {"fifty": lambda lab, _: above_floor.rows_on_fifty(lab)},
}

_ASKED_FOR = {"fifty"}
"""Parts that want more than an ordinary machine has: some 10 GiB, and three minutes until fifty servers are up."""


def main() -> int:
    """1 when a target is missed."""
    parts = [*_ALONE, *(name for group in _ON_SERVERS.values() for name in group)]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "part",
        nargs="*",
        help=f"of: {', '.join(parts)}, profile (default: all but fifty and profile)",
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="how often each is measured (default 7)"
    )
    given = parser.parse_args()
    wanted = given.part or [name for name in parts if name not in _ASKED_FOR]
    if unknown := set(wanted) - {*parts, "profile"}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    real: list[str] = []
    try:
        _measure(wanted, given.rounds, rows, real)
    finally:  # an hour's measurements are not lost by the last one's failure
        if rows:
            report.write(rows, report.circumstances(real))
    return 0 if all(row.met for row in rows) else 1


def _measure(wanted: list[str], rounds: int, rows: list[Row], real: list[str]) -> None:
    for name in wanted:
        if name in _ALONE:
            print(f"measuring: {name}", file=sys.stderr, flush=True)
            rows += _ALONE[name](rounds)
    for servers, group in _ON_SERVERS.items():
        chosen = [name for name in group if name in wanted]
        if servers == 2 and "profile" in wanted:
            chosen.append("profile")
        if not chosen:
            continue
        with tempfile.TemporaryDirectory() as folder, closing(Lab(Path(folder), servers)) as lab:
            real[:] = lab.parts()
            for name in chosen:
                print(f"measuring: {name}", file=sys.stderr, flush=True)
                if name == "profile":
                    print(profile.report(lab, rounds))
                else:
                    rows += group[name](lab, rounds)


if __name__ == "__main__":
    sys.exit(main())
