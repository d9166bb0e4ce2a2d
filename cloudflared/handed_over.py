"""The rules that cloudflared needs where a server behind it takes all that no rule does."""

from collections.abc import Sequence

from cloudflared.rules import Rule
from cloudflared.unclean import add_wildcards


def leave_out_handed_over(rules: Sequence[Rule], plain: Sequence[bool]) -> list[Rule]:
    """Gives the rules without the plain ones that the last one, a catch-all, stands for.

    A plain rule stays where one behind it that is not plain could take its requests too. Paths are not compared, so it
    stays also where they exclude one another.
    """
    found: list[Rule] = []
    behind: set[str] = set()
    around: set[str] = set()
    for rule, as_the_last in reversed([*zip(rules, plain, strict=True)]):
        hostname, *wildcards = add_wildcards(rule.hostname)
        if as_the_last and hostname not in around and behind.isdisjoint([hostname, *wildcards]):
            if not found:
                found.append(rule)
            continue
        found.append(rule)
        behind.add(hostname)
        around.update(wildcards)
    return found[::-1]
