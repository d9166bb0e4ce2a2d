"""Whom Cloudflare tells of the tunnel's health."""

from tests.existing.conftest import ACCOUNT, Cloudflare
from tests.program.conftest import Program
from tests.program.test_requests import waits_for

ALL = {"email": ["ops@example.com"], "webhooks": "1" * 32, "pagerduty": ["2" * 32]}
PATH = f"/accounts/{ACCOUNT}/alerting/v3/policies"


def test_it_is_for_this_tunnel_alone_and_stands_while_the_servers_do(program: Program) -> None:
    program.values["alerts"] = ALL

    requests = program.run()

    assert requests["alerts"]["object"] == {
        "accountId": ACCOUNT,
        "name": "tunnel health (argoweb argoweb/prod)",
        "alertType": "tunnel_health_event",
        "mechanisms": {
            "emails": [{"id": "ops@example.com"}],
            "webhooks": [{"id": "1" * 32}],
            "pagerduties": [{"id": "2" * 32}],
        },
        "filters": {
            "tunnelIds": ["tunnel-tunnel-id"],
            "newStatuses": [
                f"TUNNEL_STATUS_TYPE_{word}" for word in ("DOWN", "DEGRADED", "HEALTHY")
            ],
        },
    }
    assert waits_for(requests, "alerts", "web1-activate")


def test_only_what_is_asked_for_is_told(program: Program) -> None:
    program.values["alerts"] = {"email": "ops@example.com", "when": "down"}

    given = program.run()["alerts"]["object"]

    assert given["mechanisms"] == {"emails": [{"id": "ops@example.com"}]}
    assert given["filters"]["newStatuses"] == ["TUNNEL_STATUS_TYPE_DOWN"]


def test_a_stack_without_alerts_asks_for_nothing_of_them(
    program: Program, cloudflare: Cloudflare
) -> None:
    assert "alerts" not in program.run()
    assert not [each for each in cloudflare.control("/requests") if "alerting" in each["path"]]


def test_one_that_an_update_made_and_did_not_note_is_taken_in(
    program: Program, cloudflare: Cloudflare
) -> None:
    program.values["alerts"] = ALL
    body = {
        "name": "tunnel health (argoweb argoweb/prod)",
        "alert_type": "tunnel_health_event",
        "mechanisms": {"email": [{"id": "ops@example.com"}]},
    }
    made = cloudflare.api("POST", PATH, body)
    cloudflare.api("POST", PATH, {**body, "name": "tunnel health (argoweb argoweb/other)"})
    second = cloudflare.api("POST", PATH, body)

    requests = program.run()

    imported = {requests[name]["importId"] for name in requests if name.startswith("alerts")}
    assert imported == {f"{ACCOUNT}/{each['id']}" for each in (made, second)}
