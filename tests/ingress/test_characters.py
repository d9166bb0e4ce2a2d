"""Classes of characters, as Go has them."""

import pytest

from cloudflared.go.regexp import Pattern


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("Han", "\u6f22\u2f00", "a\u03b1"),
        ("Greek", "\u03b1\u03a9", "a\u6f22"),
        ("Cyrillic", "\u0431", "b"),
        ("Latin", "a\u00df", "\u03b1"),
        ("Common", "1 .", "a"),
        ("Lu", "A\u00c4", "a1"),
        ("L", "aA\u6f22", "1"),
        ("Nd", "1\u0661", "a"),
    ],
)
def test_a_letter_is_of_its_script_and_category(name: str, inside: str, outside: str) -> None:
    taken, left = Pattern(rf"^\p{{{name}}}+$"), Pattern(rf"^\P{{{name}}}+$")

    assert taken.is_found_in(inside)
    assert left.is_found_in(outside)
    assert not any(taken.is_found_in(each) for each in outside)
