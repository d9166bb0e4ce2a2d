"""Which hostnames the stack may take, by what is at Cloudflare."""

from dataclasses import replace
from typing import Any

import pulumi
import pytest

from existing import Claim, OwnState
from existing import api as api_module
from existing.api import Api
from existing.hostnames import claim_hostnames, list_zones
from settings import Access, FindingsError, tell
from settings.reading.build import build
from tests.existing.conftest import ACCOUNT, OTHER_ZONE, ZONE, Cloudflare
from values.findings import Findings

NAME = "www.example.com"
THEIRS = {"name": NAME, "type": "CNAME", "content": "shop.example.net"}


def having(name: str, id: str, **more: Any) -> OwnState:
    """A state with a record."""
    record = {"id": id, "name": name, "comment": "argoweb argoweb/prod", **more}
    return OwnState(records={(ZONE, name): record})


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another without a pause."""
    monkeypatch.setattr(api_module, "_PAUSE", 0.0)


def claimed(
    access: Access,
    *sites: dict[str, Any],
    own: OwnState | None = None,
    zones: list[dict[str, str]] | None = None,
) -> list[Claim]:
    values = {
        "accountId": ACCOUNT,
        "zones": zones or [{"name": "example.com", "id": ZONE}, {"name": "example.org"}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "sites": [{"hostname": NAME, "root": "/srv/www"}, *sites],
    }
    settings, findings = build(values, deployment="argoweb/prod"), Findings()
    notices: list[str] = []
    zones_read = list_zones(settings, Api(access), findings, notices)
    found = claim_hostnames(settings, zones_read, own or OwnState(), findings, notices)
    if findings.errors:
        raise FindingsError("What is at Cloudflare stands in the way", findings.errors)
    tell(findings.warnings, notices)
    return found


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was said, whatever it weighs."""
    said: list[str] = []
    for weight in ("info", "warn"):
        monkeypatch.setattr(pulumi.log, weight, said.append)
    return said


def dns(**settings: Any) -> dict[str, Any]:
    return {"hostname": NAME, "path": "^/x", "root": "/srv/x", "dns": settings}


def refusal(access: Access, *sites: dict[str, Any], **more: Any) -> str:
    with pytest.raises(FindingsError) as refused:
        claimed(access, *sites, **more)
    (problem,) = refused.value.problems
    return problem


def test_a_free_hostname_is_claimed_with_the_mark_of_its_owner(cloudflare: Cloudflare) -> None:
    (claim,) = claimed(cloudflare.access())

    assert claim == Claim(
        hostname=NAME,
        zone_id=ZONE,
        comment="argoweb argoweb/prod",
        tags=(),
        found=False,
        adopted=None,
        lost=False,
        sent=True,
    )


def test_each_zone_that_holds_a_hostname_is_listed_once_and_others_not_at_all(
    cloudflare: Cloudflare,
) -> None:
    claimed(cloudflare.access(), {"hostname": "a.example.com", "root": "/a"})

    assert cloudflare.asked() == [f"GET /zones/{ZONE}/dns_records?per_page=5000"]


def test_the_id_of_a_zone_is_looked_up_by_its_name_where_it_is_not_given(
    cloudflare: Cloudflare,
) -> None:
    found = claimed(cloudflare.access(), {"hostname": "example.org", "root": "/a"})

    assert [claim.zone_id for claim in found] == [ZONE, OTHER_ZONE]
    assert sorted(cloudflare.asked()) == [
        f"GET /zones/{ZONE}/dns_records?per_page=5000",
        f"GET /zones/{OTHER_ZONE}/dns_records?per_page=5000",
        f"GET /zones?name=example.org&account.id={ACCOUNT}",
    ]


