"""Words findings for a program, which has arguments where a stack file has keys."""

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


def reword_text(text: str) -> str:
    """Rewords a text about keys of the stack file for arguments: `pulumi config set --path argoweb:a.b 1` becomes `a.b: 1`."""
    text = _SET_FROM.sub(r"\1: the text of \2", text)
    text = _SET.sub(r"\1: ", text)
    text = _REMOVE.sub(r"leave out \1", text)
    return _NAMED.sub("", text)


def reword_finding(finding: Finding) -> Finding:
    """Rewords a finding, whose place becomes the path of an argument."""
    return replace(
        finding,
        place=reword_text(finding.place),
        text=reword_text(finding.text),
        remedy=reword_text(finding.remedy),
    )


def tell_arguments(warnings: Iterable[Finding], notices: Iterable[str]) -> None:
    """Shows warnings and notices about arguments."""
    tell(map(reword_finding, warnings), map(reword_text, notices))
