"""Records and tunnels that are there before the stack is."""

import base64
from typing import Any

import pytest

from sandbox.world import World

ACCOUNT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ZONE = "00112233445566778899aabbccddee02"
NAME = "status.example-two.localhost"
SECRET = base64.b64encode(b"s" * 32).decode()


def hand_made(world: World) -> str:
    """A tunnel and its record, as somebody made them; the tunnel's id."""
    api = world.api
    tunnel: str = api(
        "POST",
        f"/accounts/{ACCOUNT}/cfd_tunnel",
        {"name": "by-hand", "config_src": "local", "tunnel_secret": SECRET},
    )["id"]
    record = {"name": NAME, "type": "CNAME", "content": f"{tunnel}.cfargotunnel.com"}
    api("POST", f"/zones/{ZONE}/dns_records", {**record, "proxied": True, "ttl": 1})
    return tunnel


@pytest.mark.long
@pytest.mark.parametrize("secret", ["of the credentials file", "of the token"])
def test_a_hand_made_set_up_is_taken_over_in_one_run_with_its_tunnel_and_record(
    fresh: World, secret: str
) -> None:
    tunnel = hand_made(fresh)
    refused = fresh.pulumi("preview", check=False)

    def taken_over(config: dict[str, Any]) -> None:
        config["argoweb:tunnel"] = {"importId": tunnel}
        config["argoweb:sites"][2]["dns"] = {"adopt": True}

    with fresh.changed(taken_over):
        if secret == "of the credentials file":
            fresh.pulumi("config", "set", "--secret", "argoweb:tunnelSecret", "--", SECRET)
        fresh.forget_requests()
        fresh.up()
        writes = [(r["method"], r["path"]) for r in fresh.api_requests() if r["method"] != "GET"]
        answer = fresh.get(NAME)
        fresh.up("--expect-no-changes")
        dump = fresh.control("/dump")

    assert refused.returncode != 0
    assert (
        f"'{NAME}' has a record that is not of this stack: CNAME {tunnel}.cfarg" in refused.stdout
    )
    assert sorted(method for method, _ in writes) == ["POST", "POST", "PUT"]
    assert [t["id"] for t in dump["tunnels"]] == [tunnel]
    assert [t["name"] for t in dump["tunnels"]] == ["by-hand"]
    assert answer == (200, answer[1])
    assert fresh.control("/violations") == []


@pytest.mark.long
def test_a_tunnel_that_is_imported_for_a_new_secret_serves_with_its_own_and_gets_the_new_one_next(
    fresh: World,
) -> None:
    tunnel = hand_made(fresh)

    def taken_over(config: dict[str, Any]) -> None:
        config["argoweb:tunnel"] = {"importId": tunnel, "secretVersion": 2}
        config["argoweb:sites"][2]["dns"] = {"adopt": True}

    fresh.edit(taken_over)
    first = fresh.up()
    kept = [t["secret"] for t in fresh.control("/dump")["tunnels"]]
    answers = [fresh.get(NAME)[0]]
    fresh.up()
    new = [t["secret"] for t in fresh.control("/dump")["tunnels"]]
    answers.append(fresh.get(NAME)[0])

    assert "the next one gives it that of argoweb:tunnel.secretVersion 2" in first
    assert kept == [SECRET] != new
    assert answers == [200, 200]
    fresh.up("--expect-no-changes")


def test_records_that_somebody_has_edited_are_named_at_the_preview_and_its_advice_sets_them_right(
    deployed: World,
) -> None:
    before = {record["name"]: record for record in deployed.control("/dump")["records"]}
    edits: dict[str, dict[str, Any]] = {
        "www.example.localhost": {"content": "shop.example.net"},
        "app.example.localhost": {"proxied": False},
        NAME: {"type": "A", "content": "192.0.2.7"},
    }
    for name, edit in edits.items():
        path = f"/zones/{before[name]['zone_id']}/dns_records/{before[name]['id']}"
        deployed.api("PATCH", path, edit)

    told = deployed.pulumi("preview").stdout
    deployed.up("--refresh")
    after = deployed.control("/dump")["records"]
    again = deployed.pulumi("preview").stdout

    assert "`pulumi up --refresh` makes them what the stack says." in told
    assert [line.split(": ")[0].strip() for line in told.splitlines() if "', was '" in line] == [
        "- argoweb:sites[0].hostname",
        "- argoweb:sites[2].hostname",
    ]
    assert "argoweb:sites[1].hostname: 'app.example.localhost' proxied is false, was true" in told
    assert {r["name"]: (r["type"], r["content"], r["proxied"]) for r in after} == {
        name: ("CNAME", record["content"], True) for name, record in before.items()
    }
    assert "changed at Cloudflare" not in again
    assert deployed.get("www.example.localhost")[0] == 200
