"""Whether ten times as many sites take ten times as long."""

from bench.commands import Taken, compared
from bench.lab import Lab
from bench.rounds import Row
from bench.stacks import sites

SIZES = (500, 5000)
_TARGET = 10.5
_ZONES = 20


def rows(lab: Lab, rounds: int) -> list[Row]:
    """Previews without a change; the sizes cannot take turns, so what else runs tells most in the seconds."""
    taken: list[list[Taken]] = []
    for size in SIZES:
        lab.deploy_on(lab.ours, sites(size, _ZONES, mark="o"), ["web1"])
        taken.append([lab.ours.taken("preview") for _ in range(max(rounds // 3, 2))])
    lab.ours.destroy()
    few, many = taken
    return compared(f"no-op preview, {SIZES[1]} sites against {SIZES[0]}", many, few, _TARGET)
