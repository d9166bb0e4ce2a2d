"""YAML as cloudflared's reader, Go's yaml.v3, takes it: from bytes to a tree of nodes.

PyYAML and yaml.v3 descend from the same scanner. `_Events` is PyYAML's with the places where yaml.v3's differs
(its `scannerc.go`): tabs, `?` and `:` in flow style, the escapes of a quoted text, and a look-ahead of two tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import yaml
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner, ScannerError
from yaml.tokens import ScalarToken, TagToken

_BREAKS = "\0\r\n\x85\u2028\u2029"
_BLANKS = _BREAKS + " \t"
_LONG_TAG = "tag:yaml.org,2002:"
_ESCAPES = {key: text for key, text in Scanner.ESCAPE_REPLACEMENTS.items() if key != "/"} | {
    "'": "'"
}
_DEEPEST = 200
"""Nested collections that are read here. yaml.v3 goes down to 10,000, and nothing that cloudflared knows is deeper than six."""


class YamlError(ValueError):
    """Not YAML for yaml.v3; `line` counts from 1."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(eq=False, kw_only=True)
class Node:
    """A value of the document."""

    kind: Literal["scalar", "sequence", "mapping", "alias"]
    line: int
    tag: str = ""
    """The written tag in its short form, such as `!!int`; empty where there is none."""
    text: str = ""
    """A scalar's characters, or an alias's name."""
    quoted: bool = False
    """Quoted or a block scalar: a string unless a tag says otherwise."""
    children: list[Node] = field(default_factory=list)
    """A sequence's items; a mapping's keys and values in turn; an alias's target."""

    def list_pairs(self) -> list[tuple[Node, Node]]:
        """Gives the keys of a mapping with their values."""
        return list(zip(self.children[::2], self.children[1::2], strict=True))


class _Events(Reader, Scanner, Parser):
    """The events of a document."""

    def __init__(self, data: bytes) -> None:
        Reader.__init__(self, data)
        Scanner.__init__(self)
        Parser.__init__(self)
        self.ESCAPE_REPLACEMENTS = _ESCAPES  # type: ignore[misc]  # a constant to the stubs only

    def need_more_tokens(self) -> bool:
        return not self.done and (len(self.tokens) < 3 or bool(super().need_more_tokens()))

    def scan_to_next_token(self) -> None:
        while True:
            if self.index == 0 and self.peek() == "\ufeff":
                self.forward()
            while self.peek() == " " or (
                self.peek() == "\t" and (self.flow_level or not self.allow_simple_key)
            ):
                self.forward()
            self._skip_comment()
            if not self.scan_line_break():
                return
            if not self.flow_level:
                self.allow_simple_key = True

    def scan_directive_name(self, start_mark: yaml.Mark) -> str:
        name = str(super().scan_directive_name(start_mark))
        if name not in ("YAML", "TAG"):
            raise ScannerError(None, start_mark, "found unknown directive name", start_mark)
        return name

    def scan_yaml_directive_value(self, start_mark: yaml.Mark) -> tuple[int, int]:
        version: tuple[int, int] = super().scan_yaml_directive_value(start_mark)
        if version != (1, 1):
            raise ScannerError(None, start_mark, "found incompatible YAML document", start_mark)
        return version

    def fetch_flow_collection_end(self, token_class: type[yaml.Token]) -> None:
        super().fetch_flow_collection_end(token_class)
        self.flow_level = max(self.flow_level, 0)

    def _skip_comment(self) -> None:
        if self.peek() == "#":
            while self.peek() not in _BREAKS:
                self.forward()

    def _is_at_document_indicator(self) -> bool:
        return bool(self.check_document_start() or self.check_document_end())

    def scan_plain(self) -> ScalarToken:
        start = end = self.get_mark()
        text = gap = ""
        broken = False
        while not self._is_at_document_indicator() and self.peek() != "#":
            length = 0
            while not self._ends_plain(length):
                length += 1
            if length:
                text += gap + self.prefix(length)
                self.forward(length)
                gap, broken, end = "", False, self.get_mark()
            if self.peek() not in _BLANKS[1:]:
                break
            gap, broken = self._scan_gap(start)
            if not self.flow_level and self.column <= self.indent:
                break
        self.allow_simple_key = self.allow_simple_key or broken
        return ScalarToken(text, True, start, end)

    def _ends_plain(self, ahead: int) -> bool:
        character = self.peek(ahead)
        return (
            character in _BLANKS
            or (character == ":" and self.peek(ahead + 1) in _BLANKS)
            or bool(self.flow_level and character in ",?[]{}")
        )

    def _scan_gap(self, start: yaml.Mark) -> tuple[str, bool]:
        """Scans the blanks between two words of a plain scalar: gives them folded, and whether a line broke."""
        blanks = ""
        breaks: list[str] = []
        while (character := self.peek()) in _BLANKS[1:]:
            if character in " \t":
                if breaks and character == "\t" and self.column <= self.indent:
                    raise ScannerError(
                        None, start, "found a tab in the indentation", self.get_mark()
                    )
                blanks += character
                self.forward()
            else:
                breaks.append(self.scan_line_break())
        if not breaks:
            return blanks, False
        if breaks[0] != "\n":
            return "".join(breaks), True
        return "".join(breaks[1:]) or " ", True

    def scan_block_scalar_indicators(self, start_mark: yaml.Mark) -> tuple[bool | None, int | None]:
        chomping: bool | None = None
        increment: int | None = None
        for _ in range(2):
            character = self.peek()
            if character in "+-" and chomping is None:
                chomping = character == "+"
                self.forward()
            elif character in "123456789" and increment is None:
                increment = int(character)
                self.forward()
        while self.peek() in " \t":
            self.forward()
        return chomping, increment

    def scan_block_scalar_indentation(self) -> tuple[list[str], int, yaml.Mark]:
        found: tuple[list[str], int, yaml.Mark] = super().scan_block_scalar_indentation()
        if self.peek() == "\t":
            raise ScannerError(None, None, "found a tab in the indentation", self.get_mark())
        return found

    def scan_block_scalar_breaks(self, indent: int) -> tuple[list[str], yaml.Mark]:
        found: tuple[list[str], yaml.Mark] = super().scan_block_scalar_breaks(indent)
        if self.peek() == "\t" and self.column < indent:
            raise ScannerError(None, None, "found a tab in the indentation", self.get_mark())
        return found

    def scan_flow_scalar(self, style: str) -> ScalarToken:
        start = self.get_mark()
        try:
            token: ScalarToken = super().scan_flow_scalar(style)
            token.value.encode()
        except (ValueError, OverflowError) as error:
            problem = "found invalid Unicode character escape code"
            raise ScannerError(None, start, problem, start) from error
        return token

    def scan_tag(self) -> TagToken:
        start = self.get_mark()
        handle: str | None = "!"
        if self.peek(1) == "<":
            self.forward(2)
            handle, suffix = None, self.scan_tag_uri("tag", start)
            if self.peek() != ">":
                raise ScannerError(None, start, "did not find the expected '>'", self.get_mark())
            self.forward()
        else:
            self.forward()
            suffix = "" if self.peek() in _BLANKS else self.scan_tag_uri("tag", start)
            name, separator, rest = suffix.partition("!")
            if not suffix:
                handle, suffix = None, "!"
            elif separator and all(c.isalnum() or c in "-_" for c in name):
                handle, suffix = f"!{name}!", rest
        if self.peek() not in _BLANKS or not suffix:
            raise ScannerError(None, start, "did not find a whole tag", self.get_mark())
        return TagToken((handle, suffix), start, self.get_mark())


