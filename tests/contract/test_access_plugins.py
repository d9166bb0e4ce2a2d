"""The official cloudflare plugin and the stand-in: the same requests, previews and differences for Access."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.plugins.values import UNKNOWN, Properties, Secret
from tests.contract.plugin import Plugin, Refused, running, sent
from tests.real import official_plugin
from tests.sandbox import zero_trust
from tests.sandbox.zero_trust import ACCOUNT, ZeroTrust

POLICY, APP, TOKEN = (f"ZeroTrustAccess{word}" for word in ("Policy", "Application", "ServiceToken"))  # fmt: skip
ANN, BOB = {"email": {"email": "ann@example.com"}}, {"email": {"email": "bob@example.com"}}
STAFF: Properties = {
    "accountId": ACCOUNT,
    "name": "staff",
    "decision": "allow",
    "includes": [{"emailDomain": {"domain": "example.org"}}, BOB, ANN],
}
IN_ORDER = [ANN, BOB, {"emailDomain": {"domain": "example.org"}}]
WIRE_INCLUDE = [ANN, BOB, {"email_domain": {"domain": "example.org"}}]
DEPLOY: Properties = {"accountId": ACCOUNT, "name": "deploy"}


@pytest.fixture(params=["official", "stand-in"])
def program(request: pytest.FixtureRequest) -> Path | None:
    if request.param == "stand-in":
        return None
    return official_plugin("cloudflare", "what its Access has in common with the stand-in")


@pytest.fixture
def account(tmp_path: Path) -> Iterator[ZeroTrust]:
    with zero_trust.running(tmp_path) as account:
        yield account


@pytest.fixture
def plugin(program: Path | None, account: ZeroTrust) -> Iterator[Plugin]:
    with running(program, account) as plugin:
        yield plugin


def admin(*policies: str, uri: str = "admin.example.com", **more: Any) -> Properties:
    ordered = [{"id": each, "precedence": number} for number, each in enumerate(policies, 1)]
    return {
        "accountId": ACCOUNT,
        "name": "admin",
        "type": "self_hosted",
        "destinations": [{"type": "public", "uri": uri}],
        **({"policies": ordered} if ordered else {}),
        **more,
    }


def test_a_policy_is_made_changed_and_deleted(plugin: Plugin, account: ZeroTrust) -> None:
    shown = {**STAFF, "includes": IN_ORDER, "sessionDuration": "24h"}
    preview = plugin.preview(POLICY, STAFF)
    made = plugin.create(POLICY, STAFF)
    more = {**STAFF, "excludes": [{"ip": {"ip": "10.0.0.0/8"}}], "sessionDuration": "12h"}
    body = {"name": "staff", "decision": "allow", "include": WIRE_INCLUDE}

    assert preview == {**shown, "id": UNKNOWN}
    assert made.shown() == {**shown, "id": made.id}
    assert sent(account) == [("POST", "policies", {**body, "session_duration": "24h"})]
    assert plugin.diff(POLICY, made, STAFF) == ([], [])
    assert plugin.diff(POLICY, made, {**STAFF, "includes": IN_ORDER}) == ([], [])
    assert plugin.diff(POLICY, made, more) == (["excludes", "sessionDuration"], [])
    changed = plugin.update(POLICY, made, more)
    assert sent(account) == [
        (
            "PUT",
            f"policies/{made.id}",
            {**body, "session_duration": "12h", "exclude": [{"ip": {"ip": "10.0.0.0/8"}}]},
        )
    ]
    back = plugin.update(POLICY, changed, STAFF)
    assert sent(account) == [
        ("PUT", f"policies/{made.id}", {**body, "session_duration": "24h", "exclude": None})
    ]
    assert back.shown() == {**shown, "id": made.id}
    plugin.delete(POLICY, back)
    assert sent(account) == [("DELETE", f"policies/{made.id}", None)]
    assert plugin.read(POLICY, back) is None


def test_a_rule_in_each_form_is_read_back_as_it_was_written(
    plugin: Plugin, account: ZeroTrust
) -> None:
    group = account.made("groups", name="g", include=[{"everyone": {}}])["id"]
    token = account.made("service_tokens", name="t")["id"]
    rules: list[Properties] = [
        {"everyone": {}},
        {"ip": {"ip": "10.0.0.0/8"}},
        {"ipList": {"id": "l"}},
        {"geo": {"countryCode": "NO"}},
        {"loginMethod": {"id": "i"}},
        {"group": {"id": group}},
        {"serviceToken": {"tokenId": token}},
        {"anyValidServiceToken": {}},
        {"emailList": {"id": "l"}},
        {"azureAd": {"id": "a", "identityProviderId": "i"}},
        {"githubOrganization": {"name": "o", "identityProviderId": "i"}},
    ]
    inputs = {**STAFF, "includes": rules}
    sent(account)

    made = plugin.create(POLICY, inputs)
    seen = plugin.read(POLICY, made)

    assert seen is not None
    assert plugin.diff(POLICY, seen, inputs) == ([], [])
    (_, _, body), *_ = sent(account)
    assert {key for rule in body["include"] for key in rule} >= {
        *("azureAD", "github-organization", "ip_list", "service_token"),
    }


@pytest.mark.parametrize(
    ("rule", "session"), [({"ip": {"ip": "10.0.0.1"}}, "24h"), ({"everyone": {}}, "")]
)
def test_what_the_api_says_otherwise_differs_at_every_refresh(
    plugin: Plugin, rule: Properties, session: str
) -> None:
    inputs = {**STAFF, "includes": [rule], "sessionDuration": session}

    made = plugin.create(POLICY, inputs)
    seen = plugin.read(POLICY, made)

    assert seen is not None
    assert plugin.diff(POLICY, made, inputs) == ([], [])
    differing = "sessionDuration" if session == "" else "includes"
    assert plugin.diff(POLICY, seen, inputs) == ([differing], [])


def test_an_application_is_made_and_changed(plugin: Plugin, account: ZeroTrust) -> None:
    policy = account.policy()
    sent(account)
    inputs = admin(policy)
    filled = {"appLauncherVisible": True, "httpOnlyCookieAttribute": True, "sessionDuration": "24h"}
    body = {
        "name": "admin",
        "type": "self_hosted",
        "destinations": [{"type": "public", "uri": "admin.example.com"}],
        "policies": [{"id": policy, "precedence": 1}],
        "app_launcher_visible": True,
        "http_only_cookie_attribute": True,
        "session_duration": "24h",
    }

    unknown = dict.fromkeys(("id", "aud", "domain", "selfHostedDomains"), UNKNOWN)
    assert plugin.preview(APP, inputs) == {**inputs, **filled, **unknown}
    made = plugin.create(APP, inputs)
    assert sent(account) == [("POST", "apps", body)]
    aud = account.api("GET", f"apps/{made.id}").result["aud"]
    told = {"aud": aud, "domain": "admin.example.com", "selfHostedDomains": ["admin.example.com"]}
    assert made.shown() == {**inputs, **filled, **told, "id": made.id}
    assert plugin.diff(APP, made, inputs) == ([], [])
    sent(account)

    renamed = {**inputs, "name": "other"}
    assert plugin.diff(APP, made, renamed) == (["name"], [])
    assert plugin.update(APP, made, renamed, preview=True).shown()["aud"] == aud
    changed = plugin.update(APP, made, renamed)
    covered = {"domain": "admin.example.com", "self_hosted_domains": ["admin.example.com"]}
    assert sent(account) == [("PUT", f"apps/{made.id}", {**body, **covered, "name": "other"})]

    moved = {**renamed, "destinations": [{"type": "public", "uri": "new.example.com"}]}
    together = ["destinations", "domain", "selfHostedDomains"]
    assert plugin.diff(APP, changed, moved) == (together, [])
    preview = plugin.update(APP, changed, moved, preview=True).shown()
    assert (preview["domain"], preview["selfHostedDomains"]) == (UNKNOWN, UNKNOWN)
    moved_app = plugin.update(APP, changed, moved)
    assert sent(account) == [
        ("PUT", f"apps/{made.id}", {**body, "name": "other", "destinations": moved["destinations"]})
    ]
    assert moved_app.shown()["domain"] == "new.example.com"
    assert moved_app.shown()["aud"] == aud


def test_what_an_application_has_no_more_is_sent_as_null(
    plugin: Plugin, account: ZeroTrust
) -> None:
    much = admin(
        account.policy(),
        corsHeaders={"allowAllOrigins": True, "allowedMethods": ["GET", "POST"], "maxAge": 600},
        customDenyMessage="no",
        customDenyUrl="https://example.com/no",
        serviceAuth401Redirect=True,
        sameSiteCookieAttribute="lax",
        enableBindingCookie=True,
        httpOnlyCookieAttribute=False,
        sessionDuration="1h",
    )
    less = admin(corsHeaders={"allowAllOrigins": True, "allowedMethods": ["GET", "POST"]})

    made = plugin.create(APP, much)
    seen = plugin.read(APP, made)
    assert seen is not None
    assert plugin.diff(APP, seen, much) == ([], [])
    sent(account)
    after = plugin.update(APP, made, less)

    ((_, _, body),) = sent(account)
    gone = ("custom_deny_message", "custom_deny_url", "same_site_cookie_attribute")
    assert [body[name] for name in gone] == [None, None, None]
    assert (body["service_auth_401_redirect"], body["enable_binding_cookie"]) == (None, None)
    assert body["cors_headers"] == {
        "allow_all_origins": True,
        "allowed_methods": ["GET", "POST"],
        "max_age": None,
    }
    assert body["policies"] == []
    assert (body["session_duration"], body["http_only_cookie_attribute"]) == ("24h", True)
    assert "policies" not in after.shown()
    again = plugin.read(APP, after)
    assert again is not None
    assert plugin.diff(APP, again, less) == ([], [])


def test_policies_are_numbered_and_have_to_be_in_order(plugin: Plugin, account: ZeroTrust) -> None:
    one, two, three = (account.policy() for _ in range(3))
    plain = admin(policies=[{"id": one}, {"id": two, "precedence": 5}, {"id": three}])
    backwards = admin(
        uri="b.example.com",
        policies=[{"id": one, "precedence": 2}, {"id": two, "precedence": 1}],
    )

    numbered = plugin.create(APP, plain)
    wrong = plugin.create(APP, backwards)

    assert [each["precedence"] for each in numbered.shown()["policies"]] == [1, 5, 6]
    for made, inputs, differing in ((numbered, plain, []), (wrong, backwards, ["policies"])):
        seen = plugin.read(APP, made)
        assert seen is not None
        assert plugin.diff(APP, seen, inputs) == (differing, [])


def test_what_somebody_has_changed_is_seen_by_a_refresh(plugin: Plugin, account: ZeroTrust) -> None:
    inputs = admin(account.policy())
    made = plugin.create(APP, inputs)
    theirs = {"name": "admin", "type": "self_hosted", "domain": "admin.example.com"}
    account.api("PUT", f"apps/{made.id}", {**theirs, "policies": [], "custom_deny_message": "no"})

    seen = plugin.read(APP, made)

    assert seen is not None
    assert seen.shown()["customDenyMessage"] == "no"
    assert seen.inputs["policies"] == []
    assert plugin.diff(APP, seen, inputs) == (["customDenyMessage", "policies"], [])


def test_an_imported_application_differs_in_all_that_is_false(
    plugin: Plugin, account: ZeroTrust
) -> None:
    made = plugin.create(APP, admin())

    found = plugin.imported(APP, f"accounts/{ACCOUNT}/{made.id}")

    assert plugin.diff(APP, found, admin())[0] == [
        *("allowIframe", "autoRedirectToIdentity", "enableBindingCookie"),
        *("optionsPreflightBypass", "pathCookieAttribute", "serviceAuth401Redirect"),
        "skipInterstitial",
    ]
    assert found.inputs == {
        **admin(),
        "appLauncherVisible": True,
        "domain": "admin.example.com",
        "httpOnlyCookieAttribute": True,
        "selfHostedDomains": ["admin.example.com"],
        "sessionDuration": "24h",
    }


def test_an_imported_policy_is_as_one_that_was_made(plugin: Plugin, account: ZeroTrust) -> None:
    made = plugin.create(POLICY, STAFF)

    found = plugin.imported(POLICY, f"{ACCOUNT}/{made.id}")

    assert found.shown() == made.shown()
    assert plugin.diff(POLICY, found, STAFF) == ([], [])


def test_another_account_asks_for_another_object(plugin: Plugin, account: ZeroTrust) -> None:
    for type, inputs in ((POLICY, STAFF), (APP, admin()), (TOKEN, DEPLOY)):
        made = plugin.create(type, inputs)
        assert plugin.diff(type, made, {**inputs, "accountId": "f" * 32})[1] == ["accountId"]


def test_a_service_token_is_made_renamed_and_rotated(plugin: Plugin, account: ZeroTrust) -> None:
    path_body = {"client_secret_version": 1, "duration": "8760h", "name": "deploy"}
    preview = plugin.preview(TOKEN, DEPLOY)
    made = plugin.create(TOKEN, DEPLOY)
    until = "2999-01-01T00:00:00Z"
    rotating = {**DEPLOY, "clientSecretVersion": 2, "previousClientSecretExpiresAt": until}

    unknown = dict.fromkeys(("id", "clientId", "clientSecret", "expiresAt"), UNKNOWN)
    assert preview == {**DEPLOY, "clientSecretVersion": 1, "duration": "8760h", **unknown}
    assert sent(account) == [("POST", "service_tokens", path_body)]
    assert isinstance(made.raw["clientSecret"], Secret)
    assert plugin.diff(TOKEN, made, DEPLOY) == ([], [])
    assert plugin.diff(TOKEN, made, {**DEPLOY, "name": "x"}) == (["expiresAt", "name"], [])
    renamed = plugin.update(TOKEN, made, {**DEPLOY, "name": "x"})
    assert sent(account) == [("PUT", f"service_tokens/{made.id}", {**path_body, "name": "x"})]
    assert renamed.shown() == {**made.shown(), "name": "x"}
    assert plugin.diff(TOKEN, made, rotating) == (
        ["clientSecret", "clientSecretVersion", "expiresAt", "previousClientSecretExpiresAt"],
        [],
    )
    rotated = plugin.update(TOKEN, made, rotating)
    assert sent(account) == [
        (
            "PUT",
            f"service_tokens/{made.id}",
            {**path_body, "client_secret_version": 2, "previous_client_secret_expires_at": until},
        )
    ]
    assert rotated.shown()["clientSecret"] != made.shown()["clientSecret"]
    seen = plugin.read(TOKEN, rotated)
    assert seen is not None
    assert seen.shown() == rotated.shown()
    assert plugin.diff(TOKEN, seen, rotating) == ([], [])


def test_an_imported_service_token_has_no_secret_and_gets_none(
    plugin: Plugin, account: ZeroTrust
) -> None:
    made = plugin.create(TOKEN, DEPLOY)

    found = plugin.imported(TOKEN, f"accounts/{ACCOUNT}/{made.id}")

    assert plugin.diff(TOKEN, found, DEPLOY)[0] == [
        "clientSecret",
        "clientSecretVersion",
        "expiresAt",
    ]
    assert "clientSecret" not in found.shown()
    assert "clientSecret" not in plugin.update(TOKEN, found, DEPLOY).shown()


@pytest.mark.parametrize(
    ("type", "inputs", "words"),
    [
        (POLICY, {**STAFF, "decision": "maybe"}, "Attribute decision value must be one of"),
        (POLICY, {**STAFF, "includes": [{**ANN, "everyone": {}}]}, "at most 1 elements, got: 2"),
        (APP, admin(sessionDuration="1 day"), '"session_duration" only supports "ns"'),
        (APP, admin(policies=[{"id": "x", "precedence": 0}]), "value must be at least 1, got: 0"),
        (APP, admin(corsHeaders={"allowAllOrigins": True}), "No attribute specified when one"),
        (TOKEN, {**DEPLOY, "clientSecretVersion": 2}, '"previous_client_secret_expires_at" must be'),
        (
            TOKEN,
            {**DEPLOY, "clientSecretVersion": 2, "previousClientSecretExpiresAt": "soon"},
            "not valid RFC3339",
        ),
        (TOKEN, {"accountId": ACCOUNT}, "Missing required property 'name'"),
    ],
)  # fmt: skip
def test_what_is_refused_before_anything_is_sent(
    plugin: Plugin, type: str, inputs: Properties, words: str
) -> None:
    (problem,) = plugin.check(type, inputs)

    assert words in problem


def test_an_audience_that_is_not_known_yet_and_a_policy_that_is_not(
    plugin: Plugin,
) -> None:
    preview = plugin.preview(APP, admin(policies=[{"id": UNKNOWN, "precedence": 1}]))

    assert preview["policies"] == [{"id": UNKNOWN, "precedence": 1}]
    assert preview["aud"] is UNKNOWN


def test_how_a_refusal_of_the_api_is_told(plugin: Plugin, account: ZeroTrust) -> None:
    plugin.create(APP, admin())
    sent(account)

    with pytest.raises(
        Refused, match=r'^failed to make http request: POST "http.*: 409 Conflict .*11010'
    ):
        plugin.create(APP, admin())

    assert [entry["status"] for entry in account.control("GET", "/requests")] == [409] * 11


def test_what_is_gone_cannot_be_deleted(plugin: Plugin) -> None:
    for type, inputs in ((POLICY, STAFF), (APP, admin()), (TOKEN, DEPLOY)):
        made = plugin.create(type, inputs)
        plugin.delete(type, made)

        with pytest.raises(
            Refused, match=r'^failed to make http request: DELETE "http.*: 404 Not '
        ):
            plugin.delete(type, made)


def test_after_a_lost_answer_it_is_asked_again_which_makes_two(
    plugin: Plugin, account: ZeroTrust
) -> None:
    """Policies may have one name; an application may not have another one's host."""
    lost = {"method": "POST", "drop": True, "after_commit": True, "times": 1}
    account.control("POST", "/faults", {**lost, "path_regex": "/access/(policies|service_tokens)$"})

    made = plugin.create(POLICY, STAFF)
    account.control("POST", "/faults", {**lost, "path_regex": "/access/apps$"})
    with pytest.raises(Refused, match="11010"):
        plugin.create(APP, admin())

    policies = [each["id"] for each in account.api("GET", "policies").result]
    assert len(policies) == 2
    assert policies[1] == made.id
    assert len(account.api("GET", "apps").result) == 1


