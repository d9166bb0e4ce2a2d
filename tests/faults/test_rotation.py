"""A new secret for the same tunnel, in one run."""

import json
from typing import Any

from tests.engine.world import World

CREDENTIALS = "cat /var/lib/argoWeb/*.json"


def rotate(config: dict[str, Any]) -> None:
    config["argoweb:tunnel"]["secretVersion"] = 2


def writes(world: World) -> list[tuple[str, list[str]]]:
    """Method and fields of each request that was to change something at Cloudflare."""
    found = [request for request in world.api_requests() if request["method"] != "GET"]
    return [(request["method"], list(request["body"] or {})) for request in found]


def tunnel_ids(world: World) -> list[str]:
    return [tunnel["id"] for tunnel in world.control("/dump")["tunnels"]]


def refusal(world: World, credentials: str) -> str:
    """What the edge says to a cloudflared that comes with the credentials."""
    tunnel = json.loads(credentials)["TunnelID"]
    config = f"tunnel: {tunnel}\ncredentials-file: /root/old/c.json\nmetrics: 127.0.0.1:0\n"
    folder = world.host_root() / "root/old"
    folder.mkdir(mode=0o700)
    (folder / "c.json").write_text(credentials)
    (folder / "c.yml").write_text(config + "ingress:\n- service: http_status:404\n")
    try:
        return world.ssh(
            "timeout 180 /opt/sandbox/bin/cloudflared --config /root/old/c.yml tunnel run 2>&1"
            " | grep -m 1 -e Unauthorized -e Registered"
        )
    finally:
        world.ssh("rm -r /root/old")


def test_raising_the_version_rotates_the_secret_of_the_same_tunnel(deployed: World) -> None:
    world, before = deployed, tunnel_ids(deployed)
    old = world.ssh(CREDENTIALS)
    with world.changed(rotate):
        plan = world.planned()
        world.forget_requests()
        output = world.up()

        assert {name: op for name, op in plan.items() if name != "tunnel-secret"} == {
            "tunnel-tunnel": "update",
            "web1-credentials": "update",
            "web1-activate": "update",
        }
        assert writes(world) == [("PATCH", ["tunnel_secret"])], "no record was written"
        assert "plan: restart argoWeb (credentials)" in output
        assert tunnel_ids(world) == before
        assert world.ssh(CREDENTIALS) != old
        assert world.get("www.example.localhost")[0] == 200
        assert "Invalid tunnel secret" in refusal(world, old)
