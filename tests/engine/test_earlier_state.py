"""A stack of before Access: its state is of commit a5ccf34's program, from the sandbox's example.

`earlier_state.json` has all that was noted but what goes to a server, of which each version sends its own, with another
secret, and with `<...>` for what is another one in each sandbox.
"""

import base64
from pathlib import Path

import pytest
import yaml

from sandbox.world import World

STATE = Path(__file__).with_name("earlier_state.json")
SECRET = base64.b64encode(b"s" * 64).decode()
NAMES = {
    "www": "www.example.localhost",
    "app": "app.example.localhost",
    "status": "status.example-two.localhost",
}
OF_A_SERVER = [
    f"web1-{part}"
    for part in ("server.sh", "teardown", "argoWeb.yml", "argoWeb.json", "argoWeb.nix", "argoWeb.caddy", "credentials", "activate")
]  # fmt: skip


def made_earlier(world: World) -> dict[str, str]:
    """What that program had made at Cloudflare: the id of each by its word in the state."""
    config = yaml.safe_load(world.stack_file.read_text())["config"]
    zones = {zone["name"]: zone["id"] for zone in world.api("GET", "/zones")}
    body = {"name": "sandbox", "config_src": "local", "tunnel_secret": SECRET}
    tunnel = world.api("POST", f"/accounts/{config['argoweb:accountId']}/cfd_tunnel", body)["id"]
    made = {"tunnel": tunnel}
    for word, name in NAMES.items():
        record = {"name": name, "type": "CNAME", "content": f"{tunnel}.cfargotunnel.com"}
        always = {"comment": "argoweb argoweb/sandbox", "proxied": True, "ttl": 1}
        path = f"/zones/{zones[name.partition('.')[2]]}/dns_records"
        made[word] = world.api("POST", path, {**record, **always})["id"]
    return made


@pytest.mark.long
def test_a_stack_of_before_access_stays_what_it_is_at_cloudflare(fresh: World) -> None:
    made = made_earlier(fresh)
    door = fresh.status["servers"]["web1"]["ssh"]
    here = {
        "address": f"{door['host']}:{door['port']}",
        "salt": yaml.safe_load(fresh.stack_file.read_text())["encryptionsalt"],
    }
    text = STATE.read_text()
    for word, value in (made | here).items():
        text = text.replace(f"<{word}>", value)
    (fresh.root / "state.json").write_text(text)
    fresh.pulumi("stack", "import", "--file", "state.json")
    fresh.forget_requests()

    plan = fresh.planned()
    fresh.up()
    asked = fresh.api_requests()
    dump = fresh.control("/dump")

    # What is of Cloudflare is not in it, nor what is of Access; the components have a digest since.
    updated = ("tunnel", "web1", *OF_A_SERVER)
    assert plan == dict.fromkeys(updated, "update") | {"begun": "create"}
    assert {
        it["path"] for it in asked if it["method"] != "GET" or "/access/" in it["path"]
    } == set()
    there = {each["id"] for each in (*dump["tunnels"], *dump["records"])}
    assert there == {*made.values()}
    assert [fresh.get(name)[0] for name in NAMES.values()] == [200, 200, 200]
    assert fresh.planned() == {}
