"""The official cloudflare plugin and the stand-in: the same requests for a notification."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from sandbox.plugins.values import Properties
from tests.contract.plugin import Plugin, Refused, running
from tests.real import official_plugin
from tests.sandbox import zero_trust
from tests.sandbox.zero_trust import ACCOUNT, TOKEN, ZeroTrust, asked

NOTIFICATION = "NotificationPolicy"
PATH = f"/client/v4/accounts/{ACCOUNT}/alerting/v3/policies"
STATUSES = ["TUNNEL_STATUS_TYPE_DOWN", "TUNNEL_STATUS_TYPE_HEALTHY"]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[ZeroTrust]:
    with zero_trust.running(tmp_path) as account:
        yield account


@pytest.fixture(params=["official", "stand-in"])
def plugin(request: pytest.FixtureRequest, account: ZeroTrust) -> Iterator[Plugin]:
    program = None
    if request.param == "official":
        program = official_plugin(
            "cloudflare", "what its notifications have in common with the stand-in"
        )
    with running(program, account) as plugin:
        if not knows(plugin):
            pytest.skip(
                "wants the official plugin cloudflare, so this was NOT CHECKED: its notifications (this one was built without)"
            )
        yield plugin


def knows(plugin: Plugin) -> bool:
    """Whether a plugin has the resource at all."""
    try:
        return plugin.check(NOTIFICATION, {}) != []
    except grpc.RpcError:
        return False


@pytest.fixture
def wanted(account: ZeroTrust) -> Properties:
    body = {"name": "t", "config_src": "local", "tunnel_secret": "c2VjcmV0" * 6}
    made = asked(
        "POST",
        f"{account.addresses['api_url']}/accounts/{ACCOUNT}/cfd_tunnel",
        body,
        {"Authorization": f"Bearer {TOKEN}"},
    ).result
    return {
        "accountId": ACCOUNT,
        "name": "tunnel health",
        "alertType": "tunnel_health_event",
        "mechanisms": {"emails": [{"id": "ann@example.com"}], "webhooks": [{"id": "1" * 32}]},
        "filters": {"tunnelIds": [made["id"]], "newStatuses": STATUSES},
    }


def sent(account: ZeroTrust) -> list[tuple[str, str, Any]]:
    found = [
        (entry["method"], entry["path"], entry["body"])
        for entry in account.control("GET", "/requests")
        if "alerting" in entry["path"]
    ]
    account.control("DELETE", "/requests")
    return found


def test_a_notification_is_made_changed_read_and_deleted(
    plugin: Plugin, account: ZeroTrust, wanted: Properties
) -> None:
    wire = {
        "name": "tunnel health",
        "alert_type": "tunnel_health_event",
        "enabled": True,
        "mechanisms": {"email": [{"id": "ann@example.com"}], "webhooks": [{"id": "1" * 32}]},
        "filters": {"tunnel_id": wanted["filters"]["tunnelIds"], "new_status": STATUSES},
    }

    made = plugin.create(NOTIFICATION, wanted)

    assert sent(account) == [("POST", PATH, wire)]
    assert plugin.diff(NOTIFICATION, made, wanted) == ([], [])
    turned = {**wanted, "mechanisms": {**wanted["mechanisms"], "webhooks": [{"id": "2" * 32}]}}
    assert plugin.diff(NOTIFICATION, made, turned)[1] == []
    changed = plugin.update(NOTIFICATION, made, turned)
    ((method, path, body),) = sent(account)
    assert (method, path) == ("PUT", f"{PATH}/{made.id}")
    assert body["mechanisms"]["webhooks"] == [{"id": "2" * 32}]
    seen = plugin.read(NOTIFICATION, changed)
    assert seen is not None
    assert plugin.diff(NOTIFICATION, seen, turned) == ([], [])
    taken_in = plugin.imported(NOTIFICATION, f"{ACCOUNT}/{made.id}")
    assert plugin.diff(NOTIFICATION, taken_in, turned) == ([], [])
    plugin.delete(NOTIFICATION, changed)
    assert plugin.read(NOTIFICATION, changed) is None


def test_one_for_another_account_replaces_it(plugin: Plugin, wanted: Properties) -> None:
    made = plugin.create(NOTIFICATION, wanted)

    assert plugin.diff(NOTIFICATION, made, {**wanted, "accountId": "f" * 32})[1] == ["accountId"]


def test_what_the_api_refuses_is_told(plugin: Plugin, wanted: Properties) -> None:
    with pytest.raises(Refused, match="at least one mechanism is required"):
        plugin.create(NOTIFICATION, {**wanted, "mechanisms": {}})
