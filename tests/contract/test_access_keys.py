"""Each key of a site's `access`, from the stack file to the request at Cloudflare's API, by both plugins.

After a refresh nothing differs: what the API gives back is what the stack asks for.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.plugin import Made, Plugin, running
from tests.contract.test_access_recipes import with_ids
from tests.existing.conftest import ACCOUNT, Cloudflare
from tests.program.conftest import Program, cloudflare, program
from tests.program.test_access import (
    HOW,
    ID,
    KINDS,
    MARK,
    OF_TOKENS,
    OTHER_ID,
    protected,
    there_are,
)
from tests.real import official_plugin
from tests.sandbox.zero_trust import ZeroTrust

__all__ = ["cloudflare", "program"]

GIVEN, GIVEN_IDS = "given by the API", ("externalGroups", "serviceTokens")
RULES: dict[str, Any] = {
    "emails": [{"email": {"email": "ann@example.com"}}, {"email": {"email": "o'brien+\u00e4@example.com"}}],
    "emailDomains": [{"email_domain": {"domain": "example.org"}}],
    "ips": [{"ip": {"ip": each}} for each in ("192.0.2.1/32", "198.51.100.0/24", "2001:db8::/32")],
    "countries": [{"geo": {"country_code": "AT"}}],
    "loginMethods": [{"login_method": {"id": ID}}],
    "externalGroups": [{"group": {"id": GIVEN}}],
    "everyone": [{"everyone": {}}],
    "anyServiceToken": [{"any_valid_service_token": {}}],
    "serviceTokens": [{"service_token": {"token_id": GIVEN}}],
}  # fmt: skip
"""What is sent of each kind of visitor in `KINDS`."""
SENT: dict[str, Any] = {
    "session": {"session_duration": "30m"},
    "denyText": {"custom_deny_message": HOW["denyText"][0]["denyText"]},
    "denyUrl": {"custom_deny_url": "https://example.com/no?a=b"},
    "sameSite": {"same_site_cookie_attribute": "strict"},
    "bindingCookie": {"enable_binding_cookie": True},
    "one login method": {"allowed_idps": [ID], "auto_redirect_to_identity": True},
    "login methods": {"allowed_idps": [ID, OTHER_ID]},
    "appLauncher": {"app_launcher_visible": False},
    "cors for some": {
        "cors_headers": {
            "allowed_origins": ["https://a.example.com"],
            "allowed_methods": ["GET", "POST"],
            "allowed_headers": ["X-One"],
            "allow_credentials": True,
            "max_age": 60,
        }
    },
    "cors for all": {
        "cors_headers": dict.fromkeys(("allow_all_origins", "allow_all_methods", "allow_all_headers"), True)
    },
}  # fmt: skip
"""What is sent of each way in `HOW`."""


@pytest.fixture(params=["stand-in", pytest.param("official", marks=pytest.mark.long)])
def plugin(request: pytest.FixtureRequest, cloudflare: Cloudflare) -> Iterator[Plugin]:
    official = (
        official_plugin("cloudflare", "what is sent of each key of access")
        if request.param == "official"
        else None
    )
    with running(official, ZeroTrust({"api_url": cloudflare.api_url})) as plugin:
        yield plugin


def sent(
    program: Program, cloudflare: Cloudflare, plugin: Plugin, access: Any, **more: Any
) -> dict[str, Any]:
    """The bodies that a stack with this `access` sends, by the kind that they make."""
    there_are(cloudflare, ID, OTHER_ID)
    requests = protected(program, access, **more)
    before = len(cloudflare.control("/requests"))
    made: dict[str, Made] = {}
    for name, request in requests.items():
        if "/zeroTrustAccess" in request["type"]:
            kind, inputs = request["type"].rpartition(":")[2], with_ids(request["object"], made)
            made[name] = plugin.create(kind, inputs)
            seen = plugin.read(kind, made[name])
            assert seen is not None
            assert plugin.diff(kind, seen, inputs) == ([], [])
    asked = cloudflare.control("/requests")[before:]
    return {it["path"].rpartition("/")[2]: it["body"] for it in asked if it["method"] == "POST"}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_visitor_is_sent_as_a_rule(
    program: Program, cloudflare: Cloudflare, plugin: Plugin, kind: str
) -> None:
    value = KINDS[kind][0]
    if kind == "externalGroups":
        body = {"name": "g", "include": [{"everyone": {}}]}
        value = [cloudflare.api("POST", f"/accounts/{ACCOUNT}/access/groups", body)["id"]]

    policy = sent(program, cloudflare, plugin, "one", groups={"one": {kind: value}})["policies"]

    tokens = kind in OF_TOKENS
    for rule in policy["include"] if kind in GIVEN_IDS else ():
        for of_it in rule.values():
            of_it.update(dict.fromkeys(of_it, GIVEN))
    assert policy == {
        "name": f"one{'/tokens' if tokens else ''} ({MARK})",
        "decision": "non_identity" if tokens else "allow",
        "include": RULES[kind],
        "require": [],
        "exclude": [],
        "session_duration": "24h",
    }


def test_what_a_visitor_has_to_be_too_and_must_not_be_is_sent_beside(
    program: Program, cloudflare: Cloudflare, plugin: Plugin
) -> None:
    group = {
        "everyone": True,
        "require": {"countries": "AT", "loginMethods": ID},
        "exclude": {"emails": "eve@example.com", "ips": "192.0.2.0/24"},
    }

    policy = sent(program, cloudflare, plugin, "one", groups={"one": group})["policies"]

    assert policy["require"] == [{"geo": {"country_code": "AT"}}, {"login_method": {"id": ID}}]
    excluded = [{"email": {"email": "eve@example.com"}}, {"ip": {"ip": "192.0.2.0/24"}}]
    assert policy["exclude"] == excluded


@pytest.mark.parametrize("key", HOW)
def test_each_way_of_coming_in_is_sent_of_the_application(
    program: Program, cloudflare: Cloudflare, plugin: Plugin, key: str
) -> None:
    bodies = sent(program, cloudflare, plugin, {"groups": "staff", **HOW[key][0]})

    body = bodies["apps"]
    assert len(body.pop("policies")) == 1
    assert body == {
        "name": "www.example.com",
        "type": "self_hosted",
        "destinations": [{"type": "public", "uri": "www.example.com"}],
        "session_duration": "24h",
        "app_launcher_visible": True,
        "http_only_cookie_attribute": True,
        **SENT[key],
    }
    assert bodies["policies"]["session_duration"] == body["session_duration"]
