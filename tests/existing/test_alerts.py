"""The notification that an update has made and not noted."""

from typing import Any

import pytest

from existing import OwnState
from existing import api as api_module
from existing.alerts import AlertsFound, look_at_alerts, sends_alerts
from existing.api import Api
from settings import Access
from settings.reading.build import build
from tests.existing.conftest import ACCOUNT, Cloudflare
from values.findings import Findings

PATH = f"/accounts/{ACCOUNT}/alerting/v3/policies"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another without a pause."""
    monkeypatch.setattr(api_module, "_PAUSE", 0.0)


def told(prod: dict[str, Any], access: Access, own: OwnState) -> tuple[AlertsFound, list[str]]:
    settings = build(
        {**prod, "accountId": ACCOUNT, "alerts": {"email": "ops@example.com"}}, deployment="a/b"
    )
    findings = Findings()
    found = look_at_alerts(settings, Api(access), own, findings, [])
    return found, [*map(str, findings.errors)]


def test_a_token_that_may_not_is_told_the_permission_where_alerts_are_asked_for(
    prod: dict[str, Any], cloudflare: Cloudflare
) -> None:
    cloudflare.control("/faults", {"path_regex": "alerting", "code": 10000, "times": None})

    found, errors = told(prod, cloudflare.access(), OwnState())

    assert found == AlertsFound()
    assert len(errors) == 1
    assert errors[0].startswith("argoweb:alerts: ")
    assert "needs the permission Account · Notifications · Edit" in errors[0]


@pytest.mark.parametrize("noted", [0, 1])
def test_one_more_than_the_stack_has_is_taken_in_to_be_deleted(
    prod: dict[str, Any], cloudflare: Cloudflare, noted: int
) -> None:
    body = {
        "name": "tunnel health (argoweb a/b)",
        "alert_type": "tunnel_health_event",
        "mechanisms": {"email": [{"id": "ops@example.com"}]},
    }
    made = [cloudflare.api("POST", PATH, body)["id"] for _ in range(3)]

    found, _ = told(
        prod, cloudflare.access(), OwnState(alerts=[{"id": each} for each in made[:noted]])
    )

    assert {found.taken_in, *found.twice} - {None} == {*made[noted:]}
    assert (found.taken_in is None) == bool(noted)


@pytest.mark.parametrize(
    ("noted", "sends"),
    [
        ({}, False),
        ({"mechanisms": {"emails": [{"id": "ann@example.com"}]}}, True),
        ({"mechanisms": {"emails": [{"id": "ops@example.com"}], "webhooks": None}}, False),
        ({"filters": {"newStatuses": ["TUNNEL_STATUS_TYPE_DOWN"]}}, True),
        ({"name": "tunnel health (argoweb a/other)"}, True),
    ],
)
def test_one_that_is_changed_is_sent(
    prod: dict[str, Any], noted: dict[str, Any], sends: bool
) -> None:
    settings = build({**prod, "alerts": {"email": "ops@example.com"}}, deployment="a/b")
    kept = {
        "name": "tunnel health (argoweb a/b)",
        "mechanisms": {"emails": [{"id": "ops@example.com"}]},
        "filters": {
            "newStatuses": [
                f"TUNNEL_STATUS_TYPE_{word}" for word in ("HEALTHY", "DOWN", "DEGRADED")
            ]
        },
    }

    assert sends_alerts(settings, OwnState(alerts=[{**kept, **noted}])) == sends
    assert sends_alerts(settings, OwnState())