def test_further_pages_of_a_zone_are_read_too(
    cloudflare: Cloudflare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("existing.hostnames.PER_PAGE", 1)
    cloudflare.has("a.example.com", "A", "192.0.2.1")
    cloudflare.has(NAME, "A", "192.0.2.7")

    assert "A 192.0.2.7" in refusal(cloudflare.access())


@pytest.mark.parametrize(("type", "content"), [("A", "192.0.2.7"), ("AAAA", "2001:db8::7")])
def test_an_address_of_somebody_else_is_named_and_can_only_be_removed(
    cloudflare: Cloudflare, type: str, content: str
) -> None:
    cloudflare.has(NAME, type, content)

    for sites in ((), (dns(adopt=True),)):
        assert refusal(cloudflare.access(), *sites) == (
            f"argoweb:sites[{len(sites)}].hostname: 'www.example.com' has a record that is not of this stack: "
            f"{type} {content}. Remove it there; only a CNAME can be taken over."
        )


def test_an_alias_of_somebody_else_is_named_with_the_two_ways_out(cloudflare: Cloudflare) -> None:
    cloudflare.has(**THEIRS, comment="the shop")

    assert refusal(cloudflare.access()) == (
        "argoweb:sites[0].hostname: 'www.example.com' has a record that is not of this stack: "
        "CNAME shop.example.net (comment 'the shop'). Remove it there, or take it over with: "
        "pulumi config set --path 'argoweb:sites[0].dns.adopt' true"
    )


def test_several_records_and_several_hostnames_are_named_at_once(cloudflare: Cloudflare) -> None:
    cloudflare.has(NAME, "A", "192.0.2.7")
    cloudflare.has(NAME, "AAAA", "2001:db8::7")
    cloudflare.has("a.example.com", "A", "192.0.2.8")

    with pytest.raises(FindingsError) as refused:
        claimed(cloudflare.access(), {"hostname": "a.example.com", "root": "/a"})

    first, second = refused.value.problems
    assert "not of this stack: A 192.0.2.7 and AAAA 2001:db8::7. Remove" in first
    assert second.startswith("argoweb:sites[1].hostname: 'a.example.com' has a record")


def test_records_that_leave_room_for_an_alias_are_no_clash(cloudflare: Cloudflare) -> None:
    cloudflare.has(NAME, "TXT", "v=spf1 -all")
    cloudflare.has("example.com", "A", "192.0.2.7")

    assert claimed(cloudflare.access())[0].adopted is None


def test_an_alias_is_adopted_on_request(cloudflare: Cloudflare) -> None:
    cloudflare.has(**THEIRS)

    (claim,) = claimed(cloudflare.access(), dns(adopt=True))

    assert claim.adopted == cloudflare.id_of(NAME)


def test_what_the_stack_has_in_its_state_is_its_own_whatever_the_comment_says(
    cloudflare: Cloudflare,
) -> None:
    cloudflare.has(**THEIRS, comment="edited by hand")
    own = having(NAME, cloudflare.id_of(NAME))

    for sites in ((), (dns(adopt=True),)):
        assert claimed(cloudflare.access(), *sites, own=own)[0].adopted is None


def test_the_record_of_a_renamed_stack_stays_its_own_and_gets_the_new_mark(
    cloudflare: Cloudflare, said: list[str]
) -> None:
    mark = {"comment": "argoweb argoweb/before", "content": "web.example.net"}
    cloudflare.has(NAME, "CNAME", proxied=True, **mark)
    own = having(NAME, cloudflare.id_of(NAME), type="CNAME", proxied=True, **mark)

    (claim,) = claimed(cloudflare.access(), own=own)

    assert (claim.adopted, claim.comment, claim.sent) == (None, "argoweb argoweb/prod", True)
    assert said == []


def test_a_record_that_a_copy_of_the_stack_has_taken_is_a_clash_with_the_way_out(
    cloudflare: Cloudflare,
) -> None:
    cloudflare.has(**THEIRS, comment="argoweb argoweb/copy")
    own = having(NAME, cloudflare.id_of(NAME))

    problem = refusal(cloudflare.access(), own=own)

    assert "the stack argoweb/copy has marked it as its own since" in problem
    assert "pulumi stack rm --force" in problem


def test_a_record_that_replaced_ours_by_hand_is_a_clash(cloudflare: Cloudflare) -> None:
    cloudflare.has(**THEIRS)
    own = having(NAME, "f" * 32)

    problem = refusal(cloudflare.access(), dns(adopt=True), own=own)

    assert "Run `pulumi refresh`, since the record that this stack made is gone. Then:" in problem


def test_a_record_of_ours_that_is_gone_is_said_with_the_way_back(
    cloudflare: Cloudflare, said: list[str]
) -> None:
    (claim,) = claimed(cloudflare.access(), own=having(NAME, "f" * 32))

    assert claim.adopted is None
    assert said == [
        "argoweb:sites[0].hostname: the record of 'www.example.com' that this stack made is gone at Cloudflare. "
        "Only an update with --refresh sees that: `pulumi up --refresh` makes it anew. [record-gone]"
    ]


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ({"content": "shop.example.net"}, "content is 'shop.example.net', was 'WWW.example.net'"),
        ({"proxied": True}, "proxied is true, was false"),
        (
            {"type": "A", "content": "192.0.2.7"},
            "type is 'A', was 'CNAME'; content is '192.0.2.7', was 'WWW.example.net'",
        ),
        ({"name": "shop.example.com"}, "name is 'shop.example.com', was 'www.example.com'"),
        ({"comment": ""}, "comment is nothing, was 'argoweb argoweb/prod'"),
    ],
)
def test_what_somebody_has_edited_of_our_record_is_said_with_the_way_back(
    cloudflare: Cloudflare, said: list[str], edit: dict[str, Any], told: str
) -> None:
    made: dict[str, Any] = {
        "type": "CNAME",
        "content": "WWW.example.net",
        "proxied": False,
        "comment": "argoweb argoweb/prod",
    }
    cloudflare.has(NAME, **made)
    own = having(NAME, cloudflare.id_of(NAME), **made)
    claimed(cloudflare.access(), own=own)
    assert said == []
    path = f"/zones/{ZONE}/dns_records/{cloudflare.id_of(NAME)}"
    cloudflare.api("PATCH", path, edit)

    (claim,) = claimed(cloudflare.access(), own=own)

    assert (claim.adopted, claim.sent) == (None, False)
    assert said == [
        "Records of this stack were changed at Cloudflare by somebody else. Only an update with --refresh sees that: "
        f"`pulumi up --refresh` makes them what the stack says.\n  - argoweb:sites[0].hostname: '{NAME}' {told} [record-edited]"
    ]


