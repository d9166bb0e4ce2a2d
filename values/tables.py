"""Tables of known keys: one description of a key serves its check, its default and its JSON schema."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from values.findings import Findings, Kind, make_doubt, make_warning
from values.kinds import Shape, Text
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
_Made = TypeVar("_Made")
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


def require(shape: Shape, doc: str, remedy: Remedy = "") -> Key:
    """Makes a key that must be there."""
    return Key(shape=shape, doc=doc, required=True, remedy=remedy)


def describe_given(name: str) -> dict[str, object]:
    """Describes a table that has a key, as JSON schema."""
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


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


def write_camel_case(name: str) -> str:
    """Writes a name in camel case: `session_duration` becomes `sessionDuration`."""
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


def fill(kind: type[_Made], values: Mapping[str, Any], **others: Any) -> _Made:
    """Makes a dataclass of what a table has read: each field gets the value of its key, which has its name in camel case.

    A field whose key is absent keeps its default; what is not as in the table is among the others.
    """
    names = {each.name: write_camel_case(each.name) for each in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: values[key] for name, key in names.items() if key in values} | others)


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
