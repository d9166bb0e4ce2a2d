"""Nodes of YAML as cloudflared's types take them (yaml.v3's `decode.go` and `resolve.go`).

What Go gives a typed field depends on the field: `yes` is true for a flag, 30 no duration, 123 a fine hostname.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from cloudflared.go import durations
from cloudflared.go.durations import Duration
from cloudflared.go.yaml import Node, YamlError
from values.findings import Findings, Kind
from values.kinds import Flag, ListOf, Shape, Text, Whole
from values.tables import Table

KEY_TWICE = Kind("key-twice", "A mapping has a key twice.")
NOTHING = object()
"""What a null gives a field, or a value that its field refuses: the field stays as it was."""

_MOST_SIGNED, _MOST_UNSIGNED = 2**63 - 1, 2**64 - 1
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_SWITCHES = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]|( +))([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?"
    r"(Z|[+-](?:[01][0-9]|2[0-4]):(?:[0-5][0-9]|60))?)?"
)
_TYPES = {"!!null", "!!bool", "!!str", "!!int", "!!float", "!!timestamp"}


@dataclass(frozen=True)
class Time:
    """A date or a time, which no key of cloudflared takes."""

    text: str

    def __str__(self) -> str:
        return self.text


def read_scalar(node: Node) -> object:
    """Gives the value that a scalar has by itself: a word, number, text, time or nothing.

    Raises:
        YamlError: its tag names a type that it has not.
    """
    if node.tag == "!!str" or (node.quoted and not node.tag):
        return node.text
    if node.tag == "!!binary":
        return _read_binary(node)
    if node.tag and node.tag not in _TYPES:
        return node.text
    value = read_plain(node.text)
    if node.tag == "!!float" and type(value) is int and value <= _MOST_SIGNED:
        return float(value)
    if node.tag and node.tag != _name_type(value):
        raise YamlError(node.line, f"'{node.text}' is a {_name_type(value)}, not a {node.tag}")
    return value


def _read_binary(node: Node) -> str:
    try:
        data = base64.b64decode(re.sub(r"[\r\n]", "", node.text), validate=True)
    except ValueError as error:
        raise YamlError(node.line, "!!binary value contains invalid base64 data") from error
    return data.decode("utf-8", "surrogateescape")


def _name_type(value: object) -> str:
    names = {bool: "bool", str: "str", int: "int", float: "float", Time: "timestamp"}
    return f"!!{names.get(type(value), 'null')}"


def read_plain(text: str) -> object:
    """Gives the value of a scalar without quotes and tags, as yaml.v3's `resolve.go` finds it."""
    if text in _WORDS:
        return _WORDS[text]
    if _is_time(text):
        return Time(text)
    plain = text.replace("_", "") if text[:1] in "+-0123456789" else text
    if (number := _INTEGER.fullmatch(plain)) is not None:
        sign, *digits = number.groups()
        base, text_digits = next(
            (base, found) for base, found in zip((16, 2, 8, 10), digits, strict=True) if found
        )
        # By way of Decimal, which takes more decimal digits than int does.
        value = int(Decimal(sign + text_digits)) if base == 10 else int(sign + text_digits, base)
        if -_MOST_SIGNED - 1 <= value <= (_MOST_SIGNED if sign else _MOST_UNSIGNED):
            return value
    if _FLOAT.fullmatch(plain) and abs(float(plain)) != float("inf"):
        return float(plain)
    return text


