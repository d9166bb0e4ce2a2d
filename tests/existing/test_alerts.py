"""The notification that an update has made and not noted."""

from typing import Any

import pytest

from existing import OwnState
from existing import api as api_module
from existing.alerts import find_lost_alert
from existing.api import Api
from settings import Access
from settings.build import build
from tests.existing.conftest import ACCOUNT, Cloudflare
from values.findings import Findings


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another without a pause."""
    monkeypatch.setattr(api_module, "_PAUSE", 0.0)


def told(prod: dict[str, Any], access: Access, own: OwnState) -> tuple[str | None, list[str]]:
    settings = build(
        {**prod, "accountId": ACCOUNT, "alerts": {"email": "ops@example.com"}}, deployment="a/b"
    )
    findings = Findings()
    found = find_lost_alert(settings, Api(access), own, findings, [])
    return found, [*map(str, findings.errors)]


def test_a_token_that_may_not_is_told_the_permission_where_alerts_are_asked_for(
    prod: dict[str, Any], cloudflare: Cloudflare
) -> None:
    cloudflare.control("/faults", {"path_regex": "alerting", "code": 10000, "times": None})

    found, errors = told(prod, cloudflare.access(), OwnState())

    assert found is None
    assert len(errors) == 1
    assert errors[0].startswith("argoweb:alerts: ")
    assert "needs the permission Account · Notifications · Edit" in errors[0]


def test_one_that_is_in_the_state_is_not_asked_for(
    prod: dict[str, Any], cloudflare: Cloudflare
) -> None:
    assert told(prod, cloudflare.access(), OwnState(has_alert=True)) == (None, [])
    assert not [each for each in cloudflare.control("/requests") if "alerting" in each["path"]]
