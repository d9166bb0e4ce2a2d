"""A finding is what somebody must know about a file, or about what runs: where, of which kind, what was found, what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from values.remedies import Remedy, map_remedy, write_remedy


class Severity(Enum):
    """How bad a finding is."""

    OK = "ok"
    """What was looked for is well."""
    NOTE = "note"
    """What was found may be as it is."""
    WARNING = "warning"
    """What was found works, but hardly as meant."""
    DOUBT = "doubt"
    """cloudflared takes it, and it cannot work as written: an error for a stack, a warning for a file of cloudflared's."""
    ERROR = "error"
    """The input is refused; what runs does not serve as declared."""
    UNKNOWN = "unknown"
    """Something could not be looked at."""


_NAMESPACE = re.compile(r"(?<=^argoweb:)|(?<=^cloudflare:)")
"""Where a key of the stack file begins: what stands before it is no user, to whom a password would belong."""
KINDS: dict[str, Kind] = {}
"""Every kind of the rooms that are imported, by its code."""


@dataclass(frozen=True)
class Kind:
    """A kind of finding; making one adds it to `KINDS`."""

    code: str
    """Stable: documents, `argoweb:accept`, `--json` and tests call the kind by it."""
    about: str
    """What is found, in a sentence."""
    severity: Severity | None = Severity.ERROR
    """How bad it is to a preview; `None`: a preview does not find it."""
    running: Severity | None = None
    """How bad it is to the command line, which looks at what runs; `None`: that does not find it."""
    remedy: str = ""
    """What to do where it runs; what a preview finds has its remedy itself."""
    differs: bool = False
    """Whether what runs is not as the stack has it, which `drift` looks for."""

    def __post_init__(self) -> None:
        if self.code in KINDS:
            raise ValueError(f"two kinds of finding have the code '{self.code}'")
        KINDS[self.code] = self

    @property
    def can_be_accepted(self) -> bool:
        """Whether `argoweb:accept` may silence it."""
        return self.severity is Severity.WARNING


def make_warning(code: str, about: str, running: Severity | None = None, remedy: str = "") -> Kind:
    """Makes a kind of warning; with `running` one that the command line finds too, as a difference from the stack."""
    return Kind(code, about, Severity.WARNING, running, remedy, differs=running is not None)


def make_doubt(code: str, about: str) -> Kind:
    """Makes a kind of finding about what cloudflared takes and what cannot work."""
    return Kind(code, about, Severity.DOUBT)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong or doubtful. As text it is one line: `place: text remedy`."""

    place: str
    """The key, as `argoweb:sites[0].path` in a stack file or `ingress[0].path` in a file of cloudflared's; of what runs a
    server's name, a hostname, a zone, `tunnel`; else empty."""
    kind: Kind
    text: str
    """What was found and, where it helps, what was expected."""
    remedy: Remedy = ""
    """What to do; empty where `text` has it."""
    severity: Severity
    """`ERROR` or `WARNING` of a file, all but `DOUBT` of what runs."""
    line: int = 0
    """Where it stands in its file, from 1; 0 where that is not known."""
    more: Sequence[str] = ()
    """Further lines, such as those that differ in a file."""

    @property
    def code(self) -> str:
        """The code of its kind."""
        return self.kind.code

    @property
    def is_error(self) -> bool:
        """Whether it is an error."""
        return self.severity is Severity.ERROR

    @property
    def advice(self) -> str:
        """The remedy as it is written for a stack file."""
        return write_remedy(self.remedy)

    @property
    def message(self) -> str:
        """The text and the advice."""
        return f"{self.text} {self.advice}".rstrip()

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message

    def as_json(self) -> dict[str, object]:
        """Gives the finding about a file for programs; `text` is the whole message, of which `remedy` is the end."""
        return {
            "severity": self.severity.value,
            "code": self.code,
            "line": self.line,
            "where": self.place,
            "text": self.message,
            "remedy": self.advice,
        }


WRONG_VALUE = Kind("wrong-value", "A value is not what its key takes.")
DOUBTFUL_VALUE = make_doubt(
    "doubtful-value", "cloudflared takes a value with which nothing can work."
)
TWICE = Kind("twice", "Something that can be there once is declared twice.")
NO_EFFECT = make_warning("no-effect", "A key does nothing where it stands.")


@dataclass
class Findings:
    """Collects findings, each once."""

    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def add(self, kind: Kind, place: str, text: str, remedy: Remedy = "") -> None:
        """Adds a finding at a place: an error, unless its kind is a warning."""
        is_warning = kind.severity is Severity.WARNING
        found = Finding(
            place="".join(map(make_printable, _NAMESPACE.split(place, maxsplit=1))),
            kind=kind,
            text=make_printable(text),
            remedy=map_remedy(remedy, _make_lines_printable),
            severity=Severity.WARNING if is_warning else Severity.ERROR,
        )
        listed = self.warnings if is_warning else self.errors
        if found not in listed:
            listed.append(found)

    def add_mismatch(
        self, place: str, found: object, expected: str, kind: Kind = WRONG_VALUE
    ) -> None:
        """Adds a finding about a value that is not what its key takes."""
        self.add(kind, place, f"found {show(found)}, expected {expected}.")

    def is_wrong(self, place: str) -> bool:
        """Whether an error was added about the value at a place, or about a part of it."""
        return any(
            each.place == place or each.place.startswith((f"{place}.", f"{place}[", f"{place} "))
            for each in self.errors
        )


def write_count(number: int, word: str) -> str:
    """Writes a number with the word for what it counts, which takes an `s` unless it is one."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def show(value: object) -> str:
    """Writes a value for an error: by its YAML type if that is the point, and cut where it is long."""
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


_BY_FORM = re.compile(
    r"\b(eyJ|cf[a-z]+_)[\w+/=.-]{30,}|(-----BEGIN [A-Z ]+-----)(?:\\[nrt]|[\w+/=-])+"
)
"""Tokens of a tunnel and of Access, of which both are JSON in base64, other ones of Cloudflare's, and private keys."""


def hide_secrets(text: str) -> str:
    """Puts '…' in the place of each password before the host of a URL or the like, and of what is a secret by its form."""
    text = _BY_FORM.sub(lambda found: f"{found[1] or found[2]}…", text)
    text = re.sub(r"(?<=://)([^/?#\s:@]*):[^/?#\s]*@", r"\1:…@", text)
    return re.sub(r"([^/\s:@'\"`]*):[^/\s:@'\"`]+@", r"\1:…@", text)


def make_printable(text: str) -> str:
    """Writes a text for one line of a terminal, with invisible characters escaped and secrets left out."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in hide_secrets(text)
    )


def _make_lines_printable(text: str) -> str:
    return "\n".join(map(make_printable, text.split("\n")))
