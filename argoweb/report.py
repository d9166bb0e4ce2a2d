"""Makes findings about what runs, and shows them as text and as JSON."""

from collections.abc import Iterable, Sequence

from argoweb import kinds  # noqa: F401 so that their codes are known
from values.findings import KINDS, Finding, Severity

SYMBOLS = {
    Severity.OK: "✓",
    Severity.NOTE: "·",
    Severity.WARNING: "!",
    Severity.ERROR: "✗",
    Severity.UNKNOWN: "?",
}
"""What stands before a line, so that it reads without colour."""
STYLES = {
    Severity.OK: "green",
    Severity.NOTE: "blue",
    Severity.WARNING: "yellow",
    Severity.ERROR: "red",
    Severity.UNKNOWN: "magenta",
}
WELL, WRONG, CANNOT_TELL = 0, 1, 2
"""Exit codes."""


def observe(
    code: str, place: str, text: str, *, more: Sequence[str] = (), passed: bool = False
) -> Finding:
    """Makes the finding of that code about what runs; `passed` says that it was looked for and all is well."""
    kind = KINDS[code]
    if kind.running is None:
        raise ValueError(f"nothing that runs is '{code}'")
    severity = Severity.OK if passed else kind.running
    remedy = "" if passed else _name_server(kind.remedy, place)
    return Finding(place=place, kind=kind, text=text, remedy=remedy, severity=severity, more=more)


def _name_server(remedy: str, place: str) -> str:
    """Puts the server, whose name is the place of what was found there, into the commands and keys of a remedy."""
    for before in ("servers.", "logs ", "ssh "):
        remedy = remedy.replace(f"{before}<name>", f"{before}{place}")
    return remedy


def as_text(finding: Finding) -> str:
    """Writes a finding as lines for a terminal."""
    code = "" if finding.severity is Severity.OK else f" [{finding.code}]"
    level = finding.severity
    head = f"{SYMBOLS[level]} {level.value:7} {finding.place}: {finding.text}{code}"
    rest = [f"    | {line}" for line in finding.more]
    if finding.advice:
        rest.append(f"    → {finding.advice}")
    return "\n".join([head, *rest])


def as_object(finding: Finding) -> dict[str, object]:
    """Writes a finding as a JSON object."""
    return {
        "code": finding.code,
        "level": finding.severity.value,
        "place": finding.place,
        "text": finding.text,
        "remedy": finding.advice,
        "more": list(finding.more),
    }


def choose_exit_code(lines: Iterable[Finding], *, only_differences: bool = False) -> int:
    """Gives 0 if all is well, 1 if something is wrong, 2 if nothing is wrong but something could not be looked at."""
    found = list(lines)
    if only_differences:
        wrong = any(line.kind.differs for line in found)
    else:
        wrong = any(line.severity in (Severity.ERROR, Severity.WARNING) for line in found)
    if wrong:
        return WRONG
    return CANNOT_TELL if any(line.severity is Severity.UNKNOWN for line in found) else WELL
