"""Rejected configurations: each row of the table is a change of the example and the whole message it earns."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import FindingsError
from settings.build import build

ABSENT = object()

TABLE = yaml.safe_load((Path(__file__).parent / "rejected.yaml").read_text())
ROWS: list[tuple[str, Any, list[str]]] = [
    (row["place"], row.get("value", ABSENT), row.get("messages", [row.get("message")]))
    for row in TABLE
]


def changed(values: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy with the value at the dotted place set, or taken away."""
    result = copy.deepcopy(values)
    *way, last = place.split(".")
    inner: Any = result
    for step in way:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    if value is ABSENT:
        del inner[last]
    elif isinstance(inner, list):
        inner[int(last)] = value
    else:
        inner[last] = value
    return result


@pytest.mark.parametrize(
    ("place", "value", "messages"), ROWS, ids=[f"{r[0]}-{i}" for i, r in enumerate(ROWS)]
)
def test_a_mistake_earns_this_message_and_no_other(
    prod: dict[str, Any], place: str, value: Any, messages: list[str]
) -> None:
    with pytest.raises(FindingsError) as refused:
        build(changed(prod, place, value), deployment="argoweb/prod")

    assert list(refused.value.problems) == messages


def test_the_table_is_large_and_has_no_row_twice() -> None:
    assert len({(place, repr(value)) for place, value, _ in ROWS}) == len(ROWS) >= 200


def test_the_example_itself_is_accepted_without_a_warning(prod: dict[str, Any]) -> None:
    assert build(prod, deployment="argoweb/prod").warnings == ()


def test_all_mistakes_are_reported_at_once(prod: dict[str, Any]) -> None:
    prod["accountId"] = "x"
    prod["sites"][0]["roott"] = "/srv"
    prod["servers"]["web1"]["port"] = 0

    with pytest.raises(FindingsError) as refused:
        build(prod, deployment="argoweb/prod")

    assert {problem.split(": ")[0] for problem in refused.value.problems} >= {
        "argoweb:accountId",
        "argoweb:sites[0].roott",
        "argoweb:servers.web1.port",
    }
