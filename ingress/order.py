"""An order of rules in which none is hidden by a more general one."""

from collections.abc import Sequence

from ingress.rules import Rule
from ingress.traps import EVERY_PATH

_Reach = tuple[str, int]
"""A rule's hostname, and the length of its path: 0 where it takes every path."""


def specific_first(rules: Sequence[Rule]) -> list[int]:
    """The indices of the rules, so ordered that each stands before those that are more general.

    On one hostname that is a shorter path. Otherwise it is a wildcard that takes the hostname too, whatever the
    paths. What regular expressions match cannot be compared, so it is the length of their text that counts. A rule
    moves only if a more general one stands before it: up, to the first of these.
    """
    reaches = [_reach(rule) for rule in rules]
    order: list[int] = []
    for index, reach in enumerate(reaches):
        general = (at for at, other in enumerate(order) if _narrower(reach, reaches[other]))
        order.insert(next(general, len(order)), index)
    return order


def _reach(rule: Rule) -> _Reach:
    return rule.hostname or "*", 0 if EVERY_PATH.fullmatch(rule.path) else len(rule.path)


def _narrower(one: _Reach, other: _Reach) -> bool:
    """Whether the first has to stand before the second; a strict partial order."""
    if one[0] == other[0]:
        return one[1] > other[1]
    return other[0].startswith("*") and one[0].endswith(other[0][1:])
