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
# In this order: the counts begin with nothing.
_TWO_SERVERS: dict[str, Callable[[Lab, int], list[Row]]] = {
    "counts": lambda lab, _: counts.rows(lab),
    "previews": previews.rows,
    "scale": scale.rows,
    "floor": above_floor.rows,
    "route": route.rows,
    "activation": activation.rows,
    "growth": growth.rows,
    "tunnel": tunnel.rows,
}
_FOUR_SERVERS: dict[str, Callable[[Lab, int], list[Row]]] = {
    "fleet": lambda lab, rounds: fleet.rows(lab, max(rounds // 3, 3)),
    "floor-fleet": lambda lab, rounds: above_floor.rows_on_four(lab, max(rounds // 3, 3)),
}


def main() -> int:
    """1 when a target is missed."""
    parts = [*_ALONE, *_TWO_SERVERS, *_FOUR_SERVERS]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "part", nargs="*", help=f"of: {', '.join(parts)}, profile (default: all but profile)"
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="how often each is measured (default 7)"
    )
    given = parser.parse_args()
    wanted = given.part or parts
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
    for servers, group in ((2, _TWO_SERVERS), (4, _FOUR_SERVERS)):
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
