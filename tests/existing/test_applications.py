"""What is at Cloudflare of Access, and what a preview says of it."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pytest

from existing import OwnState
from existing import api as api_module
from existing.api import Api
from existing.applications import AccessFound, access_found
from existing.permissions import ACCESS, SERVICE_TOKENS
from settings import Access
from settings.build import build
from tests.existing.conftest import ACCOUNT, TEAM, ZONE, Cloudflare
from values.findings import Findings

NAME, MARK = "www.example.com", "argoweb argoweb/prod"
PATH = f"/accounts/{ACCOUNT}/access"
GROUPS = {"staff": {"emails": "ann@example.com"}, "ci": {"serviceTokens": "deploy"}}
EVERYBODY: list[Any] = [{"everyone": {}}]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another without a pause."""
    monkeypatch.setattr(api_module, "_PAUSE", 0.0)


@pytest.fixture(autouse=True)
def preview(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are previews."""
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)


@dataclass(frozen=True)
class Told:
    """What a preview knows of Access."""

    found: AccessFound
    problems: list[str]
    said: list[str]
    """Warnings and notices."""


def told(access: Access, at: Any = "staff", own: OwnState | None = None, **more: Any) -> Told:
    """What is told of a stack with a site that has this `access`."""
    values = {
        "accountId": ACCOUNT,
        "zones": [{"name": "example.com", "id": ZONE}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "access": {"team": TEAM, "groups": GROUPS, **more},
        "sites": [
            {"hostname": NAME, "root": "/srv/www", **({} if at is None else {"access": at})},
            {"hostname": "pub.example.com", "root": "/srv/www", "access": "public"},
        ],
    }
    return asked(values, access, own)


def asked(values: dict[str, Any], access: Access, own: OwnState | None = None) -> Told:
    findings, notices = Findings(), list[str]()
    settings = build(values, deployment="argoweb/prod")
    result = access_found(settings, Api(access), own or OwnState(), findings, notices)
    return Told(result, [*map(str, findings.errors)], [*map(str, findings.warnings), *notices])


class Made:
    """The stack's own policy and application, as its state has them."""

    def __init__(self, cloudflare: Cloudflare, uri: str = NAME) -> None:
        policy = {
            "name": f"staff ({MARK})",
            "decision": "allow",
            "include": [{"email": {"email": "ann@example.com"}}],
            "session_duration": "24h",
        }
        self.policy = cloudflare.api("POST", f"{PATH}/policies", policy)
        self.body = {
            "name": uri,
            "type": "self_hosted",
            "destinations": [{"type": "public", "uri": uri}],
            "policies": [{"id": self.policy["id"], "precedence": 1}],
        }
        self.application = cloudflare.api("POST", f"{PATH}/apps", self.body)

    @property
    def state(self) -> OwnState:
        policy = {
            **{key: self.policy[key] for key in ("id", "name", "decision")},
            "includes": [{"email": {"email": "ann@example.com"}}],
            "requires": [],
            "excludes": [],
        }
        application = {
            "id": self.application["id"],
            "accountId": ACCOUNT,
            "destinations": self.body["destinations"],
            "policies": self.body["policies"],
            "sessionDuration": "24h",
        }
        return OwnState(
            applications={application["destinations"][0]["uri"]: application}, policies=(policy,)
        )


@pytest.fixture
def made(cloudflare: Cloudflare) -> Made:
    return Made(cloudflare)


def test_a_stack_without_any_of_it_asks_nothing(cloudflare: Cloudflare) -> None:
    values = {
        "accountId": ACCOUNT,
        "zones": [{"name": "example.com", "id": ZONE}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "sites": [{"hostname": NAME, "root": "/srv/www"}],
    }
    before = cloudflare.asked()

    assert asked(values, cloudflare.access()) == Told(AccessFound(), [], [])
    assert cloudflare.asked() == before


def test_what_is_there_twice_since_the_provider_tried_again_is_taken_in_to_be_deleted(
    cloudflare: Cloudflare, made: Made
) -> None:
    body = {key: made.policy[key] for key in ("name", "decision", "include", "session_duration")}
    twice = cloudflare.api("POST", f"{PATH}/policies", body)["id"]
    used = cloudflare.api("POST", f"{PATH}/policies", body)["id"]
    app = {"name": "by hand", "type": "self_hosted", "domain": "pub.example.com"}
    cloudflare.api("POST", f"{PATH}/apps", {**app, "policies": [{"id": used, "precedence": 1}]})

    found = told(cloudflare.access(), own=made.state).found

    assert {id: it.name for id, it in found.lost_policies.items()} == {twice: f"staff ({MARK})"}
    assert found.taken_in == {}


def test_a_stack_with_all_of_it_in_its_state_asks_for_its_kinds_and_the_organisation_alone(
    cloudflare: Cloudflare, made: Made
) -> None:
    before = len(cloudflare.asked())

    result = told(cloudflare.access(), own=made.state)

    assert result.problems == []
    assert (result.found.taken_in, result.found.lost_tokens) == ({}, {})
    assert [line.partition("?")[0] for line in cloudflare.asked()[before:]] == [
        f"GET {PATH}/apps",
        f"GET {PATH}/organizations",
        f"GET {PATH}/policies",
    ]


def test_an_application_that_is_gone_stops_the_preview_whether_its_site_is_protected_still_or_not(
    cloudflare: Cloudflare, made: Made
) -> None:
    cloudflare.api("DELETE", f"{PATH}/apps/{made.application['id']}")

    for at in ("staff", "public"):
        (problem,) = told(cloudflare.access(), at, made.state).problems
        assert problem.startswith(
            f"The Access application of '{NAME}' that this stack made is gone"
        )
        assert "Run `pulumi refresh` first" in problem


def test_an_application_in_an_account_that_the_stack_leaves_is_no_matter_of_the_new_one(
    cloudflare: Cloudflare, made: Made
) -> None:
    (application,) = made.state.applications.values()
    elsewhere = OwnState(applications={NAME: {**application, "accountId": "8" * 32, "id": "gone"}})

    assert not [
        it for it in told(cloudflare.access(), "public", elsewhere).problems if "is gone" in it
    ]


def test_what_an_update_made_before_it_broke_off_is_taken_in(
    cloudflare: Cloudflare, made: Made
) -> None:
    token = cloudflare.api("POST", f"{PATH}/service_tokens", {"name": f"deploy ({MARK})"})
    others = cloudflare.api(
        "POST", f"{PATH}/service_tokens", {"name": "deploy (argoweb argoweb/other)"}
    )

    result = told(cloudflare.access(), ["staff", "ci"])

    assert result.problems == []
    assert result.found.taken_in == {NAME: made.application["id"], "staff": made.policy["id"]}
    assert {*result.found.lost_tokens} == {token["id"]} != {others["id"]}
    assert any("Taken in" in line and f"staff, {NAME}, deploy" in line for line in result.said)


@pytest.mark.parametrize("whose", ["nobody's", "another stack's", "partly ours"])
def test_somebody_elses_application_of_the_hostname_stops_the_preview(
    cloudflare: Cloudflare, whose: str
) -> None:
    policies = []
    for name in {
        "nobody's": [],
        "another stack's": ["staff (argoweb argoweb/other)"],
        "partly ours": [f"staff ({MARK})", "x"],
    }[whose]:
        body = {"name": name, "decision": "allow", "include": EVERYBODY}
        policies.append({"id": cloudflare.api("POST", f"{PATH}/policies", body)["id"]})
    body = {"name": "theirs", "type": "self_hosted", "domain": NAME, "policies": policies}
    theirs = cloudflare.api("POST", f"{PATH}/apps", body)

    (problem,) = told(cloudflare.access()).problems
    followed = told(cloudflare.access(), {"application": theirs["id"]})

    assert problem.startswith(
        f"argoweb:sites[0]: '{NAME}' has an Access application that is not of this stack: 'theirs'"
    )
    assert (
        f"pulumi config set --path 'argoweb:sites[0].access.application' {theirs['id']}" in problem
    )
    assert followed.problems == []
    assert followed.found.audiences == {NAME: theirs["aud"]}


def test_an_application_by_id_has_to_be_one_and_of_the_hostname(cloudflare: Cloudflare) -> None:
    body = {"name": "other", "type": "self_hosted", "domain": "other.example.com"}
    other = cloudflare.api("POST", f"{PATH}/apps", body)["id"]
    unknown = "11111111-1111-4111-8111-111111111111"

    (missing,) = told(cloudflare.access(), {"application": unknown}).problems
    (elsewhere,) = told(cloudflare.access(), {"application": other}).problems

    assert (
        missing
        == f"argoweb:sites[0].access.application: the account has no Access application {unknown}."
    )
    assert f"'other' is one of other.example.com, and not of '{NAME}'" in elsewhere


@pytest.mark.parametrize("key", ["policies", "loginMethods", "externalGroups"])
def test_an_id_that_the_account_does_not_have_is_named(cloudflare: Cloudflare, key: str) -> None:
    unknown = "11111111-1111-4111-8111-111111111111"
    groups = {"staff": {"externalGroups": unknown}} if key == "externalGroups" else GROUPS
    at = "staff" if key == "externalGroups" else {"groups": "staff", key: unknown}

    (problem,) = told(cloudflare.access(), at, groups=groups).problems

    assert problem.startswith(f"argoweb:access: the account has no '{unknown}' among its Access ")


def test_a_team_that_is_not_the_accounts_stops_the_preview_with_the_right_one(
    cloudflare: Cloudflare,
) -> None:
    (problem,) = told(cloudflare.access(), team="exmaple").problems

    assert problem.startswith(f"argoweb:access.team: is 'exmaple', but the account's is '{TEAM}'")
    assert problem.endswith(f"pulumi config set --path argoweb:access.team {TEAM}")


@pytest.mark.parametrize("exempted", [[], ["example.com"], ["other.com"]])
def test_where_the_account_refuses_unknown_hostnames_public_sites_get_an_application_for_everybody(
    cloudflare: Cloudflare, exempted: list[str]
) -> None:
    seed = {
        "account_id": ACCOUNT,
        "team": TEAM,
        "deny_unmatched_requests": True,
        "deny_unmatched_requests_exempted_zone_names": exempted,
    }
    cloudflare.control("/seed", {"organizations": [seed]})

    result = told(cloudflare.access())

    assert result.problems == []
    made = {it.uri: [policy.decision for policy in it.policies] for it in result.found.applications}
    refused = exempted != ["example.com"]
    assert made == {NAME: ["allow"], **({"pub.example.com": ["bypass"]} if refused else {})}
    assert any("deny_unmatched_requests" in line for line in result.said) == refused


@pytest.mark.parametrize(
    ("permissions", "at", "missing"),
    [
        ([], "staff", ACCESS),
        (["access:read", "access_organizations:read"], "ci", SERVICE_TOKENS),
        (["access:read"], "staff", None),
        (
            ["access:read"],
            {"groups": "staff", "loginMethods": "1" * 8 + "-1111-4111-8111-" + "1" * 12},
            None,
        ),
    ],
)
def test_a_missing_permission_is_named_where_it_is_needed(
    cloudflare: Cloudflare, permissions: list[str], at: Any, missing: str | None
) -> None:
    cloudflare.control("/seed", {"tokens": [{"value": "P" * 40, "permissions": permissions}]})

    problems = told(cloudflare.access("P" * 40), at).problems

    assert len(problems) == (missing is not None)
    assert all(missing in problem for problem in problems if missing)


def test_an_account_without_zero_trust_is_told_where_to_set_it_up(cloudflare: Cloudflare) -> None:
    other = "9" * 32
    values = {
        "accountId": other,
        "zones": [{"name": "example.com", "id": ZONE}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "access": {"team": TEAM, "groups": GROUPS},
        "sites": [{"hostname": NAME, "root": "/srv/www", "access": "staff"}],
    }
    (problem,) = asked(values, cloudflare.access()).problems

    assert problem.startswith("argoweb:access: GET ")
    assert "9999" in problem
    assert "choose a team name" in problem


def test_who_may_come_in_is_listed_with_what_changes_in_it(
    cloudflare: Cloudflare, made: Made
) -> None:
    group = {
        "emailDomains": "example.org",
        "require": {"countries": "AT"},
        "exclude": {"emails": "eve@example.org"},
    }

    said = told(
        cloudflare.access(),
        {"groups": "staff", "session": "8h"},
        made.state,
        groups={"staff": group},
    ).said

    (listed,) = [line for line in said if line.startswith("Who may come in")]
    assert listed.splitlines()[1:] == [
        f"  {NAME}: staff: @example.org, staff: only from AT, staff: not eve@example.org, for 8h",
        "    + staff: @example.org",
        "    + staff: only from AT",
        "    + staff: not eve@example.org",
        "    + for 8h",
        "    - staff: ann@example.com",
        "    - for 24h",
        "  everybody, without a login: pub.example.com",
    ]


def test_what_becomes_public_is_warned_of(cloudflare: Cloudflare, made: Made) -> None:
    warning = "{} becomes public: everybody may come in, without a login."

    opened = {"groups": "staff", "except": "^/hook/"}
    said = [
        line
        for at in ("public", opened, "staff")
        for line in told(cloudflare.access(), at, made.state).said
    ]

    assert [line for line in said if "becomes" in line] == [
        f"argoweb:sites[0]: {warning.format(NAME)}",
        f"argoweb:sites[0].access.except: {warning.format(f'{NAME}/hook/*')}",
    ]


@pytest.mark.parametrize("edit", ["policies", "include", "session_duration"])
def test_what_somebody_else_changed_is_named(cloudflare: Cloudflare, made: Made, edit: str) -> None:
    application = f"{PATH}/apps/{made.application['id']}"
    if edit == "include":
        policy = {key: made.policy[key] for key in ("name", "decision", "session_duration")}
        rules = [*made.policy["include"], {"email": {"email": "eve@example.org"}}]
        cloudflare.api("PUT", f"{PATH}/policies/{made.policy['id']}", {**policy, "include": rules})
    elif edit == "policies":
        body = {"name": "everybody", "decision": "bypass", "include": EVERYBODY}
        there = cloudflare.api("POST", f"{PATH}/policies", body)["id"]
        policies = [{"id": there, "precedence": 1}, {"id": made.policy["id"], "precedence": 2}]
        cloudflare.api("PUT", application, {**made.body, "policies": policies})
    else:
        cloudflare.api("PUT", application, {**made.body, "session_duration": "700h"})

    said = told(cloudflare.access(), own=made.state).said

    (warning,) = [line for line in said if "by somebody else" in line]
    assert {
        "policies": f"'{NAME}': its policies are 'everybody', 'staff ({MARK})'",
        "include": f"'{NAME}': the policy 'staff ({MARK})' has another `include`",
        "session_duration": f"'{NAME}': its session lasts 700h",
    }[edit] in warning
