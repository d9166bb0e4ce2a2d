"""What ours takes above the engine's own part: the same resources registered with nothing else, side by side."""

from collections.abc import Callable
from functools import partial

from bench.lab import Lab, Program
from bench.rounds import Row, interleaved, ratio
from bench.stacks import sites

TARGETS = {10: 1.25, 500: 1.15, 2000: 1.15}
"""By the number of sites: how many times the floor's time a preview and an update without a change may take."""
_FIRST_SITES = 500


def rows(lab: Lab, rounds: int) -> list[Row]:
    """Runs that change nothing, at each size; then first updates."""
    found = []
    for size, target in TARGETS.items():
        lab.deploy(size, "floor")
        for what, seconds in (
            ("preview", Program.preview_seconds),
            ("up", Program.up_seconds),
        ):
            found.append(
                _against(
                    lab, f"no-op {what}, {size} sites: against the floor", seconds, rounds, target
                )
            )
    for program in (lab.ours, lab.floor):
        program.destroy()
    return [*found, _first(lab, max(rounds // 3, 3))]


def _against(
    lab: Lab, measure: str, seconds: Callable[[Program], float], rounds: int, target: float
) -> Row:
    runs = {"ours": partial(seconds, lab.ours), "floor": partial(seconds, lab.floor)}
    taken = interleaved(runs, rounds)
    return ratio(measure, taken["ours"], taken["floor"], target)


def _first(lab: Lab, rounds: int) -> Row:
    """Ours with its activation, which does on the server what the floor's commands do not."""
    taken: dict[str, list[float]] = {"ours": [], "floor": []}
    for number in range(rounds):
        for name in ("ours", "floor")[:: -1 if number % 2 else 1]:
            program: Program = getattr(lab, name)
            server = "web1" if name == "ours" else "web2"
            lab.declare(program, sites(_FIRST_SITES, mark=name), [server])
            taken[name].append(program.up_seconds())
            program.destroy()
    return ratio(
        f"up from nothing, {_FIRST_SITES} sites on one server, with its activation: against the floor",
        taken["ours"],
        taken["floor"],
        1.15,
    )
