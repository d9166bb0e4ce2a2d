"""Two cloudflared on one server."""

from typing import Any

import pytest

from settings import SettingsError
from settings.build import build


def problems(values: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
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
    assert build(prod, deployment="argoweb/prod").nixos.instances == 1
    prod["nixos"] = {"instances": 2}

    assert problems(prod) == [
        "argoweb:cloudflared.pidfile: both instances would write it. Remove it, or set argoweb:nixos.instances to 1.",
        "argoweb:cloudflared.metrics: the second instance takes the next port, and there is none after 65535.",
    ]


def test_a_health_timeout_within_the_grace_period_earns_a_warning(prod: dict[str, Any]) -> None:
    prod["cloudflared"]["grace-period"] = "1m"

    assert build(prod, deployment="argoweb/prod").warnings == (
        "argoweb:health.timeout: cloudflared may take its grace-period of 1m to stop, so a change"
        " would be taken back after 60 s. Raise it above that.",
    )
