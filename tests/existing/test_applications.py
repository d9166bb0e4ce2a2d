"""What is at Cloudflare of Access, and what a preview says of it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from existing import OwnState
from existing import api as api_module
from existing.access.applications import AccessFound, look_at_access
from existing.api import Api
from existing.permissions import ACCESS, SERVICE_TOKENS
from settings import Access
from settings.reading.build import build
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
    return asked(stack(at, access={"team": TEAM, "groups": GROUPS, **more}), access, own)


def stack(at: Any, **more: Any) -> dict[str, Any]:
    """A stack with a site that has this `access`."""
    by_hand = {"access": {"required": True, "teamName": TEAM, "audTag": ["a" * 64]}}
    return {
        "accountId": ACCOUNT,
        "zones": [{"name": "example.com", "id": ZONE}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "access": {"team": TEAM, "groups": GROUPS},
        "sites": [
            {"hostname": NAME, "root": "/srv/www", **({} if at is None else {"access": at})},
            {"hostname": "pub.example.com", "root": "/srv/www", "access": "public"},
            {"hostname": "own.example.com", "root": "/srv/www", "originRequest": by_hand},
        ],
        **more,
    }


def asked(
    values: dict[str, Any], access: Access, own: OwnState | None = None, at: Path | None = None
) -> Told:
    findings, notices = Findings(), list[str]()
    settings = build(values, deployment="argoweb/prod", folder=at)
    result = look_at_access(settings, Api(access), own or OwnState(), findings, notices)
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
            "accountId": ACCOUNT,
            "sessionDuration": "24h",
            "includes": [{"email": {"email": "ann@example.com"}}],
            "requires": [],
            "excludes": [],
        }
        application = {
            **{key: self.application[key] for key in ("id", "aud", "name")},
            "accountId": ACCOUNT,
            "appLauncherVisible": True,
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
        f"GET {PATH}/policies",
        f"GET {PATH}/organizations",
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


@pytest.mark.parametrize("access", [True, False])
def test_one_that_was_made_and_is_wanted_no_more_is_told_since_it_asks_for_a_login(
    cloudflare: Cloudflare, made: Made, access: bool
) -> None:
    own = replace(made.state, applications={})
    values: dict[str, Any] = {
        "accountId": ACCOUNT,
        "zones": [{"name": "example.com", "id": ZONE}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "sites": [{"hostname": NAME, "root": "/srv/www"}],
        **({"access": {"team": TEAM, "groups": GROUPS}} if access else {}),
    }
    other = {"name": "theirs", "type": "self_hosted", "domain": "pub.example.com"}
    cloudflare.api("POST", f"{PATH}/apps", other)

    result = asked(values, cloudflare.access(), own)
    text = f"'{NAME}' has an Access application ({made.application['id']}) that an update of this stack"

    (warning,) = [line for line in result.said if line.startswith(text)]
    assert "give the site its `access` back for one `pulumi up`" in warning
    assert result.problems == []
    assert not [
        line for line in told(cloudflare.access(), own=own).said if "broke off, and" in line
    ]


def test_an_open_one_that_is_wanted_no_more_is_told_since_it_asks_for_nothing(
    cloudflare: Cloudflare, made: Made
) -> None:
    policy = {"name": f"public ({MARK})", "decision": "bypass", "include": [{"everyone": {}}]}
    policies = [{"id": cloudflare.api("POST", f"{PATH}/policies", policy)["id"], "precedence": 1}]
    body = {"name": f"{NAME}/hook/*", "type": "self_hosted", "domain": f"{NAME}/hook/*"}
    cloudflare.api("POST", f"{PATH}/apps", {**body, "policies": policies})

    (warning,) = [
        line for line in told(cloudflare.access(), own=made.state).said if "broke off, and" in line
    ]

    assert warning.startswith(f"'{NAME}/hook/*' has an Access application (")
    assert "it lets everybody through there" in warning


@pytest.mark.parametrize("kind", ["policy", "token"])
def test_a_policy_or_a_token_that_is_gone_stops_it_too(
    cloudflare: Cloudflare, made: Made, kind: str
) -> None:
    token = {"id": "gone", "name": f"deploy ({MARK})", "accountId": ACCOUNT}
    own = replace(made.state, tokens=(token,)) if kind == "token" else made.state
    if kind == "policy":
        cloudflare.api(
            "PUT", f"{PATH}/apps/{made.application['id']}", {**made.body, "policies": []}
        )
        cloudflare.api("DELETE", f"{PATH}/policies/{made.policy['id']}")

    (problem,) = told(cloudflare.access(), own=own).problems

    name, effect = {
        "policy": (f"Access policy 'staff ({MARK})'", "nobody comes in by it"),
        "token": (f"service token 'deploy ({MARK})'", "no program comes in with it"),
    }[kind]
    assert problem.startswith(f"The {name} that this stack made is gone at Cloudflare: {effect}.")
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
    name = "theirs\x1b[2J"
    body = {"name": name, "type": "self_hosted", "domain": NAME, "policies": policies}
    theirs = cloudflare.api("POST", f"{PATH}/apps", body)

    (problem,) = told(cloudflare.access()).problems
    followed = told(cloudflare.access(), {"application": theirs["id"]})

    assert problem.startswith(
        f"argoweb:sites[0]: '{NAME}' has an Access application that is not of this stack: {name!r} ("
    )
    assert problem.isprintable()
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
    of_a_team_alone = told(cloudflare.access(), "public", groups={}).found.applications

    assert result.problems == []
    made = {it.uri: [policy.decision for policy in it.policies] for it in result.found.applications}
    refused = exempted != ["example.com"]
    assert made == {NAME: ["allow"], **({"pub.example.com": ["bypass"]} if refused else {})}
    assert [it.uri for it in of_a_team_alone] == ([NAME, "pub.example.com"] if refused else [])
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


def site(hostname: str, access: str) -> dict[str, Any]:
    return {"hostname": hostname, "root": "/srv/www", "access": access}


def test_what_becomes_public_beside_a_wildcard_that_does_not_is_warned_of(
    cloudflare: Cloudflare, made: Made
) -> None:
    everywhere = Made(cloudflare, "*.example.com")
    was = replace(made.state, applications={**made.state.applications, **everywhere.state.applications}, policies=(*made.state.policies, *everywhere.state.policies))  # fmt: skip
    sites = [
        site(NAME, "public"),
        site("new.example.com", "public"),
        site("*.example.com", "staff"),
    ]

    said = asked(stack(None, sites=sites), cloudflare.access(), was).said

    assert [line for line in said if "becomes" in line] == [
        f"argoweb:sites[{place}]: {name} becomes public: everybody may come in, without a login."
        for place, name in enumerate((NAME, "new.example.com"))
    ]


@pytest.mark.parametrize(("access", "told"), [("public", 1), ("staff", 0)])
def test_a_site_that_leaves_its_hostname_to_a_public_wildcard_is_warned_of(
    cloudflare: Cloudflare, made: Made, access: str, told: int
) -> None:
    sites = [site("*.example.com", access)]

    said = asked(stack(None, sites=sites), cloudflare.access(), made.state).said

    assert [line for line in said if "becomes" in line] == told * [
        f"argoweb:sites[0]: {NAME} becomes public: everybody may come in, without a login."
    ]


def test_what_is_opened_within_a_protected_path_is_warned_of(
    cloudflare: Cloudflare, made: Made
) -> None:
    admin = Made(cloudflare, f"{NAME}/admin/*")
    closed = {"path": "^/admin/", "access": {"groups": "staff", "except": "^/admin/hook/"}}
    sites = [{**site(NAME, "staff"), **closed}, site(NAME, "public")]

    said = asked(stack(None, sites=sites), cloudflare.access(), admin.state).said

    assert [line for line in said if "becomes" in line] == [
        f"argoweb:sites[0].access.except: {NAME}/admin/hook/* becomes public: everybody may come in, without a login."
    ]


def test_an_application_of_the_stack_that_somebody_gave_another_hostname_is_no_strangers(
    cloudflare: Cloudflare, made: Made
) -> None:
    other = "more.example.com"
    both = [{"type": "public", "uri": uri} for uri in (NAME, other)]
    path = f"{PATH}/apps/{made.application['id']}"
    cloudflare.api("PUT", path, {**made.body, "destinations": both})
    sites = [site(NAME, "staff"), site(other, "staff")]

    in_the_state = asked(stack(None, sites=sites), cloudflare.access(), made.state)
    lost = asked(stack(None, sites=sites), cloudflare.access())

    assert in_the_state.problems == []
    assert "its `destinations` is" in "".join(in_the_state.said)
    assert lost.found.taken_in == {"staff": made.policy["id"]}
    assert all("has an Access application that is not of this stack" in it for it in lost.problems)
    assert len(lost.problems) == 2


def by_hand(cloudflare: Cloudflare, *uris: str, decision: str = "allow") -> str:
    """Somebody else's application; its id."""
    rule = {"name": "visitors", "decision": decision, "include": EVERYBODY}
    policy = cloudflare.api("POST", f"{PATH}/policies", rule)["id"]
    body = {
        "name": "By hand",
        "type": "self_hosted",
        "destinations": [{"type": "public", "uri": uri} for uri in uris],
        "policies": [{"id": policy, "precedence": 1}],
    }
    return str(cloudflare.api("POST", f"{PATH}/apps", body)["id"])


