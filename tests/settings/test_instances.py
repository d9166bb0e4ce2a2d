"""Two cloudflared on one server."""

from typing import Any

import pytest

from settings import FindingsError
from settings.reading.build import build


def problems(values: dict[str, Any]) -> list[str]:
    with pytest.raises(FindingsError) as refused:
        build(values, deployment="argoweb/prod")
    return list(refused.value.problems)


def test_the_second_one_has_a_unit_and_a_metrics_port_of_its_own(prod: dict[str, Any]) -> None:
    prod["nixos"] = {"instances": 2}
    prod["cloudflared"]["metrics"] = "[::1]:9000"

    instances = build(prod, deployment="argoweb/prod").instances

    assert [(each.unit, each.metrics) for each in instances] == [
        ("argoWeb.service", "[::1]:9000"),
        ("argoWeb-2.service", "[::1]:9001"),
    ]


@pytest.mark.parametrize("count", [0, 3])
def test_there_are_one_or_two(prod: dict[str, Any], count: int) -> None:
    prod["nixos"] = {"instances": count}

    assert problems(prod) == [
        f"argoweb:nixos.instances: found the number {count}, expected one from 1 to 2."
    ]


def test_what_both_would_write_is_refused(prod: dict[str, Any]) -> None:
    prod["cloudflared"] |= {"pidfile": "/run/a.pid", "metrics": "127.0.0.1:65535"}
    one = {**prod, "nixos": {"instances": 1}}
    assert build(one, deployment="argoweb/prod").nixos.instances == 1

    assert problems(prod) == [
        "argoweb:cloudflared.pidfile: both instances would write it. Remove it, or set argoweb:nixos.instances to 1.",
        "argoweb:cloudflared.metrics: the second instance takes the next port, and there is none after 65535.",
    ]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [({}, 30), ({"grace-period": "0s"}, 30), ({"grace-period": "1m1500ms"}, 62)],
)
def test_the_unit_is_told_how_long_requests_may_go_on(
    prod: dict[str, Any], given: dict[str, str], seconds: int
) -> None:
    prod["cloudflared"] |= given

    assert build(prod, deployment="argoweb/prod").grace_period == seconds


def test_no_other_cloudflared_takes_the_metrics_ports_by_itself(prod: dict[str, Any]) -> None:
    prod["nixos"] = {"instances": 2}

    instances = build(prod, deployment="argoweb/prod").instances

    first_choices = {f"127.0.0.1:{port}" for port in range(20241, 20246)}  # `metrics/metrics.go`
    assert len({each.metrics for each in instances} - first_choices) == 2
