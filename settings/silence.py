"""Warnings that the owner knows and has accepted."""

from collections import Counter
from collections.abc import Iterable, Sequence

from values.findings import Finding


def silence(
    warnings: Iterable[Finding], accept: Sequence[str]
) -> tuple[list[Finding], Sequence[str]]:
    """The warnings whose code is not in `accept`, and a line about the others, if there are any."""
    given = list(warnings)
    count = Counter(each.kind.code for each in given if each.kind.code in accept)
    if not count:
        return given, ()
    codes = ", ".join(f"{code} ({number})" for code, number in sorted(count.items()))
    left = [each for each in given if each.kind.code not in count]
    return left, (f"Warnings that argoweb:accept silences: {codes}.",)
