"""The API of Cloudflare Access, as users of the real one report it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.zero_trust import BARE_ACCOUNT, LIMITED, ZeroTrust, app_body, running

PREFIX = "access.api.error."
UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[ZeroTrust]:
    with running(tmp_path) as account:
        yield account


def test_an_application_is_shown_with_its_audience_and_its_policies_in_full(
    account: ZeroTrust,
) -> None:
    policy = account.policy({"email": {"email": "ann@example.com"}})

    app = account.app("admin.example.com", policy)

    assert re.fullmatch("[0-9a-f]{64}", app["aud"])
    assert app["domain"] == "admin.example.com"
    assert app["self_hosted_domains"] == ["admin.example.com"]
    assert app["destinations"] == [{"type": "public", "uri": "admin.example.com"}]
    (shown,) = app["policies"]
    assert (shown["id"], shown["precedence"], shown["decision"]) == (policy, 1, "allow")
    assert shown["include"] == [{"email": {"email": "ann@example.com"}}]
    assert account.api("GET", f"apps/{app['id']}").result == app
    assert account.api("GET", f"policies/{policy}").result["app_count"] == 1


def test_a_put_replaces_the_whole_object_and_reads_null_as_nothing(account: ZeroTrust) -> None:
    policy = account.policy(exclude=[{"ip": {"ip": "10.0.0.1"}}])
    app = account.app("admin.example.com", policy, custom_deny_message="no", session_duration="1h")
    path, body = f"apps/{app['id']}", app_body("other.example.com", custom_deny_message=None)

    changed = account.api("PUT", path, body).result

    assert changed["aud"] == app["aud"]
    assert changed["domain"] == "other.example.com"
    assert (changed["policies"], changed["session_duration"]) == ([], "24h")
    assert "custom_deny_message" not in changed
    plain: dict[str, Any] = {
        "name": "p",
        "decision": "allow",
        "include": [{"everyone": {}}],
        "exclude": None,
    }
    assert account.api("GET", f"policies/{policy}").result["exclude"] == [
        {"ip": {"ip": "10.0.0.1/32"}}
    ]
    assert account.api("PUT", f"policies/{policy}", plain).result["exclude"] == []


def test_the_status_of_a_creation_and_of_a_deletion(account: ZeroTrust) -> None:
    made = account.api("POST", "apps", app_body("admin.example.com"))

    gone = account.api("DELETE", f"apps/{made.result['id']}")

    assert (made.status, gone.status) == (201, 202)
    assert gone.result == {"id": made.result["id"]}
    assert account.api("GET", f"apps/{made.result['id']}").refusal == (
        404,
        11021,
        f"{PREFIX}unknown_application",
    )


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"type": None}, (400, 12130, "invalid_request: app type is missing or invalid")),
        (
            {"destinations": [{"type": "public", "uri": "admin.example.net"}]},
            (400, 12130, "invalid_request: domain does not belong to zone"),
        ),
        (
            {"destinations": [{"type": "public", "uri": "admin.pending.com"}]},
            (400, 12130, "invalid_request: domain does not belong to zone"),
        ),
        (
            {"domain": "other.example.com"},
            (400, 12130, "invalid_request: domain not included in destinations"),
        ),
        (
            {"tags": ["nobody-made-it"]},
            (400, 12130, "invalid_request: tags contain a tag that does not exist"),
        ),
        ({"policies": [{"id": UNKNOWN}]}, (400, 12130, f"invalid_request: policy {UNKNOWN} not found")),
    ],
)  # fmt: skip
def test_what_an_application_may_not_be(
    account: ZeroTrust, more: dict[str, Any], refusal: tuple[int, int, str]
) -> None:
    status, code, message = refusal

    got = account.api("POST", "apps", app_body("admin.example.com") | more)

    assert got.refusal == (status, code, PREFIX + message)


@pytest.mark.parametrize(
    "more",
    [
        {"destinations": [{"type": "public", "uri": "admin.example.com:8080"}]},
        {"destinations": [{"type": "public", "uri": "admin.example.com/a?b"}]},
        {"destinations": [{"type": "public", "uri": "a*b*.example.com"}]},
        {"destinations": []},
        {"session_duration": "1 day"},
        {"session_duration": "-1h"},
        {"same_site_cookie_attribute": "loose"},
        {"auto_redirect_to_identity": True},
        {"allowed_idps": [UNKNOWN]},
        {"options_preflight_bypass": True, "cors_headers": {"allow_all_origins": True}},
        {"name": " "},
        {"http_only_cookie_attribute": "yes"},
    ],
)
def test_what_an_application_may_not_have(account: ZeroTrust, more: dict[str, Any]) -> None:
    got = account.api("POST", "apps", app_body("admin.example.com") | more)

    assert got.refusal[:2] == (400, 12130)
    assert account.control("GET", "/violations") == []


def test_precedences_are_unique(account: ZeroTrust) -> None:
    one, two = account.policy(), account.policy()
    both = [{"id": one, "precedence": 3}, {"id": two, "precedence": 3}]

    got = account.api("POST", "apps", app_body("admin.example.com", policies=both))

    message = f"{PREFIX}invalid_request: policy precedences must be unique"
    assert got.refusal == (400, 12130, message)


def test_policies_are_shown_by_their_precedence(account: ZeroTrust) -> None:
    one, two, three = account.policy(), account.policy(), account.policy()
    given = [{"id": one, "precedence": 9}, {"id": two, "precedence": 2}, {"id": three}]

    app = account.made("apps", **app_body("admin.example.com", policies=given))

    shown = [(each["id"], each["precedence"]) for each in app["policies"]]
    assert shown == [(two, 2), (three, 3), (one, 9)]


def test_one_application_has_a_domain_and_a_path(account: ZeroTrust) -> None:
    account.app("admin.example.com")
    both = [{"type": "public", "uri": uri} for uri in ("new.example.com", "admin.example.com")]

    same = account.api("POST", "apps", app_body("admin.example.com/*"))
    other = account.api("POST", "apps", app_body("x", destinations=both))

    assert same.refusal == (409, 11010, f"{PREFIX}application_already_exists")
    message = "conflict: destination belongs to another application"
    assert (other.status, other.refusal[2]) == (409, PREFIX + message)
    assert account.api("POST", "apps", app_body("admin.example.com/hook")).status == 201


@pytest.mark.parametrize(
    "body",
    [
        {"decision": "allow", "include": []},
        {"decision": "allow", "include": None},
        {"decision": "maybe", "include": [{"everyone": {}}]},
        {"decision": "allow", "include": [{"everyone": {}, "email": {"email": "a@b.c"}}]},
        {"decision": "allow", "include": [{"nobody": {}}]},
        {"decision": "allow", "include": [{"email": {"email": ""}}]},
        {"decision": "allow", "include": [{"email": {"address": "a@b.c"}}]},
        {"decision": "allow", "include": [{"ip": {"ip": "10.0.0.1/8"}}]},
        {"decision": "allow", "include": [{"geo": {"country_code": "Norway"}}]},
        {"decision": "allow", "include": [{"group": {"id": UNKNOWN}}]},
        {"decision": "non_identity", "include": [{"service_token": {"token_id": UNKNOWN}}]},
        {"decision": "bypass", "include": [{"email": {"email": "a@b.c"}}]},
        {"decision": "allow", "include": [{"everyone": {}}], "session_duration": "soon"},
    ],
)
def test_what_a_policy_may_not_be(account: ZeroTrust, body: dict[str, Any]) -> None:
    got = account.api("POST", "policies", {"name": "p", **body})

    assert got.refusal[:2] == (400, 12130)


def test_what_is_used_stays(account: ZeroTrust) -> None:
    token = account.made("service_tokens", name="deploy", duration="8760h")
    rule = {"service_token": {"token_id": token["id"]}}
    group = account.made("groups", name="ci", include=[rule])
    policy = account.policy({"group": {"id": group["id"]}}, decision="non_identity")
    app = account.app("admin.example.com", policy)

    refused = [
        account.api("DELETE", path).refusal[:2]
        for path in (
            f"service_tokens/{token['id']}",
            f"groups/{group['id']}",
            f"policies/{policy}",
        )
    ]

    assert [status for status, _ in refused] == [400, 409, 409]
    assert refused[0] == (400, 12139)
    for path in (
        f"apps/{app['id']}",
        f"policies/{policy}",
        f"groups/{group['id']}",
        f"service_tokens/{token['id']}",
    ):
        assert account.api("DELETE", path).status == 202


def test_a_secret_is_told_where_it_is_made_and_nowhere_else(account: ZeroTrust) -> None:
    body = {"name": "deploy", "duration": "8760h", "client_secret_version": 1}
    made = account.api("POST", "service_tokens", body).result
    path = f"service_tokens/{made['id']}"

    renamed = account.api("PUT", path, body | {"name": "other"}).result
    rotated = account.api(
        "PUT",
        path,
        body
        | {
            "client_secret_version": 2,
            "previous_client_secret_expires_at": "2999-01-01T00:00:00Z",
        },
    ).result
    posted = account.api("POST", f"{path}/rotate").result

    assert re.fullmatch("[0-9a-f]{32}[.]access", made["client_id"])
    assert re.fullmatch("cfast_[0-9a-f]{48}", made["client_secret"])
    secrets = {each["client_secret"] for each in (made, rotated, posted)}
    assert len(secrets) == 3
    for quiet in (
        renamed,
        account.api("GET", path).result,
        account.api("GET", "service_tokens").result,
    ):
        assert not [secret for secret in secrets if secret in str(quiet)]
    assert renamed["client_id"] == rotated["client_id"] == made["client_id"]
    assert renamed["expires_at"] == made["expires_at"]
    assert account.api("PUT", path, body).refusal[:2] == (400, 12130)


def test_without_zero_trust_there_is_nothing(account: ZeroTrust) -> None:
    for method, path in [
        ("GET", "apps"),
        ("POST", "policies"),
        ("GET", "service_tokens"),
        ("GET", "organizations"),
        ("GET", "identity_providers"),
    ]:
        got = account.api(method, path, {} if method == "POST" else None, account=BARE_ACCOUNT)
        assert got.refusal[1] == 9999
        assert got.refusal[2].startswith(f"{PREFIX}not_enabled: ")


def test_each_kind_has_a_permission_of_its_own(account: ZeroTrust) -> None:
    refused = (403, 10000, "Authentication error")

    assert account.api("GET", "apps", token=LIMITED).status == 200
    for method, path in [
        ("POST", "apps"),
        ("POST", "policies"),
        ("GET", "service_tokens"),
        ("GET", "organizations"),
        ("GET", "groups"),
    ]:
        got = account.api(method, path, {} if method == "POST" else None, token=LIMITED)
        assert got.refusal == refused


def test_what_is_not_there(account: ZeroTrust) -> None:
    not_found = (404, 12135, f"{PREFIX}not_found")

    for kind in ("policies", "groups", "service_tokens", "identity_providers"):
        assert account.api("GET", f"{kind}/{UNKNOWN}").refusal == not_found
    assert account.api("DELETE", f"policies/{UNKNOWN}").refusal == not_found


def test_the_organization_tells_its_team(account: ZeroTrust) -> None:
    found = account.api("GET", "organizations").result

    assert found["auth_domain"] == "team.cloudflareaccess.com"
    assert found["deny_unmatched_requests"] is False
    closed = account.api("PUT", "organizations", {"deny_unmatched_requests": True}).result
    assert closed == found | {
        "deny_unmatched_requests": True,
        "updated_at": closed["updated_at"],
    }
    (login,) = account.api("GET", "identity_providers").result
    assert login["type"] == "onetimepin"


def test_keys_are_rotated_and_the_former_one_stays_good(account: ZeroTrust) -> None:
    def shown() -> list[str]:
        (organization,) = [
            thing
            for thing in account.control("GET", "/dump")["access"]
            if thing["kind"] == "organizations"
        ]
        return [key["kid"] for key in organization["hidden"]["keys"]]

    account.api("GET", "keys")
    (first,) = shown()
    account.api("POST", "keys/rotate")
    second = shown()
    account.api("POST", "keys/rotate")
    third = shown()

    assert second[1:] == [first]
    assert third[1:] == second[:1]
    assert "pem" not in str(account.api("GET", "organizations").json)


def test_an_answer_can_be_lost_after_the_object_was_made(account: ZeroTrust) -> None:
    account.control("POST", "/faults", {"path_regex": "/access/apps$", "drop": True, "after_commit": True, "times": 1})  # fmt: skip

    with pytest.raises(ConnectionError):
        account.api("POST", "apps", app_body("admin.example.com"))

    assert len(account.api("GET", "apps").result) == 1
    account.control("POST", "/faults", {"path_regex": "/access/", "code": 12135})
    assert account.api("GET", "apps").refusal[:2] == (404, 12135)
