"""Typed shapes of YAML values: one description of a key serves its check, its default and its JSON schema."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from values.findings import Findings, Kind, make_doubt, make_warning
from values.remedies import Remedy

UNKNOWN_KEY = Kind(
    "unknown-key", "A key is none that its table has, or stands where another program writes it."
)
NEWER_KEY = make_warning(
    "newer-key", "A key is unknown here and stays: a newer cloudflared may know it."
)
MISSING_KEY = Kind("missing-key", "A key that must be there is not.")
NEEDED_KEY = make_doubt("needed-key", "A key is not there, and another one cannot work without it.")
_MOST_NAMES = 40
"""Known names that an error lists."""
_ALIKE = 0.7
"""For `difflib`: how much of two words is the same, at the least."""


def name_nearest(word: str, known: Iterable[str], words: Mapping[str, str] | None = None) -> str:
    """Writes a sentence that names the known word most like the given one, or all of them.

    `words` has other tools' words for them, as `cloudflared/words.py` writes them.
    """
    names = sorted(known)
    if (likely := find_like(word, names, words or {})) is not None:
        return f"Did you mean '{likely}'?"
    if len(names) > _MOST_NAMES:
        return "There is none like it."
    return f"Known: {', '.join(names)}."


def find_like(word: str, known: Iterable[str], words: Mapping[str, str]) -> str | None:
    """Finds the known word that was probably meant, or nothing."""
    by_plain = {_simplify(name): name for name in known}
    plain = _simplify(word)
    if plain not in by_plain and words.get(plain) in by_plain.values():
        return words[plain]
    close = difflib.get_close_matches(plain, by_plain, n=1, cutoff=_ALIKE)
    return by_plain[close[0]] if close else None


def _simplify(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "").replace(" ", "")


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


@dataclass(frozen=True)
class Key:
    """One key of a table."""

    shape: Shape
    doc: str
    """What it is, in a sentence."""
    default: object = None
    """What `Table.read` gives when the key is absent; `None` for nothing."""
    unit: str = ""
    """What a number counts, as `seconds`."""
    required: bool = field(default=False, kw_only=True)
    remedy: Remedy = field(default="", kw_only=True)
    """What to do where it is missing; `doc` says enough if this is empty."""
    otherwise: str = field(default="", kw_only=True)
    """What the program that reads the key takes when it is absent, as it is written."""


def _allow_nothing(kind: dict[str, object]) -> dict[str, object]:
    """Gives the JSON schema of a value that may also be `null`, which is as if the key were absent."""
    if "type" in kind:
        return kind | {"type": [kind["type"], "null"]}
    name = "enum" if "enum" in kind else "anyOf"
    choices = kind[name]
    assert isinstance(choices, list)
    return kind | {name: [*choices, None if name == "enum" else {"type": "null"}]}


@dataclass(frozen=True, kw_only=True)
class Table:
    """A mapping with known keys."""

    keys: Mapping[str, Key]
    misused: Mapping[str, str] = field(default_factory=dict)
    """Keys that people try, each with the sentence that sets them right."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What other tools call the keys."""
    inner: str = ""
    """The key that has a table whose keys people write beside it."""
    newer: bool = False
    """Whether a newer cloudflared may have more keys: one that is like no known one stays, with a warning."""
    joint: str = "."
    """What stands between the table's place and a key."""
    also: Mapping[str, object] = field(default_factory=dict)
    """What the JSON schema says of keys that depend on one another."""

    def read(self, value: object, where: str, findings: Findings) -> dict[str, object]:
        if not isinstance(value, Mapping):
            findings.add_mismatch(where, value, f"a mapping with {', '.join(sorted(self.keys))}")
            return {}
        result: dict[str, object] = {}
        for name in value:
            place = f"{where}{self.joint}{name}"
            if self.passes_on(name):
                findings.add(NEWER_KEY, place, *self.explain_wrong(name))
                result[name] = value[name]
                for text in _list_texts((name, value[name])):
                    Text(empty=True, lines=True).read(text, place, findings)
            elif name in self.misused or name not in self.keys:
                findings.add(UNKNOWN_KEY, place, *self.explain_wrong(name))
        for name, key in self.keys.items():
            place = f"{where}{self.joint}{name}"
            if name in value and value[name] is not None:
                result[name] = key.shape.read(value[name], place, findings)
            elif key.required:
                findings.add(MISSING_KEY, place, "missing.", key.remedy or key.doc)
            elif isinstance(key.shape, Table) and key.default is not None:
                result[name] = key.shape.read(key.default, place, findings)
            elif key.default is not None:
                result[name] = key.default
        return result

    def passes_on(self, name: str) -> bool:
        """Whether a key is unknown and stays all the same."""
        unknown = name not in self.keys and name not in self.misused
        return self.newer and unknown and find_like(str(name), self._useful, self.words) is None

    @property
    def _useful(self) -> list[str]:
        """The keys that can be meant by another word."""
        return [name for name in self.keys if name not in self.misused]

    def say_wrong(self, name: str) -> str:
        """Says what is wrong with a key that is not one of the table's, and what to do."""
        return " ".join(self.explain_wrong(name))

    def explain_wrong(self, name: str) -> tuple[str, ...]:
        """Says what is wrong with a key that is not one of the table's; then, where that does not say it, what to do."""
        if name in self.misused:
            return (self.misused[name],)
        if self.passes_on(name):
            return (
                "unknown key, which stays as it is: a newer cloudflared may know it, an older one ignores it.",
            )
        inner = self.keys[self.inner].shape if self.inner else None
        if isinstance(inner, Table) and find_like(str(name), self.keys, self.words) is None:
            meant = find_like(str(name), inner.keys, inner.words)
            if meant is not None:
                return "unknown key.", f"Did you mean '{meant}' under `{self.inner}`?"
        return "unknown key.", name_nearest(str(name), self._useful, self.words)

    def write_schema(self) -> dict[str, object]:
        properties = {}
        for name, key in self.keys.items():
            kind = key.shape.write_schema()
            described = (kind if key.required else _allow_nothing(kind)) | {"description": key.doc}
            if key.default is not None:
                described["default"] = key.default
            properties[name] = described
        result: dict[str, object] = {
            "type": "object",
            "additionalProperties": self.newer,
            "properties": properties,
            **self.also,
        }
        required = [name for name, key in self.keys.items() if key.required]
        return result | ({"required": required} if required else {})


def _list_texts(value: object) -> Iterator[str]:
    """Gives every text in a value, its keys among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _list_texts([*value, *value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _list_texts(item)


@dataclass(frozen=True, kw_only=True)
class Short:
    """A table, or in its place the value of one of its keys."""

    table: Table
    key: str

    def read(self, value: object, where: str, findings: Findings) -> dict[str, object]:
        if isinstance(value, Mapping):
            return self.table.read(value, where, findings)
        read = self.table.keys[self.key].shape.read(value, where, findings)
        return {**self.table.read({}, where, findings), self.key: read}

    def write_schema(self) -> dict[str, object]:
        return {
            "anyOf": [self.table.keys[self.key].shape.write_schema(), self.table.write_schema()]
        }


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
