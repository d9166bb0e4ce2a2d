"""Words findings for a program, which has arguments where a stack file has keys."""

import re
from collections.abc import Iterable
from dataclasses import replace

from settings import tell
from settings.reading.build import NAMESPACE
from values.findings import Finding
from values.remedies import SetKey, Step, write_remedy

_NAMED = re.compile(rf"\b{NAMESPACE}:(?=\w)")


def name_arguments(text: str) -> str:
    """Names the keys in a text as arguments, which have no namespace."""
    return _NAMED.sub("", text)


def write_step(step: Step) -> str:
    """Writes a step for a program: `a.b: 1` for what a stack file gets by `pulumi config set --path argoweb:a.b 1`."""
    if not _NAMED.match(step.place):
        return str(step)
    place = name_arguments(step.place)
    if not isinstance(step, SetKey):
        return f"leave out {place}"
    return f"{place}: {'the text of ' if step.from_file else ''}{step.value}"


def reword_finding(finding: Finding) -> Finding:
    """Rewords a finding, whose place becomes the path of an argument."""
    return replace(
        finding,
        place=name_arguments(finding.place),
        text=name_arguments(finding.text),
        remedy=name_arguments(write_remedy(finding.remedy, write_step)),
    )


def tell_arguments(warnings: Iterable[Finding], notices: Iterable[str]) -> None:
    """Shows warnings and notices about arguments."""
    tell(map(reword_finding, warnings), map(name_arguments, notices))