OURS = {**THEIRS, "comment": "mine (argoweb argoweb/prod)"}


@pytest.mark.parametrize("sites", [(), (dns(adopt=True),)])
def test_a_record_that_a_broken_off_update_made_is_taken_in_and_that_is_said(
    cloudflare: Cloudflare, said: list[str], sites: tuple[dict[str, Any], ...]
) -> None:
    cloudflare.has(**OURS)

    (claim,) = claimed(cloudflare.access(), *sites)

    assert (claim.adopted, claim.lost) == (cloudflare.id_of(NAME), True)
    assert said == [
        "Taken in, since they have this stack's mark and are not in its state, as after an update that broke off: "
        f"the records of {NAME}"
    ]


def test_a_record_with_the_mark_of_another_name_is_taken_in_where_it_leads_to_the_stacks_tunnel(
    cloudflare: Cloudflare,
) -> None:
    tunnel = "f70ff985-a4ef-4643-bbbc-4a0ed4fc8415"
    target = f"{tunnel}.cfargotunnel.com"
    cloudflare.has(NAME, "CNAME", target, comment="argoweb argoweb/before")

    (claim,) = claimed(cloudflare.access(), own=OwnState(tunnel_id=tunnel))

    assert (claim.adopted, claim.lost) == (cloudflare.id_of(NAME), True)
    assert "not of this stack" in refusal(cloudflare.access(), own=OwnState(tunnel_id="another"))


def test_a_record_without_a_mark_is_adopted_on_request_by_a_new_stack_too(
    cloudflare: Cloudflare,
) -> None:
    cloudflare.has(**THEIRS)

    (claim,) = claimed(cloudflare.access(), dns(adopt=True), own=OwnState())

    assert (claim.adopted, claim.lost) == (cloudflare.id_of(NAME), False)


def test_a_record_that_the_state_has_under_another_name_is_not_imported_once_more(
    cloudflare: Cloudflare,
) -> None:
    cloudflare.has(**OURS)
    own = having("old.example.com", cloudflare.id_of(NAME))

    assert "not of this stack: CNAME" in refusal(cloudflare.access(), dns(adopt=True), own=own)


def test_an_address_that_the_state_does_not_have_is_a_clash_whatever_its_comment_says(
    cloudflare: Cloudflare,
) -> None:
    cloudflare.has(NAME, "A", "192.0.2.7", comment="argoweb argoweb/prod")

    problem = refusal(cloudflare.access(), dns(adopt=True), own=OwnState())

    assert problem.endswith(
        "not of this stack: A 192.0.2.7 (comment 'argoweb argoweb/prod'). "
        "Remove it there; only a CNAME can be taken over."
    )


def test_of_a_site_that_is_gone_a_record_that_is_gone_too_is_told(
    cloudflare: Cloudflare, said: list[str]
) -> None:
    cloudflare.has("old.example.com", "CNAME", "shop.example.net")
    there = having("old.example.com", cloudflare.id_of("old.example.com"))
    claimed(cloudflare.access(), own=there)
    assert said == []

    claimed(cloudflare.access(), own=having("old.example.com", "e" * 32))

    (told,) = said
    assert "the record of 'old.example.com'" in told
    assert "`pulumi up --refresh` forgets it" in told


