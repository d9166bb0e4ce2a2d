"""What one more site costs."""

from collections.abc import Callable

from bench.lab import Lab, Program
from bench.rounds import Row, interleaved, ratio

SIZES = (10, 100, 500)


def rows(lab: Lab, rounds: int) -> list[Row]:
    """No-op previews and updates at several sizes; the slope between the first and the last is a site's cost."""
    commands: dict[str, Callable[[Program], float]] = {
        "preview": Program.preview_seconds,
        "up": Program.up_seconds,
    }
    found: dict[tuple[str, str, int], list[float]] = {}
    for size in SIZES:
        lab.deploy(size)
        for command, seconds in commands.items():
            runs = {"ours": lambda: seconds(lab.ours), "flat": lambda: seconds(lab.flat)}  # noqa: B023
            for name, values in interleaved(runs, rounds).items():
                found[command, name, size] = values
    return [_row(command, found) for command in commands]


def _row(command: str, found: dict[tuple[str, str, int], list[float]]) -> Row:
    first, last = SIZES[0], SIZES[-1]
    slopes = {
        name: [
            (large - small) / (last - first) * 1000
            for small, large in zip(
                sorted(found[command, name, first]), sorted(found[command, name, last]), strict=True
            )
        ]
        for name in ("ours", "flat")
    }
    measure = f"no-op {command}, {', '.join(map(str, SIZES))} sites: cost a site, against the flat program"
    return ratio(measure, slopes["ours"], slopes["flat"], 1.0, unit="ms")
