"""Shows what a run says before it does anything, without the warnings that its owner has accepted."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pulumi

from values.findings import Finding


def tell(warnings: Iterable[Finding], notices: Iterable[str]) -> None:
    """Shows warnings with their codes, by which they can be accepted, and notices of what happens by itself and may surprise."""
    for warning in warnings:
        pulumi.log.warn(f"{warning} [{warning.code}]")
    for notice in notices:
        pulumi.log.info(notice)


def silence(
    warnings: Iterable[Finding], accept: Sequence[str]
) -> tuple[list[Finding], Sequence[str]]:
    """Gives the warnings whose code is not in `accept`, and a line about the others if there are any."""
    given = list(warnings)
    count = Counter(each.kind.code for each in given if each.kind.code in accept)
    if not count:
        return given, ()
    codes = ", ".join(f"{code} ({number})" for code, number in sorted(count.items()))
    left = [each for each in given if each.kind.code not in count]
    return left, (f"Warnings that argoweb:accept silences: {codes}.",)