@pytest.mark.parametrize("proxied", [True, False])
def test_what_a_lost_answer_has_left_of_our_record_is_nobodys_edit(
    cloudflare: Cloudflare, said: list[str], proxied: bool
) -> None:
    mark = "argoweb argoweb/prod"
    cloudflare.has(NAME, "CNAME", "new.cfargotunnel.com", proxied=proxied, comment=mark)
    before = {"type": "CNAME", "content": "old.cfargotunnel.com", "proxied": True}
    own = having(NAME, cloudflare.id_of(NAME), **before, comment="argoweb argoweb/before")

    claimed(cloudflare.access(), own=replace(own, tunnel_id="new"))

    assert ["proxied is false, was true" in each for each in said] == [True] * (not proxied)
    assert not any("content" in each or "comment" in each for each in said)


@pytest.mark.parametrize("adopt", [False, True])
def test_a_hostname_of_another_stack_is_refused_by_its_name(
    cloudflare: Cloudflare, adopt: bool
) -> None:
    cloudflare.has(**THEIRS, comment="argoweb argoweb/other")

    assert refusal(cloudflare.access(), dns(adopt=adopt)).endswith(
        "CNAME shop.example.net (comment 'argoweb argoweb/other'). "
        "Take the site out of the stack argoweb/other and run `pulumi up` there first."
    )


def test_a_zone_that_is_not_there_is_named(cloudflare: Cloudflare) -> None:
    zones = [{"name": "example.com", "id": "d" * 32}]
    unknown = [{"name": "www.example.com"}]

    assert refusal(cloudflare.access(), zones=zones).startswith(
        f"argoweb:zones[0]: GET {cloudflare.api_url}/zones/{'d' * 32}/dns_records?per_page=5000: 404 "
    )
    assert refusal(cloudflare.access(), zones=unknown) == (
        f"argoweb:zones[0]: the account {ACCOUNT} has no zone 'www.example.com' that the token may see. "
        "Add it at Cloudflare, or write its `id`."
    )


def test_an_id_of_another_zone_is_told_by_its_records(cloudflare: Cloudflare) -> None:
    cloudflare.has("shop.example.org", "A", "192.0.2.7", zone_id=OTHER_ZONE)
    zones = [{"name": "example.com", "id": OTHER_ZONE}]

    assert refusal(cloudflare.access(), zones=zones) == (
        "argoweb:zones[0].id: is that of another zone: it has a record 'shop.example.org'. "
        "Correct it, or leave it out."
    )


def test_a_token_that_may_not_read_is_told_the_permission_and_is_never_shown(
    cloudflare: Cloudflare,
) -> None:
    problem = refusal(cloudflare.access("N" * 40))

    assert "403 Authentication error (10000)" in problem
    assert problem.endswith("needs the permission Zone · DNS · Edit.")
    assert "N" * 40 not in problem
    assert "N" * 40 not in repr(cloudflare.access("N" * 40))


def test_an_answer_that_is_not_the_apis_own_is_shown(cloudflare: Cloudflare) -> None:
    blocked = {"status": 403, "body": "error code: 1020", "headers": {"Content-Type": "text/plain"}}
    cloudflare.control("/faults", {"path_regex": "dns_records", **blocked})

    assert "403 Forbidden error code: 1020" in refusal(cloudflare.access())


def test_without_a_network_the_error_says_so(cloudflare: Cloudflare) -> None:
    nowhere = Access(url="http://127.0.0.1:1", headers={})

    assert refusal(nowhere).endswith(
        "[Errno 111] Connection refused, 3 times. "
        "A preview needs Cloudflare's API: check the network, then run it again."
    )


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, {"drop": True}])
def test_a_passing_fault_of_the_api_is_waited_out(
    cloudflare: Cloudflare, fault: dict[str, Any]
) -> None:
    cloudflare.control("/faults", {"path_regex": "dns_records", "times": 2, **fault})

    assert claimed(cloudflare.access())[0].zone_id == ZONE


@pytest.mark.parametrize("token", ["SECRET\n", "SECRET\r", "SECRET\u0144"])
def test_credentials_that_cannot_be_sent_are_not_shown(cloudflare: Cloudflare, token: str) -> None:
    problem = refusal(cloudflare.access(token))

    assert problem.endswith(
        "/dns_records?per_page=5000: the request cannot be sent. Correct cloudflare:apiToken, or apiKey and email."
    )
    assert "SECRET" not in problem


def test_an_answer_that_is_no_json_is_asked_for_again_and_then_said(cloudflare: Cloudflare) -> None:
    page = {"status": 200, "body": "<html>", "headers": {"Content-Type": "text/html"}}
    cloudflare.control("/faults", {"path_regex": "dns_records", "times": 3, **page})

    assert "per_page=5000: an answer that is no JSON, 3 times." in refusal(cloudflare.access())
