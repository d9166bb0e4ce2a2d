"""Typed shapes of YAML values: one description of a value serves its check and its JSON schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from values.findings import Findings


def name_key(where: str) -> str:
    """Gives the place of a key itself in the mapping at a place, for errors about names."""
    return f"{where} (the key)"


class Shape(Protocol):
    """A kind of value: reads one, and describes itself as JSON schema."""

    def read(self, value: object, where: str, findings: Findings) -> object:
        """Gives the checked value; what is wrong with it goes to `findings`."""

    def write_schema(self) -> dict[str, object]:
        """Describes the value as JSON schema."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A string without control characters, by default on one line and not empty."""

    expected: str = "a text"
    pattern: str | None = None
    """What the whole string must match."""
    lines: bool = False
    """Whether it may have several lines."""
    empty: bool = False

    def read(self, value: object, where: str, findings: Findings) -> str:
        if not isinstance(value, str):
            hint = " in quotes" if isinstance(value, (bool, int, float)) else ""
            findings.add_mismatch(where, value, self.expected + hint)
            return ""
        allowed = "\n\t" if self.lines else ""
        if any((ord(c) < 32 or 127 <= ord(c) < 160) and c not in allowed for c in value):
            findings.add_mismatch(where, value, f"{self.expected} without control characters")
        elif any(0xD800 <= ord(c) < 0xE000 for c in value):
            findings.add_mismatch(where, value, f"{self.expected} in valid Unicode")
        elif not value and not self.empty:
            findings.add_mismatch(where, value, f"{self.expected}, not an empty one")
        elif value and self.pattern is not None and not re.fullmatch(self.pattern, value):
            findings.add_mismatch(where, value, self.expected)
        return value

    def write_schema(self) -> dict[str, object]:
        kind: dict[str, object] = {"type": "string"}
        if not self.empty:
            kind["minLength"] = 1
        if self.pattern:
            kind["pattern"] = (
                f"^(?:{self.pattern})$" if not self.empty else f"^(?:{self.pattern})?$"
            )
        return kind


UUID = Text(
    expected="a UUID in lower case",
    pattern="[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
)


@dataclass(frozen=True)
class Flag:
    """`true` or `false`; a quoted word is not one."""

    def read(self, value: object, where: str, findings: Findings) -> bool:
        if not isinstance(value, bool):
            words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
            meant = words.get(value.lower()) if isinstance(value, str) else None
            perhaps = f"; perhaps {meant}" if meant else ""
            findings.add_mismatch(where, value, f"true or false, without quotes{perhaps}")
            return False
        return value

    def write_schema(self) -> dict[str, object]:
        return {"type": "boolean"}


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A whole number within bounds."""

    least: int = 0
    most: int = 2**31 - 1
    unsigned: bool = False
    """Whether cloudflared itself refuses a negative number, whatever `least` says."""

    def read(self, value: object, where: str, findings: Findings) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            expected = f"a whole number from {self.least} to {self.most}"
            written = isinstance(value, str) and value.isdecimal()
            findings.add_mismatch(where, value, expected + ", without quotes" * written)
            return self.least
        if not self.least <= value <= self.most:
            findings.add_mismatch(where, value, f"one from {self.least} to {self.most}")
        return value

    def write_schema(self) -> dict[str, object]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Choice:
    """One of a few words or numbers."""

    words: tuple[str | int, ...]

    def read(self, value: object, where: str, findings: Findings) -> str | int:
        if isinstance(value, (str, int)) and value in self.words:
            return value
        names = (f"'{word}'" if isinstance(word, str) else str(word) for word in self.words)
        written = value in [str(word) for word in self.words if isinstance(word, int)]
        findings.add_mismatch(
            where, value, "one of " + ", ".join(names) + ", without quotes" * written
        )
        return self.words[0]

    def write_schema(self) -> dict[str, object]:
        return {"enum": list(self.words)}


@dataclass(frozen=True, kw_only=True)
class ListOf:
    """A list; with `single`, also one item without the list."""

    item: Shape
    single: bool = False
    least: int = 0

    def read(self, value: object, where: str, findings: Findings) -> list[object]:
        if not isinstance(value, list):
            if self.single:
                return [self.item.read(value, where, findings)]
            findings.add_mismatch(where, value, "a list")
            return []
        if len(value) < self.least:
            findings.add_mismatch(where, value, f"at least {self.least}")
        return [
            self.item.read(item, f"{where}[{index}]", findings) for index, item in enumerate(value)
        ]

    def write_schema(self) -> dict[str, object]:
        listed: dict[str, object] = {"type": "array", "items": self.item.write_schema()}
        if self.least:
            listed["minItems"] = self.least
        return {"anyOf": [self.item.write_schema(), listed]} if self.single else listed


@dataclass(frozen=True, kw_only=True)
class MapOf:
    """A mapping whose keys are names of the user's choice."""

    item: Shape
    key: Text

    def read(self, value: object, where: str, findings: Findings) -> dict[str, object]:
        if not isinstance(value, Mapping):
            findings.add_mismatch(where, value, "a mapping")
            return {}
        return {
            self.key.read(key, name_key(where), findings): self.item.read(
                item, f"{where}.{key}", findings
            )
            for key, item in value.items()
        }

    def write_schema(self) -> dict[str, object]:
        return {
            "type": "object",
            "propertyNames": self.key.write_schema(),
            "additionalProperties": self.item.write_schema(),
        }


@dataclass(frozen=True, kw_only=True)
class Either:
    """A flag, or else a table."""

    other: Shape

    def read(self, value: object, where: str, findings: Findings) -> object:
        if isinstance(value, str):
            findings.add_mismatch(where, value, "true or false, without quotes, or a mapping")
            return False
        return value if isinstance(value, bool) else self.other.read(value, where, findings)

    def write_schema(self) -> dict[str, object]:
        return {"anyOf": [{"type": "boolean"}, self.other.write_schema()]}


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A text that a function of its own looks at; the function returns what is wrong, or nothing."""

    check: Callable[[str], str | None]
    example: str
    kind: str = "a text"
    pattern: str | None = None
    """What the whole text has to match; the function says so."""

    def read(self, value: object, where: str, findings: Findings) -> str:
        text = Text(expected=f"{self.kind} such as '{self.example}'").read(value, where, findings)
        if not findings.is_wrong(where) and (problem := self.check(text)) is not None:
            findings.add_mismatch(where, text, problem)
        return text

    def write_schema(self) -> dict[str, object]:
        shape = {"pattern": f"^(?:{self.pattern})$"} if self.pattern else {}
        return {"type": "string", "minLength": 1, **shape, "examples": [self.example]}
