"""A change of one site, from the connection that activates it until every visitor sees it, and the steps on the way."""

import statistics

from bench.lab import Lab
from bench.rounds import Row
from bench.route import Route
from bench.stacks import sites

_SITES = 10
_CASES = (("a site of Caddy's changed", 0, 1.0), ("a service of cloudflared's changed", 3, 2.0))
"""Each with the number of its site, and the most seconds where nothing else runs."""


def rows(lab: Lab, rounds: int) -> list[Row]:
    """One server with two cloudflared."""
    lab.deploy_on(lab.ours, sites(_SITES, mark="ours"), ["web1"])
    return [_row(lab, *case, rounds) for case in _CASES]


def _row(lab: Lab, what: str, number: int, target: float, rounds: int) -> Row:
    route = Route(lab, lab.ours, "web1", "ours", number)
    route.change()
    taken = {}
    for _ in range(rounds + 1 - rounds % 2):  # so that there is one in the middle
        seconds = route.change()
        taken[seconds] = route.steps
    value = statistics.median(taken)
    steps = (f"{at:.2f} s {step.partition(' (')[0]}" for step, at in taken[value].items())
    return Row(
        measure=f"{what}: seconds until the edge serves it",
        value=value,
        target=target,
        detail=f"from {min(taken):.2f} to {max(taken):.2f}; {', '.join(steps)}",
        samples={"ours": list(taken)},
    )
