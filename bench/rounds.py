"""What is measured, in rounds, and what comes of it."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    measure: str
    value: float
    """A ratio, or a count."""
    target: float | None = None
    """`None`: it is only shown."""
    at_least: bool = False
    """Whether the target is a lower limit; else an upper one."""
    spread: tuple[float, float] | None = None
    """Of a ratio: its quartiles over the rounds, of fewer than four the extremes. `None`: a count, which is exact."""
    detail: str = ""
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """What the value was made of."""

    @property
    def met(self) -> bool:
        """Whether the target is met, if there is one."""
        if self.target is None:
            return True
        return self.value >= self.target if self.at_least else self.value <= self.target


def interleaved(runs: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Each run once to warm up, then all of them a round; the order turns, so that none is always first."""
    for run in runs.values():
        run()
    found: dict[str, list[T]] = {name: [] for name in runs}
    for number in range(rounds):
        for name in list(runs)[:: -1 if number % 2 else 1]:
            found[name].append(runs[name]())
    return found


def ratio(
    measure: str,
    ours: Sequence[float],
    other: Sequence[float],
    target: float | None,
    *,
    at_least: bool = False,
    unit: str = "s",
) -> Row:
    """The median of the rounds' ratios: what slows a whole round down does not count."""
    ratios = [a / b for a, b in zip(ours, other, strict=True)]
    ends = sorted(ratios) if len(ratios) < 4 else statistics.quantiles(ratios, n=4)
    return Row(
        measure=measure,
        value=statistics.median(ratios),
        target=target,
        at_least=at_least,
        spread=(ends[0], ends[-1]),
        detail=f"{statistics.median(ours):.3g} {unit} against {statistics.median(other):.3g} {unit}",
        samples={"ours": ours, "other": other},
    )
