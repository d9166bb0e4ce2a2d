"""Durations as Go's `time.ParseDuration` takes them: `30s`, `1m30s`, `1.5h`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from values.kinds import Checked

_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_LIMIT = Fraction(2**63, 10**9)


def read_seconds(text: str) -> Fraction | None:
    """Gives the length of a duration in seconds, or `None` where Go would refuse the text."""
    sign = -1 if text.startswith("-") else 1
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return Fraction(0)
    total, position = Fraction(0), 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None or not (part[1] or part[2]):
            return None
        # By way of Decimal, which takes more digits than int does.
        total += Fraction(Decimal(f"{part[1] or 0}.{part[2] or 0}")) * _UNITS[part[3]]
        position = part.end()
    fits = total < _LIMIT or (sign < 0 and total == _LIMIT)
    return sign * total if rest and fits else None


def find_problem(text: str) -> str | None:
    """Says what a duration should have been; `None` for one that is right and not negative."""
    length = read_seconds(text)
    if length is None:
        return "a duration with its unit, such as '30s' or '1m30s'"
    if length < 0:
        return "a duration that is not negative"
    return None


@dataclass(frozen=True, kw_only=True)
class Duration(Checked):
    """A duration as text. The check may refuse some that cloudflared reads."""

    check: Callable[[str], str | None] = find_problem
    example: str = "30s"
    kind: str = "a duration with its unit"