@pytest.mark.parametrize(
    "name", ['"; DROP', "a\nb", "Ødegård 語", "\\u0000", "</script>", " x ", "{{.}}", "${a}"]
)
def test_names_go_and_come_as_they_are(plugin: Plugin, account: ZeroTrust, name: str) -> None:
    inputs = {**STAFF, "name": name}

    made = plugin.create(POLICY, inputs)
    seen = plugin.read(POLICY, made)

    assert account.api("GET", f"policies/{made.id}").result["name"] == name
    assert seen is not None
    assert plugin.diff(POLICY, seen, inputs) == ([], [])


def test_after_a_tunnels_secret_was_added_no_text_is_sent(
    plugin: Plugin, account: ZeroTrust
) -> None:
    """A fault of the encoder, which all resources of a process share."""
    tunnels = account.addresses["api_url"] + f"/accounts/{ACCOUNT}/cfd_tunnel"
    headers = {"Authorization": f"Bearer {zero_trust.TOKEN}"}
    tunnel = zero_trust.asked("POST", tunnels, {"name": "t", "config_src": "local"}, headers).result
    found = plugin.imported("ZeroTrustTunnelCloudflared", f"{ACCOUNT}/{tunnel['id']}")
    secret = {"accountId": ACCOUNT, "name": "t", "configSrc": "local", "tunnelSecret": "c" * 44}
    plugin.update("ZeroTrustTunnelCloudflared", found, secret)
    sent(account)

    for type, inputs in ((POLICY, STAFF), (APP, admin("p")), (TOKEN, DEPLOY)):
        with pytest.raises(Refused):
            plugin.create(type, inputs)

    bodies = [body for _, _, body in sent(account)]
    assert bodies == [
        {"include": [{"email": {}}, {"email": {}}, {"email_domain": {}}]},
        {
            "app_launcher_visible": True,
            "http_only_cookie_attribute": True,
            "destinations": [{}],
            "policies": [{"precedence": 1}],
        },
        {"client_secret_version": 1},
    ]