@pytest.mark.parametrize("uri", ["pub.example.com", "*.example.com", "pub.example.com/admin"])
def test_a_public_site_at_which_somebody_elses_application_asks_for_a_login_is_named(
    cloudflare: Cloudflare, uri: str
) -> None:
    id = by_hand(cloudflare, "elsewhere.example.com", uri)

    result = told(cloudflare.access())

    (warning,) = [line for line in result.said if "(access-foreign)" in line or "By hand" in line]
    assert warning.startswith(
        f"argoweb:sites[1]: 'pub.example.com' is for everybody, but at '{uri}'"
    )
    assert f"'By hand' ({id})" in warning
    assert warning.endswith(f"pulumi config set --path 'argoweb:sites[1].access.application' {id}")
    assert not [line for line in result.said if "everybody, without a login: pub" in line]


def test_a_site_of_a_file_is_given_an_application_by_hand(
    cloudflare: Cloudflare, tmp_path: Path
) -> None:
    id = by_hand(cloudflare, NAME)
    (tmp_path / "more.yaml").write_text(f"[{{hostname: {NAME}, root: /srv/www, access: staff}}]")

    result = asked(stack(None, sites=[], sitesFile="more.yaml"), cloudflare.access(), at=tmp_path)

    (problem,) = result.problems
    assert problem.startswith("more.yaml[0]: ")
    assert problem.endswith(f"go on with it: `access.application: {id}` at more.yaml[0]")


