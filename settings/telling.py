"""What a run says before it does anything."""

from collections.abc import Iterable

import pulumi

from values.findings import Finding


def tell(warnings: Iterable[Finding], notices: Iterable[str]) -> None:
    """Shows warnings, and notices of what happens by itself and may surprise."""
    for warning in warnings:
        pulumi.log.warn(str(warning))
    for notice in notices:
        pulumi.log.info(notice)
