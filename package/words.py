"""Findings in the words of a program, which has arguments where a stack file has keys."""

import re
from collections.abc import Iterable
from dataclasses import replace

from settings import tell
from settings.build import NAMESPACE
from values.findings import Finding

_KEY = rf"'?{NAMESPACE}:([\w.\[\]<>-]+)'?"
_SET_FROM = re.compile(rf"pulumi config set (?:--\w+ )*{_KEY} < ?(?=\S+\.|~)(\S+)")
_SET = re.compile(rf"pulumi config set (?:--\w+ )*{_KEY} ?")
_REMOVE = re.compile(rf"pulumi config rm (?:--\w+ )*{_KEY}")
_NAMED = re.compile(rf"\b{NAMESPACE}:(?=\w)")


def in_arguments(text: str) -> str:
    """A text about keys as one about arguments: `pulumi config set --path argoweb:a.b 1` as `a.b: 1`."""
    text = _SET_FROM.sub(r"\1: the text of \2", text)
    text = _SET.sub(r"\1: ", text)
    text = _REMOVE.sub(r"leave out \1", text)
    return _NAMED.sub("", text)


def of_arguments(finding: Finding) -> Finding:
    """The finding with an argument's path as its place."""
    return replace(
        finding,
        place=in_arguments(finding.place),
        text=in_arguments(finding.text),
        remedy=in_arguments(finding.remedy),
    )


def tell_arguments(warnings: Iterable[Finding], notices: Iterable[str]) -> None:
    """Shows warnings and notices about arguments."""
    tell(map(of_arguments, warnings), map(in_arguments, notices))
