"""A finding is what somebody must know about a value: where it is, of which kind it is, what was found and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Severity(Enum):
    """How bad a finding of a kind is."""

    ERROR = "error"
    """The input is refused."""
    DOUBT = "doubt"
    """cloudflared takes it, and it cannot work as written: an error for a stack, a warning for a file of cloudflared's."""
    WARNING = "warning"
    """It works, but hardly as meant."""


KINDS: dict[str, Kind] = {}
"""Every kind of the rooms that are imported, by its code."""


@dataclass(frozen=True)
class Kind:
    """What findings have in common; making one makes its code known."""

    code: str
    """Stable: documents, `argoweb:accept`, `--json` and tests call the kind by it."""
    about: str
    """What is found, in a sentence."""
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        if self.code in KINDS:
            raise ValueError(f"two kinds of finding have the code '{self.code}'")
        KINDS[self.code] = self

    @property
    def can_be_accepted(self) -> bool:
        """Whether `argoweb:accept` may silence it."""
        return self.severity is Severity.WARNING


def warning(code: str, about: str) -> Kind:
    """A kind of finding about what works, but hardly as meant."""
    return Kind(code, about, Severity.WARNING)


def doubt(code: str, about: str) -> Kind:
    """A kind of finding about what cloudflared takes and what cannot work."""
    return Kind(code, about, Severity.DOUBT)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong or doubtful. As text it is one line: `place: text remedy`."""

    place: str
    """The key, as `argoweb:sites[0].path` in a stack file or `ingress[0].path` in a file of cloudflared's; else empty."""
    kind: Kind
    text: str
    """What was found and, where it helps, what was expected."""
    remedy: str = ""
    """What to do; empty where `text` has it."""
    is_error: bool
    line: int = 0
    """Where it stands in its file, from 1; 0 where that is not known."""

    @property
    def message(self) -> str:
        """The text and the remedy."""
        return f"{self.text} {self.remedy}".rstrip()

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message

    def as_json(self) -> dict[str, object]:
        """The finding for programs; `text` is the whole message, of which `remedy` is the end."""
        return {
            "severity": "error" if self.is_error else "warning",
            "code": self.kind.code,
            "line": self.line,
            "where": self.place,
            "text": self.message,
            "remedy": self.remedy,
        }


WRONG_VALUE = Kind("wrong-value", "A value is not what its key takes.")
DOUBTFUL_VALUE = doubt("doubtful-value", "cloudflared takes a value with which nothing can work.")
TWICE = Kind("twice", "Something that can be there once is declared twice.")
NO_EFFECT = warning("no-effect", "A key does nothing where it stands.")


@dataclass
class Findings:
    """Collects findings, each once."""

    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def add(self, kind: Kind, place: str, text: str, remedy: str = "") -> None:
        """Adds a finding at a place: an error, unless its kind is a warning."""
        is_error = kind.severity is not Severity.WARNING
        found = Finding(
            place=printable(place),
            kind=kind,
            text=printable(text),
            remedy="\n".join(map(printable, remedy.split("\n"))),
            is_error=is_error,
        )
        listed = self.errors if is_error else self.warnings
        if found not in listed:
            listed.append(found)

    def mismatch(self, place: str, found: object, expected: str, kind: Kind = WRONG_VALUE) -> None:
        """Adds a finding about a value that is not what its key takes."""
        self.add(kind, place, f"found {shown(found)}, expected {expected}.")

    def wrong(self, place: str) -> bool:
        """Whether something is wrong with the value at a place, or with a part of it."""
        return any(
            each.place == place or each.place.startswith((f"{place}.", f"{place}[", f"{place} "))
            for each in self.errors
        )


def shown(value: object) -> str:
    """A value as it stands in an error: its YAML type where that is the point, and not too long."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    number = "the number " if isinstance(value, (int, float)) else ""
    text = repr(value) if isinstance(value, str) else f"{number}{value}"
    return text if len(text) <= 120 else text[:117] + "…'"


def printable(text: str) -> str:
    """A text on one line of a terminal: what is not to be seen there is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
