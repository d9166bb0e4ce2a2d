"""Cap'n Proto's encoding, against bytes by its specification and against nonsense."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.cloudflare.capnp import BadMessage, Struct, decode, encode, next_size


def words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def test_a_message_is_written_as_the_specification_has_it() -> None:
    message = encode(Struct(data=words(7), pointers=["hi", b"\x01\x02"]))

    assert message == struct.pack("<II", 0, 6) + words(
        0 | (1 | 2 << 16) << 32,  # the root: at once, one word of data, two pointers
        7,
        1 | 1 << 2 | (2 | 3 << 3) << 32,  # a list of three bytes, behind the next pointer
        1 | 1 << 2 | (2 | 2 << 3) << 32,
        int.from_bytes(b"hi\0", "little"),
        0x0201,
    )


def test_what_was_written_is_read() -> None:
    pairs = [Struct(pointers=[key, value]) for key, value in (("a", "1"), ("", "ü"))]
    root = decode(encode(Struct(data=words(5 << 8 | 2**63), pointers=[b"raw", pairs, None])))

    assert (root.number(1, 1), root.bit(63), root.bit(0)) == (5, True, False)
    assert root.data(0) == b"raw"
    assert [(pair.text(0), pair.text(1)) for pair in root.structs(1)] == [("a", "1"), ("", "ü")]
    # An older writer knows less: what is missing is zero or empty.
    assert (root.number(8, 8), root.text(2), root.text(9), root.struct(9).number(0, 4)) == (
        0, "", "", 0,
    )  # fmt: skip


@pytest.mark.parametrize("double", [False, True])
def test_a_pointer_into_another_segment_is_followed(double: bool) -> None:
    content = words(42)
    tag = 0 | 1 << 32
    far = 2 | double << 2 | 1 << 32
    landing = words(2 | 2 << 32, tag) if double else words(tag)
    segments = [words(far), landing if double else landing + content, content]
    table = struct.pack("<IIII", 2, *(len(segment) // 8 for segment in segments))

    assert decode(table + b"".join(segments)).number(0, 8) == 42


def test_a_message_that_is_not_whole_has_a_size_or_none() -> None:
    message = encode(Struct(pointers=["text"]))

    assert next_size(message[:3]) is None
    assert next_size(message[:8]) == len(message)


@given(st.binary(max_size=200), st.integers(0, 10))
def test_nonsense_is_refused_and_nothing_else(noise: bytes, at: int) -> None:
    message = bytearray(encode(Struct(data=words(1), pointers=["text", [Struct(data=words(2))]])))
    message[8 * at : 8 * at + len(noise)] = noise
    with contextlib.suppress(BadMessage):
        size = next_size(bytes(message))
        if size is None or size > len(message):
            return
        root = decode(bytes(message))
        root.text(0)
        for index in range(3):
            for item in root.structs(index):
                item.text(0)
