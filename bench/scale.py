"""What one more site costs."""

from functools import partial

from bench.lab import UP, Lab
from bench.rounds import Row, interleaved, ratio

SIZES = (10, 100, 500)


def rows(lab: Lab, rounds: int) -> list[Row]:
    """No-op previews and updates at several sizes; a site's cost is the slope from the first to each larger one."""
    commands = {"preview": ("preview",), "up": UP}
    found: dict[tuple[str, str, int], list[float]] = {}
    for size in SIZES:
        lab.deploy(size)
        for command, words in commands.items():
            runs = {name: partial(getattr(lab, name).taken, *words) for name in ("ours", "flat")}
            for name, values in interleaved(runs, rounds).items():
                found[command, name, size] = [each.seconds for each in values]
    spans = [(SIZES[0], larger) for larger in SIZES[1:]]
    return [_row(command, *span, found) for command in commands for span in spans]


def _row(
    command: str, first: int, last: int, found: dict[tuple[str, str, int], list[float]]
) -> Row:
    slopes = {
        name: [
            (large - small) / (last - first) * 1000
            for small, large in zip(
                found[command, name, first], found[command, name, last], strict=True
            )
        ]
        for name in ("ours", "flat")
    }
    measure = (
        f"no-op {command}, {first} to {last} sites: cost of one more, against the flat program"
    )
    return ratio(measure, slopes["ours"], slopes["flat"], 1.0, unit="ms")
