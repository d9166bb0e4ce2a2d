"""An order of rules in which none is hidden by a more general one."""

from collections.abc import Sequence
from dataclasses import dataclass

from ingress.inclusion import covers
from ingress.rules import Rule
from ingress.traps import plain_path


def specific_first(rules: Sequence[Rule]) -> list[int]:
    """The indices of the rules, so ordered that each stands before those that are more general.

    That is a wildcard that takes the hostname too, whatever the paths, and on one hostname a path that takes what the
    other one does and more. Of two paths of which that cannot be said, the one of the longer text comes first, unless
    a rule would come to stand before one that is more special. A rule moves only if a more general one stands before
    it: up, to the first of these.
    """
    reaches = [_Reach(hostname=rule.hostname or "*", path=plain_path(rule)) for rule in rules]
    order: list[int] = []
    for index, reach in enumerate(reaches):
        standing = [reaches[at] for at in order]
        end = len(order)
        general = next((at for at, other in enumerate(standing) if reach.within(other)), end)
        special = max((at for at, other in enumerate(standing) if other.within(reach)), default=-1)
        shorter = next((at for at, other in enumerate(standing) if reach.longer(other)), end)
        wished = min(general, shorter)
        order.insert(wished if wished > special else general, index)
    return order


@dataclass(frozen=True, kw_only=True)
class _Reach:
    """The requests of a rule; its path is empty where it takes every one."""

    hostname: str
    path: str

    def within(self, other: "_Reach") -> bool:
        """Whether it has to stand before the other one; a strict partial order."""
        if self.hostname == other.hostname:
            return covers(other.path, self.path) and not covers(self.path, other.path)
        return other.hostname.startswith("*") and self.hostname.endswith(other.hostname[1:])

    def longer(self, other: "_Reach") -> bool:
        """Whether it stands before the other one for its length, of two that have nothing else to do with each other."""
        return (
            self.hostname == other.hostname
            and len(self.path) > len(other.path)
            and not covers(self.path, other.path)
        )