def _is_time(text: str) -> bool:
    if (found := _TIME.fullmatch(text)) is None:
        return False
    year, month, day, blank, hour, minute, second, zone = found.groups()
    if hour is not None and (zone is None) != (blank is not None):
        return False
    try:
        datetime.date(int(year) or 4, int(month), int(day))  # 0 is a leap year of Go's
        datetime.time(int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return False
    return True


@dataclass(kw_only=True)
class Decoder:
    """Decodes a document; what Go refuses goes to `findings`.

    Its methods raise `YamlError` where Go gives up on the whole file.
    """

    findings: Findings
    lines: dict[str, int] = field(default_factory=dict)
    """Where each value stands, by its place."""
    _steps: int = 0
    _aliased: int = 0
    _aliases: list[Node] = field(default_factory=list)

    def read_typed(self, node: Node, shape: Shape, where: str) -> object:
        """Gives the value of a field with a type, or `NOTHING`."""
        self._count_step(node, where)
        if node.kind == "alias":
            with self._follow(node):
                return self.read_typed(node.children[0], shape, where)
        if node.kind == "mapping" and isinstance(shape, Table):
            return self._read_table(node, shape, where)
        if node.kind == "sequence" and isinstance(shape, ListOf):
            items: list[object] = []
            for child in node.children:
                item = self.read_typed(child, shape.item, f"{where}[{len(items)}]")
                if item is not NOTHING:
                    items.append(item)
            return items
        value: object = {"sequence": node.children, "mapping": {}}.get(node.kind)
        if node.kind == "scalar":
            value = read_scalar(node)
            if value is None:
                return NOTHING
            if (found := _fit(value, node, shape)) is not NOTHING:
                return found
        shape.read(value, where, self.findings)
        return NOTHING

    def read_untyped(self, node: Node, where: str) -> object:
        """Gives the value of a field of any type, as the keys that are flags have."""
        self._count_step(node, where)
        if node.kind == "alias":
            with self._follow(node):
                return self.read_untyped(node.children[0], where)
        if node.kind == "scalar":
            return read_scalar(node)
        if node.kind == "sequence":
            return [
                self.read_untyped(child, f"{where}[{index}]")
                for index, child in enumerate(node.children)
            ]
        values: dict[object, object] = {}
        for key, child in self.list_entries(node, where):
            name = self.read_untyped(key, where)
            if isinstance(name, (dict, list)):
                raise YamlError(key.line, "invalid map key")
            values[name] = self.read_untyped(child, join_place(where, str(name)))
        return values

    def list_entries(
        self, mapping: Node, where: str, taken: set[str] | None = None
    ) -> Iterator[tuple[Node, Node]]:
        """Gives the keys and values of a mapping, then those that it merges (`<<`) and has not itself."""
        seen: dict[tuple[str, str], Node] = {}
        for key, _ in mapping.list_pairs():
            first = seen.setdefault((key.kind, key.text), key)
            if first is not key:
                place = join_place(where, key.text)
                self.lines[place] = key.line
                text = f"is there twice, first in line {first.line}."
                self.findings.add(KEY_TWICE, place, text, "Remove one of them.")
                return
        merged: Node | None = None
        for key, value in mapping.list_pairs():
            if _is_merge(key):
                merged = value
            elif taken is None or _label(key) not in taken:
                if taken is not None:
                    taken.add(_label(key))
                yield key, value
        if merged is not None:
            taken = {_label(key) for key, _ in mapping.list_pairs()} if taken is None else taken
            yield from self._list_merged(merged, where, taken)

    def read_name(self, key: Node, where: str) -> str | None:
        """Gives a key of a table; `None` for a null, which Go skips, and for what is no text."""
        name = self.read_typed(key, Text(), where)
        return name if isinstance(name, str) else None

    def _list_merged(self, node: Node, where: str, taken: set[str]) -> Iterator[tuple[Node, Node]]:
        for source in node.children if node.kind == "sequence" else [node]:
            target = source.children[0] if source.kind == "alias" else source
            if target.kind != "mapping":
                raise YamlError(source.line, "'<<' takes a mapping or a list of mappings")
            self._count_step(source, where)
            with self._follow(source):
                yield from self.list_entries(target, where, taken)

    def _read_table(self, node: Node, table: Table, where: str) -> dict[str, object]:
        values: dict[str, object] = {}
        for key, child in self.list_entries(node, where):
            name = self.read_name(key, where)
            if name is None:
                continue
            place = join_place(where, name)
            if name not in table.keys:
                self.lines.setdefault(place, key.line)
                values[name] = _read_unknown(child, place)
            elif (value := self.read_typed(child, table.keys[name].shape, place)) is not NOTHING:
                values[name] = value
        return values

    @contextlib.contextmanager
    def _follow(self, node: Node) -> Iterator[None]:
        if node in self._aliases:
            raise YamlError(node.line, f"anchor '{node.text}' value contains itself")
        self._aliases.append(node)
        yield
        self._aliases.pop()

    def _count_step(self, node: Node, where: str) -> None:
        """Counts a step, so that aliases of aliases end where they end for Go (`allowedAliasRatio`)."""
        self.lines.setdefault(where, node.line)
        self._steps += 1
        self._aliased += any(each.kind == "alias" for each in self._aliases)
        allowed = 0.99 - 0.89 * min(1, max(0, self._steps - 400_000) / 3_600_000)
        if self._aliased > 100 and self._steps > 1000 and self._aliased > allowed * self._steps:
            raise YamlError(node.line, "document contains excessive aliasing")


def _read_unknown(node: Node, where: str) -> object:
    """Gives the value of a key that cloudflared does not read; `None` for what would be an error."""
    try:
        return Decoder(findings=Findings()).read_untyped(node, where)
    except YamlError:
        return None


def _is_merge(key: Node) -> bool:
    plain = not key.tag and not key.quoted
    return key.kind == "scalar" and key.text == "<<" and (plain or key.tag == "!!merge")


def _label(key: Node) -> str:
    return key.children[0].text if key.kind == "alias" else key.text


def _fit(value: object, node: Node, shape: Shape) -> object:
    """Gives what a scalar's value is in a field of this type, or `NOTHING` where Go refuses it."""
    if isinstance(shape, Flag):
        value = _SWITCHES.get(value) if isinstance(value, str) else value
        return value if isinstance(value, bool) else NOTHING
    if isinstance(shape, Whole):
        least, most = (0, _MOST_UNSIGNED) if shape.unsigned else (-_MOST_SIGNED - 1, _MOST_SIGNED)
        if isinstance(value, float) and value <= float(most):
            return int(min(max(value, least), most))
        return value if type(value) is int and least <= value <= most else NOTHING
    if isinstance(shape, Duration):
        text = value if isinstance(value, str) else ""
        return NOTHING if durations.read_seconds(text) is None else text
    if isinstance(shape, (Table, ListOf)):
        return NOTHING
    return value if node.tag == "!!binary" else node.text


def join_place(where: str, name: str) -> str:
    """Gives the place of a key in the mapping at a place."""
    return f"{where}.{name}" if where else name
