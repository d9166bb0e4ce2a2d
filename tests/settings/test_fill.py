"""A dataclass of the model is filled by the names of its fields."""

from dataclasses import dataclass

import pytest

from values.tables import fill


@dataclass(frozen=True, kw_only=True)
class Made:
    plain: str
    of_several_words: int
    left_out: str = "its own"
    said: str = ""


def test_each_field_gets_the_value_of_its_key_or_keeps_its_default() -> None:
    values = {"plain": "a", "ofSeveralWords": 5, "said": "by the table", "unknown": None}

    assert fill(Made, values, said="otherwise") == Made(
        plain="a", of_several_words=5, left_out="its own", said="otherwise"
    )


def test_a_field_without_a_value_is_no_silent_nothing() -> None:
    with pytest.raises(TypeError, match="of_several_words"):
        fill(Made, {"plain": "a"})
