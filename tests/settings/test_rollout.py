"""In which batches servers take a change."""

from typing import Any

import pytest

from settings import FindingsError
from settings.checks.servers import ROLLOUT_AT_ONCE
from settings.reading.build import build
from settings.reading.rollout import ROLLOUT_GOES_ON


def batches(prod: dict[str, Any], count: int, *, in_use: bool = True, **rollout: Any) -> list[int]:
    """How many servers are in each batch."""
    settings = build({**prod, "rollout": rollout}, deployment="argoweb/prod")
    return [len(batch) for batch in settings.rollout.make_batches([*range(count)], in_use=in_use)]


@pytest.mark.parametrize(
    ("count", "rollout", "sizes"),
    [
        (1, {}, [1]),
        (2, {}, [1, 1]),
        (7, {}, [1] * 7),
        (8, {}, [1, 2, 2, 2, 1]),
        (100, {}, [1, 25, 25, 25, 24]),
        (5, {"canary": 2, "batch": 2}, [2, 2, 1]),
        (5, {"canary": 0, "batch": "100%"}, [5]),
        (3, {"canary": 9}, [3]),
        (9, {"canary": 0, "batch": "50%"}, [4, 4, 1]),
    ],
)
def test_one_server_comes_first_and_then_the_others_by_the_share(
    prod: dict[str, Any], count: int, rollout: dict[str, Any], sizes: list[int]
) -> None:
    assert batches(prod, count, **rollout) == sizes


@pytest.mark.parametrize(
    ("canary", "let_go", "warned"),
    [(1, 0, 0), (2, 0, 0), (3, 0, 1), (9, 0, 1), (2, 1, 1), (9, 2, 0)],
)
def test_canaries_that_are_all_servers_are_warned_of(
    prod: dict[str, Any], canary: int, let_go: int, warned: int
) -> None:
    servers = {
        f"web{number}": {
            **prod["servers"]["web1"],
            "address": f"192.0.2.{number + 1}",
            "letGo": number < let_go,
        }
        for number in range(3)
    }

    settings = build(
        {**prod, "servers": servers, "rollout": {"canary": canary}}, deployment="argoweb/prod"
    )

    assert [each.kind for each in settings.warnings].count(ROLLOUT_AT_ONCE) == warned


def test_of_servers_that_nobody_uses_all_others_follow_the_first_batch(
    prod: dict[str, Any],
) -> None:
    assert batches(prod, 100, in_use=False) == [1, 99]
    assert batches(prod, 100, in_use=False, canary=2, batch=1) == [2, 98]


def test_the_order_is_that_of_the_stack(prod: dict[str, Any]) -> None:
    rollout = build(prod, deployment="argoweb/prod").rollout

    assert rollout.make_batches("abcd", in_use=True) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("batch", 0), ("batch", "0%"), ("batch", "101%"), ("batch", "25"), ("batch", True), ("batch", 1.5),
        ("canary", -1), ("canary", "1"), ("pause", 30), ("pause", "30"), ("pause", "-1s"), ("pause", "61m"), ("maxFailed", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(
    prod: dict[str, Any], key: str, value: object
) -> None:
    with pytest.raises(FindingsError) as refused:
        build({**prod, "rollout": {key: value}}, deployment="argoweb/prod")

    (problem,) = refused.value.problems
    assert problem.startswith(f"argoweb:rollout.{key}: ")


def test_a_rollout_over_a_failure_is_refused_with_the_reason(prod: dict[str, Any]) -> None:
    with pytest.raises(FindingsError) as refused:
        build({**prod, "rollout": {"maxFailed": 2}}, deployment="argoweb/prod")

    (found,) = refused.value.findings
    assert found.kind is ROLLOUT_GOES_ON
    assert "Pulumi makes nothing that depends on what has failed" in found.text