def compose(data: bytes) -> Node | None:
    """Reads the first document of a file; `None` where it has none.

    Raises:
        YamlError: yaml.v3 refuses it.
    """
    try:
        return _compose(_Events(data))
    except yaml.reader.ReaderError as error:
        raise YamlError(1 + data.count(b"\n", 0, error.position), str(error.reason)) from error
    except yaml.MarkedYAMLError as error:
        line = _find_line(error.problem_mark or error.context_mark)
        raise YamlError(line, str(error.problem)) from error


def find_second_document(data: bytes) -> int | None:
    """Finds the line where a second document begins that has something in it; the first one can be read."""
    events = _Events(data)
    _compose(events)
    try:
        while not isinstance(event := events.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.NodeEvent):
                is_nothing = isinstance(event, yaml.ScalarEvent) and not event.value
                return None if is_nothing else _find_line(event.start_mark)
    except yaml.MarkedYAMLError as error:
        return _find_line(error.problem_mark or error.context_mark)
    return None


def _compose(events: _Events) -> Node | None:
    anchors: dict[str, Node] = {}
    open_nodes: list[Node] = []
    root: Node | None = None
    while not isinstance(event := events.get_event(), yaml.DocumentEndEvent):
        if isinstance(event, yaml.StreamEndEvent):
            return None
        if isinstance(event, yaml.CollectionEndEvent):
            open_nodes.pop()
        if not isinstance(event, yaml.NodeEvent):
            continue
        node = _make_node(event, anchors)
        if open_nodes:
            open_nodes[-1].children.append(node)
        root = root or node
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append(node)
            if len(open_nodes) > _DEEPEST:
                raise YamlError(node.line, f"exceeded max depth of {_DEEPEST}")
    return root


def _make_node(event: yaml.NodeEvent, anchors: dict[str, Node]) -> Node:
    line, anchor = _find_line(event.start_mark), str(event.anchor)
    if isinstance(event, yaml.AliasEvent):
        if anchor not in anchors:
            raise YamlError(line, f"unknown anchor '{anchor}' referenced")
        return Node(kind="alias", line=line, text=anchor, children=[anchors[anchor]])
    if isinstance(event, yaml.ScalarEvent):
        tag, quoted = _shorten(event.tag), bool(event.style)
        node = Node(kind="scalar", line=line, tag=tag, text=event.value, quoted=quoted)
    elif isinstance(event, yaml.MappingStartEvent):
        node = Node(kind="mapping", line=line, tag=_shorten(event.tag))
    else:
        node = Node(kind="sequence", line=line)
    if event.anchor:
        anchors[anchor] = node
    return node


def _find_line(mark: Any) -> int:
    return 1 if mark is None else int(mark.line) + 1


def _shorten(tag: str | None) -> str:
    if tag is None or tag == "!":
        return ""
    return f"!!{tag.removeprefix(_LONG_TAG)}" if tag.startswith(_LONG_TAG) else tag
