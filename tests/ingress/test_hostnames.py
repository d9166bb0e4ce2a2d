"""Hostnames as Go's `idna.Lookup` takes them."""

import pytest

from cloudflared.go.idna import look_up_name


@pytest.mark.parametrize(
    "character",
    ["\u10a0", "\u2488", "\u115f", "\u3164", "\ufffd", "\u180e", "\u2024", "\uffa0", "=\u0338"],
)
def test_a_character_that_go_refuses_makes_no_name(character: str) -> None:
    assert look_up_name(f"a{character}b.example") is None


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("a\u2d00b.example", "xn--ab-r51a.example"),
        ("a\u3002example", "a.example"),
        ("B\u00fccher.example", "xn--bcher-kva.example"),
    ],
)
def test_its_neighbours_make_one(written: str, name: str) -> None:
    assert look_up_name(written) == name
