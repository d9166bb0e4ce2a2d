"""What the engine is asked for by stacks that say who may come in."""

import itertools
import re
from typing import Any

import pytest
import yaml

from tests.components.program import audience
from tests.conftest import ROOT
from tests.existing.conftest import ACCOUNT, TEAM, Cloudflare
from tests.program.conftest import Program
from tests.program.test_requests import Requests, secret, waits_for

MARK = "argoweb argoweb/prod"
APPLICATION, POLICY = "access-www.example.com", "access-policy-staff"
GROUPS = {
    "staff": {"emails": ["ann@example.com"]},
    "ci": {"serviceTokens": ["deploy"]},
    "mixed": {"emailDomains": ["example.org"], "anyServiceToken": True},
}
SECOND = {"hostname": "git.example.org", "service": "http://127.0.0.1:3001"}


def protected(program: Program, access: Any = "staff", **more: Any) -> Requests:
    """What is asked for with this `access` at www.example.com; the second site is public."""
    program.values["access"] = {"team": TEAM, "groups": GROUPS, **more}
    program.values["sites"] = [
        {"hostname": "www.example.com", "root": "/srv/www", "access": access},
        {"access": "public", **SECOND},
    ]
    return program.run()


def told(requests: Requests) -> dict[str, Any]:
    """Of each request what becomes of it: its inputs, and what it waits for."""
    return {
        name: (request["type"], request.get("object"), sorted(request.get("dependencies", ())))
        for name, request in requests.items()
    }


def rules(requests: Requests) -> list[dict[str, Any]]:
    """The rules of cloudflared's file but the last one."""
    found: list[dict[str, Any]] = yaml.safe_load(requests["web1-argoWeb.yml"]["object"]["stdin"])[
        "ingress"
    ]
    return found[:-1]


def asked(rule: dict[str, Any]) -> list[str]:
    """The audiences one of which a rule asks for; of none it asks for nothing."""
    access = rule.get("originRequest", {}).get("access")
    if access is None:
        return []
    assert (access["required"], access["teamName"]) == (True, TEAM)
    assert access["audTag"]
    return list(access["audTag"])


def test_a_stack_that_is_for_everybody_asks_for_the_same_things_as_before(
    program: Program, cloudflare: Cloudflare
) -> None:
    before = program.run()
    for site in program.values["sites"]:
        site["access"] = "public"

    assert told(program.run()) == told(before)
    assert not [line for line in cloudflare.asked() if "/access/" in line]


def test_a_protected_site_has_an_application_with_a_policy_and_its_rule_asks_for_its_token(
    program: Program,
) -> None:
    requests = protected(program)

    assert requests[APPLICATION]["object"] == {
        "accountId": ACCOUNT,
        "name": "www.example.com",
        "type": "self_hosted",
        "destinations": [{"type": "public", "uri": "www.example.com"}],
        "policies": [{"id": f"{POLICY}-id", "precedence": 1}],
        "sessionDuration": "24h",
        "appLauncherVisible": True,
    }
    assert requests[POLICY]["object"] == {
        "accountId": ACCOUNT,
        "name": f"staff ({MARK})",
        "decision": "allow",
        "includes": [{"email": {"email": "ann@example.com"}}],
        "requires": [],
        "excludes": [],
        "sessionDuration": "24h",
    }
    first, second = rules(requests)
    assert asked(first) == [audience(APPLICATION)]
    assert asked(second) == []


ID, OTHER_ID = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
KINDS: dict[str, tuple[Any, list[Any]]] = {
    "emails": (
        ["ann@example.com", "o'brien+\u00e4@example.com"],
        [{"email": {"email": "ann@example.com"}}, {"email": {"email": "o'brien+\u00e4@example.com"}}],
    ),
    "emailDomains": ("example.org", [{"emailDomain": {"domain": "example.org"}}]),
    "ips": (
        ["192.0.2.1", "2001:db8::/32", "198.51.100.0/24"],
        [{"ip": {"ip": "192.0.2.1/32"}}, {"ip": {"ip": "2001:db8::/32"}}, {"ip": {"ip": "198.51.100.0/24"}}],
    ),
    "countries": (["AT"], [{"geo": {"countryCode": "AT"}}]),
    "loginMethods": ([ID], [{"loginMethod": {"id": ID}}]),
    "externalGroups": ([ID], [{"group": {"id": ID}}]),
    "everyone": (True, [{"everyone": {}}]),
    "anyServiceToken": (True, [{"anyValidServiceToken": {}}]),
    "serviceTokens": (["deploy"], [{"serviceToken": {"tokenId": "access-token-deploy-id"}}]),
}  # fmt: skip
OF_TOKENS = ("anyServiceToken", "serviceTokens")