def test_an_application_that_lets_everybody_in_asks_nobody_for_a_login(
    cloudflare: Cloudflare,
) -> None:
    by_hand(cloudflare, "pub.example.com", decision="bypass")

    assert "By hand" not in "".join(told(cloudflare.access()).said)


def test_of_a_site_that_names_no_application_any_more_it_is_said_that_it_still_asks(
    cloudflare: Cloudflare,
) -> None:
    id = by_hand(cloudflare, NAME)
    assert "By hand" not in "".join(told(cloudflare.access(), {"application": id}).said)

    said = told(cloudflare.access(), "public").said

    assert [line for line in said if f"'By hand' ({id})" in line]


EDITS: dict[str, tuple[dict[str, Any], str]] = {
    "session": ({"session_duration": "700h"}, 'its `session_duration` is "700h"'),
    "text": ({"custom_deny_message": "\u202eno"}, 'its `custom_deny_message` is "\\u202eno"'),
    "url": ({"custom_deny_url": "https://example.com"}, 'its `custom_deny_url` is "https://example.com"'),
    "cookie": ({"same_site_cookie_attribute": "none"}, 'its `same_site_cookie_attribute` is "none"'),
    "binding": ({"enable_binding_cookie": True}, "its `enable_binding_cookie` is true"),
    "launcher": ({"app_launcher_visible": False}, "its `app_launcher_visible` is false"),
    "cors": ({"cors_headers": {"allow_all_origins": True}}, 'its `cors_headers` is {"allow_all_origins": true}'),
    "name": ({"name": "other"}, 'its `name` is "other"'),
    "hostname": (
        {"destinations": [{"type": "public", "uri": "pub.example.com"}]},
        'its `destinations` is [{"type": "public", "uri": "pub.example.com"}]',
    ),
    "nobody": ({"policies": []}, "its policies are none"),
}  # fmt: skip


