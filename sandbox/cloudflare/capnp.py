"""Cap'n Proto messages, unpacked, as far as a connector and the edge exchange them.

The encoding is that of https://capnproto.org/encoding.html. A message that is written has one segment; one that is read
may have several.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WORD = 8
_MOST_SEGMENTS = 64
_MOST_WORDS = 2 * 1024 * 1024
_STRUCT, _LIST, _FAR = 0, 1, 2
_BYTES, _POINTERS, _COMPOSITE = 2, 6, 7
"""Sizes of list elements."""


class BadMessage(Exception):
    """What arrived is no Cap'n Proto message."""


@dataclass(frozen=True, kw_only=True)
class Capability:
    """A pointer to an entry of the message's table of capabilities."""

    index: int


@dataclass(frozen=True, kw_only=True)
class Struct:
    """A struct to write: its data section, whole words, and its pointers."""

    data: bytes = b""
    pointers: "Sequence[Value]" = ()


Value = Struct | Capability | Sequence[Struct] | str | bytes | None
"""What a pointer leads to. A text gets its final zero byte; an empty sequence becomes a null pointer."""


def encode(root: Struct) -> bytes:
    """A message of one segment, its table of segments included."""
    words = bytearray(WORD)
    _point(words, 0, root)
    return struct.pack("<II", 0, len(words) // WORD) + bytes(words)


def _point(words: bytearray, at: int, value: Value) -> None:
    """Writes the pointer at a byte, and what it leads to at the end."""
    offset = len(words) // WORD - at // WORD - 1
    if isinstance(value, Struct):
        size = len(value.data) // WORD | len(value.pointers) << 16
        pointer = (_STRUCT | offset << 2 & 0xFFFFFFFF) | size << 32
        _lay_out(words, [value])
    elif isinstance(value, Capability):
        pointer = 3 | value.index << 32
    elif isinstance(value, str | bytes):
        content = value.encode("latin-1", "replace") + b"\0" if isinstance(value, str) else value
        pointer = (_LIST | offset << 2) | (_BYTES | len(content) << 3) << 32
        words += content + bytes(-len(content) % WORD)
    elif value:
        first = value[0]
        data, pointers = len(first.data) // WORD, len(first.pointers)
        pointer = (_LIST | offset << 2) | (_COMPOSITE | len(value) * (data + pointers) << 3) << 32
        words += struct.pack("<IHH", len(value) << 2, data, pointers)
        _lay_out(words, value)
    else:
        pointer = 0
    struct.pack_into("<Q", words, at, pointer)


def _lay_out(words: bytearray, structs: Sequence[Struct]) -> None:
    """Writes structs one after another, then what their pointers lead to."""
    places = []
    for item in structs:
        words += item.data
        places.append(len(words))
        words += bytes(WORD * len(item.pointers))
    for item, place in zip(structs, places, strict=True):
        for number, pointer in enumerate(item.pointers):
            _point(words, place + WORD * number, pointer)


def next_size(data: bytes) -> int | None:
    """Bytes of the message that `data` begins with; None while its table of segments is not whole.

    Raises:
        BadMessage: it is none, or too large.
    """
    if len(data) < 4:
        return None
    count = int.from_bytes(data[:4], "little") + 1
    if count > _MOST_SEGMENTS:
        raise BadMessage(f"{count} segments")
    table = (4 + 4 * count + WORD - 1) // WORD * WORD
    if len(data) < table:
        return None
    words: int = sum(struct.unpack_from(f"<{count}I", data, 4))
    if words > _MOST_WORDS:
        raise BadMessage(f"{words} words")
    return table + WORD * words


def decode(message: bytes) -> "View":
    """The root struct of a whole message.

    Raises:
        BadMessage: it is none.
    """
    (count,) = struct.unpack_from("<I", message)
    sizes = struct.unpack_from(f"<{count + 1}I", message, 4)
    at = (4 + 4 * (count + 1) + WORD - 1) // WORD * WORD
    segments = []
    for size in sizes:
        segments.append(message[at : at + WORD * size])
        at += WORD * size
    return _Pointer(segments, 0, 0).struct()


@dataclass(frozen=True)
class View:
    """A struct that was read. What lies beyond its sections reads as zero, as the encoding demands."""

    segments: Sequence[bytes]
    segment: int
    at: int
    data_words: int
    pointer_count: int

    def number(self, byte: int, size: int, *, signed: bool = False) -> int:
        """An integer of `size` bytes."""
        if byte + size > self.data_words * WORD:
            return 0
        start = self.at + byte
        piece = self.segments[self.segment][start : start + size]
        return int.from_bytes(piece, "little", signed=signed)

    def bit(self, number: int) -> bool:
        """A Bool by its bit."""
        return bool(self.number(number // 8, 1) >> number % 8 & 1)

    def struct(self, index: int) -> "View":
        """The struct that a pointer leads to; an empty one where it is null."""
        return self._pointer(index).struct() if index < self.pointer_count else _EMPTY

    def data(self, index: int) -> bytes:
        """The bytes that a pointer leads to."""
        return self._pointer(index).data() if index < self.pointer_count else b""

    def text(self, index: int) -> str:
        """The text that a pointer leads to, each byte a character: it may be a field of a visitor's, of any bytes."""
        return self.data(index).rstrip(b"\0").decode("latin-1")

    def structs(self, index: int) -> Iterator["View"]:
        """The structs of a list."""
        if index < self.pointer_count:
            yield from self._pointer(index).structs()

    def texts(self, index: int) -> list[str]:
        """The texts of a list."""
        return [item.text(0) for item in self.structs(index)]

    def _pointer(self, index: int) -> "_Pointer":
        return _Pointer(self.segments, self.segment, self.at + WORD * (self.data_words + index))


_EMPTY = View([b""], 0, 0, 0, 0)


class _Pointer:
    """A pointer that was read, far ones followed."""

    def __init__(self, segments: Sequence[bytes], segment: int, at: int) -> None:
        self.segments, self.segment = segments, segment
        self._word = self._read(at)
        self._base = at + WORD
        if self._word & 3 != _FAR:
            return
        self.segment, place = self._word >> 32, (self._word >> 3 & 0x1FFFFFFF) * WORD
        double = self._word >> 2 & 1
        self._word = self._read(place)
        self._base = place + WORD
        if double:
            landing = self._word
            self._word = self._read(place + WORD)
            self.segment = landing >> 32
            self._base = (landing >> 3 & 0x1FFFFFFF) * WORD

    def _read(self, at: int) -> int:
        if self.segment >= len(self.segments):
            raise BadMessage("a pointer into no segment")
        word = self.segments[self.segment][at : at + WORD]
        if len(word) < WORD:
            raise BadMessage("a pointer beyond the end")
        return int.from_bytes(word, "little")

    def _target(self, kind: int) -> int | None:
        """The byte it leads to; None for a null pointer."""
        if self._word == 0:
            return None
        if self._word & 3 != kind:
            raise BadMessage(f"a pointer of kind {self._word & 3}, expected {kind}")
        offset = self._word >> 2 & 0x3FFFFFFF
        offset -= (offset & 0x20000000) << 1
        return self._base + WORD * offset

    def struct(self) -> View:
        target = self._target(_STRUCT)
        if target is None:
            return _EMPTY
        size = self._word >> 32
        return View(self.segments, self.segment, target, size & 0xFFFF, size >> 16)

    def data(self) -> bytes:
        target = self._target(_LIST)
        if target is None:
            return b""
        if self._word >> 32 & 7 != _BYTES:
            raise BadMessage("a list of something else than bytes")
        return self.segments[self.segment][target : target + (self._word >> 35)]

    def structs(self) -> Iterator[View]:
        target = self._target(_LIST)
        if target is None:
            return
        size, words = self._word >> 32 & 7, self._word >> 35
        if size == _POINTERS:
            count, data, pointers = words, 0, 1
        elif size == _COMPOSITE:
            tag = self._read(target)
            count, data, pointers = tag >> 2 & 0x3FFFFFFF, tag >> 32 & 0xFFFF, tag >> 48
            target += WORD
        else:
            raise BadMessage("a list of something else than structs or pointers")
        if max(words, count) * WORD > len(self.segments[self.segment]):
            raise BadMessage("a list beyond the end")
        for number in range(count):
            at = target + WORD * number * (data + pointers)
            yield View(self.segments, self.segment, at, data, pointers)
