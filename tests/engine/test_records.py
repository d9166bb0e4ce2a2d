"""Records and tunnels that are there before the stack is."""

import base64
from typing import Any

import pytest

from tests.engine.world import World

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
def test_a_hand_made_set_up_is_taken_over_in_one_run_with_its_tunnel_and_record(
    fresh: World,
) -> None:
    tunnel = hand_made(fresh)
    refused = fresh.pulumi("preview", check=False)

    def taken_over(config: dict[str, Any]) -> None:
        config["argoweb:tunnel"] = {"importId": tunnel}
        config["argoweb:sites"][2]["dns"] = {"adopt": True}

    with fresh.changed(taken_over):
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
