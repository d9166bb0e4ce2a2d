"""What is asked for where an earlier update broke off, and what a preview says of what would be made again."""

import signal
from typing import Any

import pytest

from tests.components.program import APPLICATION as APPLICATION_TYPE
from tests.existing.conftest import ACCOUNT, TEAM, ZONE, Cloudflare
from tests.program.conftest import Program
from tests.program.test_access import APPLICATION, GROUPS, MARK, POLICY, protected

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands on the wire for a text that is not known yet (`UNKNOWN` in Pulumi's `rpc.py`)."""
NAME = "www.example.com"
PATH = f"/accounts/{ACCOUNT}/access"


def test_a_service_token_whose_secret_went_with_the_answer_is_taken_in_beside_a_new_one(
    program: Program, cloudflare: Cloudflare
) -> None:
    body = {"name": f"deploy ({MARK})", "duration": "17520h"}
    lost = cloudflare.api("POST", f"{PATH}/service_tokens", body)["id"]

    requests = protected(program, "ci")

    taken_in = requests[f"access-lost-{lost}"]
    assert taken_in["importId"] == f"accounts/{ACCOUNT}/{lost}"
    assert taken_in["object"] == {"accountId": ACCOUNT, **body}
    assert "importId" not in requests["access-token-deploy"]


def test_a_policy_that_cloudflare_has_twice_is_taken_in_once_and_once_to_go(
    program: Program, cloudflare: Cloudflare
) -> None:
    body = {
        "name": f"staff ({MARK})",
        "decision": "allow",
        "include": [{"email": {"email": "ann@example.com"}}],
        "require": [{"geo": {"country_code": "AT"}}],
        "exclude": [{"email_domain": {"domain": "example.org"}}],
        "session_duration": "30m",
    }
    ids = {cloudflare.api("POST", f"{PATH}/policies", body)["id"] for _ in range(2)}

    requests = protected(program, "staff")

    _, taken_in = requests[POLICY]["importId"].split("/")
    (lost,) = ids - {taken_in}
    to_go = requests[f"access-lost-{lost}"]
    assert to_go["importId"] == f"{ACCOUNT}/{lost}"
    assert to_go["object"] == {
        "accountId": ACCOUNT,
        "name": body["name"],
        "decision": "allow",
        "includes": [{"email": {"email": "ann@example.com"}}],
        "requires": [{"geo": {"countryCode": "AT"}}],
        "excludes": [{"emailDomain": {"domain": "example.org"}}],
        "sessionDuration": "30m",
    }
    assert to_go["parent"] == requests[POLICY]["parent"]


@pytest.fixture
def in_use(program: Program, cloudflare: Cloudflare) -> Program:
    """A stack with its tunnel and the record of its first site."""
    tunnel = program.in_use()
    record = {
        "type": "CNAME",
        "name": NAME,
        "content": f"{tunnel}.cfargotunnel.com",
        "proxied": True,
        "ttl": 1,
        "comment": MARK,
    }
    made: dict[str, Any] = cloudflare.api("POST", f"/zones/{ZONE}/dns_records", record)
    outputs = {**record, "id": made["id"], "zoneId": ZONE}
    program.state["urn:record"] = {
        "type": "cloudflare:index/dnsRecord:DnsRecord",
        "outputs": outputs,
    }
    return program


def test_a_preview_names_the_records_that_go_before_they_are_made_again(in_use: Program) -> None:
    in_use.preview([f"records-{NAME}", "records-git.example.org"])

    # Nobody misses the other one.
    assert in_use.told == [
        "A hostname has room for one record, so these are deleted before they are made again, and their visitors find "
        f"nothing for a moment: {NAME} [record-replaced]"
    ]


def test_a_preview_of_nothing_unusual_says_nothing(in_use: Program) -> None:
    in_use.preview(["records-git.example.org", "records-of-another.example.com"])
    assert in_use.told == []


def test_a_preview_refuses_a_second_tunnel_of_the_same_name(in_use: Program) -> None:
    with pytest.raises(SystemExit) as ended:
        in_use.preview(["tunnel-tunnel"])

    assert ended.value.code == 32, "by which Pulumi knows that the user was told"
    (refused,) = in_use.told
    assert "refuses a second one of its name (1013)" in refused


def test_a_preview_refuses_a_second_tunnel_of_an_imported_ones_name(in_use: Program) -> None:
    imported = in_use.state["urn:tunnel"]["outputs"]["id"]
    in_use.values["tunnel"] = {"importId": imported}

    with pytest.raises(SystemExit):
        in_use.preview(["tunnel-tunnel"])

    assert "refuses a second one of its name (1013)" in in_use.told[-1]


@pytest.mark.parametrize(("account", "refused"), [(ACCOUNT, True), ("f" * 32, False)])
def test_a_preview_refuses_a_second_application_of_the_same_hostname(
    in_use: Program, cloudflare: Cloudflare, account: str, refused: bool
) -> None:
    there = {"name": NAME, "type": "self_hosted", "domain": NAME}
    made = {
        "id": cloudflare.api("POST", f"{PATH}/apps", there)["id"] if refused else "0",
        "accountId": account,
        "name": NAME,
        "destinations": [{"type": "public", "uri": NAME}],
    }
    in_use.state["urn:application"] = {"type": APPLICATION_TYPE, "outputs": made}
    access = {"team": TEAM, "groups": GROUPS, "default": "staff"}
    in_use.values["access"] = access

    if not refused:
        in_use.preview([APPLICATION])
        assert not [line for line in in_use.told if "would be replaced" in line]
        return
    with pytest.raises(SystemExit):
        in_use.preview([APPLICATION])

    told = in_use.told[-1]
    assert told.startswith("What is planned would fail; nothing was touched.")
    assert f"The Access application of '{NAME}' would be replaced" in told
    assert "no --replace, or, if it is tainted, pulumi state untaint --yes 'urn:" in told


def test_a_preview_of_a_new_stack_replaces_nothing_and_shows_no_credentials(
    program: Program,
) -> None:
    requests = program.preview(["tunnel-tunnel", "tunnel-secret", f"records-{NAME}"])

    assert program.told == []
    # Neither a secret nor a text: of what is plainly unknown a plan takes whatever it becomes.
    assert requests["web1-credentials"]["object"]["stdin"] == UNKNOWN


def test_a_preview_says_what_a_tunnel_of_another_name_costs(in_use: Program) -> None:
    in_use.values["tunnel"]["name"] = "another"
    in_use.preview(["tunnel-tunnel"])

    (told,) = [line for line in in_use.told if "would be replaced" in line]
    assert "error 1033" in told
    assert told.endswith("[tunnel-replaced]")


def test_what_a_replacement_costs_can_be_accepted(in_use: Program) -> None:
    in_use.values["tunnel"]["name"] = "another"
    in_use.preview(["tunnel-tunnel"])
    assert len(in_use.told) == 1

    in_use.values["accept"] = ["tunnel-replaced"]
    in_use.preview(["tunnel-tunnel"])
    assert in_use.told == []


def test_an_update_says_nothing_of_what_its_preview_has_said(in_use: Program) -> None:
    in_use.run(replaced=["tunnel-tunnel", f"records-{NAME}"])
    assert in_use.told == []


def test_an_interrupt_ends_the_program_without_a_word(program: Program) -> None:
    program.run()
    assert program.when_interrupted == signal.SIG_DFL