def there_are(cloudflare: Cloudflare, *ids: str) -> None:
    """Login methods and Access groups of these ids."""
    providers = [{"id": each, "name": each, "type": "onetimepin"} for each in ids]
    seed = {"account_id": ACCOUNT, "team": TEAM, "identity_providers": providers}
    cloudflare.control("/seed", {"organizations": [seed]})


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_visitor_is_a_rule_of_the_policy(
    program: Program, cloudflare: Cloudflare, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    there_are(cloudflare, ID)
    value, expected = KINDS[kind]
    if kind == "externalGroups":
        body = {"name": "g", "include": [{"everyone": {}}]}
        made = cloudflare.api("POST", f"/accounts/{ACCOUNT}/access/groups", body)["id"]
        value, expected = [made], [{"group": {"id": made}}]

    requests = protected(program, "one", groups={"one": {kind: value}})

    name = "access-policy-one/tokens" if kind in OF_TOKENS else "access-policy-one"
    assert requests[name]["object"]["includes"] == expected
    decision = "non_identity" if kind in OF_TOKENS else "allow"
    assert requests[name]["object"]["decision"] == decision


def test_what_a_visitor_has_to_be_too_and_must_not_be_stands_beside(program: Program) -> None:
    group = {
        "everyone": True,
        "serviceTokens": "deploy",
        "require": {"countries": "AT"},
        "exclude": {"emails": ["eve@example.com"], "ips": "192.0.2.0/24", "serviceTokens": "old"},
    }
    requests = protected(program, "one", groups={"one": group})

    people, tokens = (requests[f"access-policy-one{it}"]["object"] for it in ("", "/tokens"))
    network = {"ip": {"ip": "192.0.2.0/24"}}
    assert people["requires"] == tokens["requires"] == [{"geo": {"countryCode": "AT"}}]
    assert people["excludes"] == [{"email": {"email": "eve@example.com"}}, network]
    assert tokens["excludes"] == [network, {"serviceToken": {"tokenId": "access-token-old-id"}}]


HOW: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "session": ({"session": "30m"}, {"sessionDuration": "30m", "policies": [{"id": f"{POLICY}/30m-id", "precedence": 1}]}),
    "denyText": ({"denyText": 'No, "you" {{x}} <b>${y}</b>'}, {"customDenyMessage": 'No, "you" {{x}} <b>${y}</b>'}),
    "denyUrl": ({"denyUrl": "https://example.com/no?a=b"}, {"customDenyUrl": "https://example.com/no?a=b"}),
    "sameSite": ({"sameSite": "strict"}, {"sameSiteCookieAttribute": "strict"}),
    "bindingCookie": ({"bindingCookie": True}, {"enableBindingCookie": True}),
    "one login method": ({"loginMethods": ID}, {"allowedIdps": [ID], "autoRedirectToIdentity": True}),
    "login methods": ({"loginMethods": [ID, OTHER_ID]}, {"allowedIdps": [ID, OTHER_ID]}),
    "appLauncher": ({"appLauncher": False}, {"appLauncherVisible": False}),
    "cors for some": (
        {"cors": {"origins": "https://a.example.com", "methods": ["GET", "POST"], "headers": "X-One", "credentials": True, "maxAge": 60}},
        {"corsHeaders": {"allowedOrigins": ["https://a.example.com"], "allowedMethods": ["GET", "POST"], "allowedHeaders": ["X-One"], "allowCredentials": True, "maxAge": 60}},
    ),
    "cors for all": (
        {"cors": {"origins": "*"}},
        {"corsHeaders": {"allowAllOrigins": True, "allowAllMethods": True, "allowAllHeaders": True}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("key", HOW)
@pytest.mark.parametrize("at", ["site", "default"])
def test_each_key_of_access_is_one_of_the_application(
    program: Program, cloudflare: Cloudflare, key: str, at: str
) -> None:
    there_are(cloudflare, ID, OTHER_ID)
    given, expected = HOW[key]
    plain = protected(program)[APPLICATION]["object"]

    access = {"groups": ["staff"], **given}
    if at == "site":
        requests = protected(program, access)
    else:
        requests = protected(program, None, default=access)

    assert requests[APPLICATION]["object"] == plain | expected
    policy = requests[expected.get("policies", [{"id": f"{POLICY}-id"}])[0]["id"][:-3]]
    assert policy["object"]["sessionDuration"] == given.get("session", "24h")


def test_several_groups_are_asked_in_their_order_each_with_its_people_and_its_tokens(
    program: Program,
) -> None:
    requests = protected(program, ["mixed", "ci", "staff"])

    assert requests[APPLICATION]["object"]["policies"] == [
        {"id": f"access-policy-{key}-id", "precedence": place}
        for place, key in enumerate(("mixed", "mixed/tokens", "ci/tokens", "staff"), start=1)
    ]


def test_a_policy_and_an_application_that_are_there_already_are_named_by_id(
    program: Program, cloudflare: Cloudflare
) -> None:
    path = f"/accounts/{ACCOUNT}/access"
    body = {"name": "p", "decision": "allow", "include": [{"everyone": {}}]}
    policy = cloudflare.api("POST", f"{path}/policies", body)["id"]
    by_policy = protected(program, {"groups": "staff", "policies": [policy]})
    app = {"name": "a", "type": "self_hosted", "domain": "www.example.com"}
    application = cloudflare.api("POST", f"{path}/apps", app)
    by_application = protected(program, {"application": application["id"]})

    assert by_policy[APPLICATION]["object"]["policies"][1] == {"id": policy, "precedence": 2}
    assert APPLICATION not in by_application
    assert asked(rules(by_application)[0]) == [application["aud"]]


def test_a_default_protects_each_site_that_does_not_say_that_it_is_public(
    program: Program,
) -> None:
    program.values["sites"] = [
        {"hostname": "www.example.com", "root": "/srv/www"},
        {"hostname": "pub.example.com", "root": "/srv/www", "access": "public"},
        {"hostname": "*.example.com", "root": "/srv/www"},
        SECOND,
    ]
    program.values["access"] = {"team": TEAM, "groups": GROUPS, "default": "staff"}

    requests = program.run()

    found = {rule["hostname"]: asked(rule) for rule in rules(requests)}
    assert found == {
        name: [audience(f"access-{name}")] if name != "pub.example.com" else [] for name in found
    }
    # The wildcard's application would ask for a login at the public one too.
    opened = requests["access-pub.example.com"]["object"]
    assert waits_for(requests, "access-*.example.com", "access-pub.example.com")
    assert not waits_for(requests, "access-www.example.com", "access-pub.example.com")
    assert opened["policies"] == [{"id": "access-policy-public-id", "precedence": 1}]
    everybody = requests["access-policy-public"]["object"]
    assert (everybody["decision"], everybody["includes"]) == ("bypass", [{"everyone": {}}])


def test_an_open_path_has_a_rule_of_its_own_without_the_check_and_an_application_for_everybody(
    program: Program,
) -> None:
    requests = protected(program, {"groups": "staff", "except": ["^/hook/", "^/exact$"]})

    hook, exact, whole, _ = rules(requests)
    assert [(rule["path"], asked(rule)) for rule in (hook, exact)] == [
        ("^/hook/", []),
        ("^/exact$", []),
    ]
    # Access lets everybody in at all below /exact too, so what is below has an application of its own again.
    names = [APPLICATION, f"{APPLICATION}/exact/*"]
    assert asked(whole) == [audience(name) for name in names]
    policies = {
        name: request["object"]["policies"][0]["id"]
        for name, request in requests.items()
        if request["type"].endswith("AccessApplication")
    }
    assert policies == {
        APPLICATION: f"{POLICY}-id",
        f"{APPLICATION}/hook/*": "access-policy-public-id",
        f"{APPLICATION}/exact": "access-policy-public-id",
        f"{APPLICATION}/exact/*": f"{POLICY}-id",
    }


def test_paths_of_a_hostname_may_differ_and_share_no_audience(program: Program) -> None:
    site = {"hostname": "www.example.com", "root": "/srv/www"}
    program.values["access"] = {"team": TEAM, "groups": GROUPS}
    program.values["sites"] = [
        {**site, "path": "^/admin/", "access": "staff"},
        {**site, "path": r"^/v1[.]0/deep$", "access": "ci"},
        {**site, "path": "^/news", "access": "public"},
        {**site, "access": "mixed"},
    ]

    requests = program.run()

    assert {rule.get("path"): asked(rule) for rule in rules(requests)} == {
        "^/admin/": [audience(f"{APPLICATION}/admin/*")],
        r"^/v1[.]0/deep$": [audience(f"{APPLICATION}/v1.0/deep")],
        "^/news": [],
        None: [audience(APPLICATION), audience(f"{APPLICATION}/v1.0/deep/*")],
    }


def test_who_may_come_in_is_settled_before_a_server_is_touched_and_a_record_made_and_goes_after_both(
    program: Program,
) -> None:
    requests = protected(program, {"groups": ["staff", "ci"], "except": "^/hook/"})

    applications = [APPLICATION, f"{APPLICATION}/hook/*"]
    behind = ["tunnel-tunnel", "web1-teardown", "web1-argoWeb.yml", "web1-activate", "records-www.example.com", "records-git.example.org"]  # fmt: skip
    for application, later in itertools.product(applications, behind):
        assert waits_for(requests, later, application), (later, application)
    for record in behind[-2:]:
        own = {urn.rpartition("::")[2] for urn in requests[record]["dependencies"]}
        assert own.issuperset(applications), "one that goes alone goes before its application"
    assert waits_for(requests, APPLICATION, POLICY)
    assert waits_for(requests, *applications), "what is open within it is so at each moment"
    assert waits_for(requests, "access-policy-ci/tokens", "access-token-deploy")


def test_a_service_token_is_an_encrypted_output_and_gets_a_new_secret_by_its_version(
    program: Program,
) -> None:
    first = protected(program, "ci")["access-token-deploy"]
    output = program.outputs["serviceTokens"]["deploy"]
    until = "2027-01-31T12:00:00Z"
    tokens = {"deploy": {"secretVersion": 2, "oldSecretUntil": until, "duration": "forever"}}
    second = protected(program, "ci", serviceTokens=tokens)["access-token-deploy"]

    assert first["object"] == {
        "accountId": ACCOUNT,
        "name": f"deploy ({MARK})",
        "duration": "8760h",
    }
    assert second["object"] == first["object"] | {
        "duration": "forever",
        "clientSecretVersion": 2,
        "previousClientSecretExpiresAt": until,
    }
    assert first["additionalSecretOutputs"] == ["clientSecret"]
    assert (output["clientId"], secret(output["clientSecret"])) == ("1a2b.access", "cfast_3c4d")


def test_a_new_secret_or_name_of_the_tunnel_changes_nothing_of_access(program: Program) -> None:
    before = told(protected(program, ["staff", "ci"]))
    program.values["tunnel"] = {"name": "other", "secretVersion": 2}
    after = told(protected(program, ["staff", "ci"]))

    of_access = {name for name in before if name.startswith("access")}
    assert len(of_access) == 5
    assert {name: after[name] for name in of_access} == {name: before[name] for name in of_access}
    assert after["tunnel-secret"] != before["tunnel-secret"]


RECIPES = re.findall(
    r"^```yaml\n(.*?)^```$", (ROOT / "docs/access.md").read_text(), re.MULTILINE | re.DOTALL
)


@pytest.mark.parametrize("recipe", RECIPES, ids=range(len(RECIPES)))
def test_a_recipe_of_the_documents_protects_each_site_that_it_does_not_call_public(
    program: Program, recipe: str
) -> None:
    values = {key.removeprefix("argoweb:"): value for key, value in yaml.safe_load(recipe).items()}
    program.values.update(values)

    requests = program.run()

    public = {
        site["hostname"] for site in values.get("sites", ()) if site.get("access") == "public"
    }
    protected = {site["hostname"] for site in values.get("sites", ())} - public
    found = {rule["hostname"]: asked(rule) for rule in rules(requests) if "path" not in rule}
    assert {name for name in found if found[name]} == protected
    assert len(RECIPES) == 7
