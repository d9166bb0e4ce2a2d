"""Lines of a report: what was looked at, how it is, what to do; as text and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from argoweb.codes import CODES, Level

SYMBOLS = {
    Level.OK: "✓",
    Level.NOTE: "·",
    Level.WARNING: "!",
    Level.ERROR: "✗",
    Level.UNKNOWN: "?",
}
"""What stands before a line, so that it reads without colour."""
STYLES = {
    Level.OK: "green",
    Level.NOTE: "blue",
    Level.WARNING: "yellow",
    Level.ERROR: "red",
    Level.UNKNOWN: "magenta",
}
WELL, WRONG, CANNOT_TELL = 0, 1, 2
"""Exit codes."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that was found."""

    code: str
    """A key of `CODES`."""
    place: str
    """What it is about: a server's name, a hostname, a zone, `tunnel`."""
    text: str
    more: Sequence[str] = ()
    """Further lines, such as those that differ in a file."""
    passed: bool = False
    """Whether it was tried and is well."""

    @property
    def level(self) -> Level:
        """How bad it is."""
        return Level.OK if self.passed else CODES[self.code].level

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return "" if self.passed else CODES[self.code].remedy

    def as_json(self) -> dict[str, object]:
        """The line for programs."""
        return {
            "code": self.code,
            "level": self.level.value,
            "place": self.place,
            "text": self.text,
            "remedy": self.remedy,
            "more": list(self.more),
        }

    def __str__(self) -> str:
        code = "" if self.passed else f" [{self.code}]"
        head = f"{SYMBOLS[self.level]} {self.level.value:7} {self.place}: {self.text}{code}"
        rest = [f"    | {line}" for line in self.more]
        if self.remedy:
            rest.append(f"    → {self.remedy}")
        return "\n".join([head, *rest])


def exit_code(lines: Iterable[Line], *, only_differences: bool = False) -> int:
    """0 when all is well, 1 when something is wrong, 2 when something could not be looked at and nothing else is wrong."""
    found = list(lines)
    if only_differences:
        wrong = any(CODES[line.code].differs for line in found)
    else:
        wrong = any(line.level in (Level.ERROR, Level.WARNING) for line in found)
    if wrong:
        return WRONG
    return CANNOT_TELL if any(line.level is Level.UNKNOWN for line in found) else WELL