def edited(cloudflare: Cloudflare, made: Made) -> list[str]:
    """What a preview says that somebody else has changed."""
    said = told(cloudflare.access(), own=made.state).said
    found = [line for line in said if "by somebody else" in line]
    return [it for line in found for it in re.findall(r"^  - (.*)$", line, re.MULTILINE)]


@pytest.mark.parametrize("edit", EDITS)
def test_what_somebody_else_changed_of_an_application_is_named(
    cloudflare: Cloudflare, made: Made, edit: str
) -> None:
    body, line = EDITS[edit]
    assert edited(cloudflare, made) == []

    cloudflare.api("PUT", f"{PATH}/apps/{made.application['id']}", {**made.body, **body})

    assert edited(cloudflare, made) == [f"'{NAME}': {line}"]


def test_an_application_with_another_audience_is_named(cloudflare: Cloudflare, made: Made) -> None:
    own = made.state
    (application,) = own.applications.values()
    other = replace(own, applications={NAME: {**application, "aud": "f" * 64}})

    (warning,) = [it for it in told(cloudflare.access(), own=other).said if "somebody else" in it]

    assert f"'{NAME}': its `aud` is \"{made.application['aud']}\"" in warning


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("include", [{"email": {"email": "ann@example.com"}}, {"email": {"email": "eve@example.org"}}]),
        ("require", [{"geo": {"country_code": "AT"}}]),
        ("exclude", [{"ip": {"ip": "192.0.2.0/24"}}]),
        ("decision", "deny"),
        ("session_duration", "700h"),
    ],
)  # fmt: skip
def test_what_somebody_else_changed_of_a_policy_is_named(
    cloudflare: Cloudflare, made: Made, key: str, value: Any
) -> None:
    keys = ("name", "decision", "include", "session_duration")
    policy = {each: made.policy[each] for each in keys} | {key: value}

    cloudflare.api("PUT", f"{PATH}/policies/{made.policy['id']}", policy)

    assert edited(cloudflare, made) == [
        f"'{NAME}': the policy 'staff ({MARK})' has another `{key}`"
    ]


def test_another_policy_before_the_stacks_is_named(cloudflare: Cloudflare, made: Made) -> None:
    body = {"name": "everybody", "decision": "bypass", "include": EVERYBODY}
    there = cloudflare.api("POST", f"{PATH}/policies", body)["id"]
    policies = [{"id": there, "precedence": 1}, {"id": made.policy["id"], "precedence": 2}]
    cloudflare.api(
        "PUT", f"{PATH}/apps/{made.application['id']}", {**made.body, "policies": policies}
    )

    assert edited(cloudflare, made) == [f"'{NAME}': its policies are 'everybody', 'staff ({MARK})'"]
