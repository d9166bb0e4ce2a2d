"""A tunnel that somebody deleted in the dashboard, or moved to it."""

import json
from typing import Any

import pytest

from sandbox.world import World
from tests.faults.test_activation import TAKEN_BACK


@pytest.mark.long
def test_a_deleted_one_is_noticed_and_replaced_by_the_second_update(deployed: World) -> None:
    (old,) = living(deployed)
    deployed.ssh("systemctl stop argoWeb argoWeb-2")
    deployed.wait_for(lambda: deployed.get("app.example.localhost")[0] == 530)
    deployed.api("DELETE", f"/accounts/{old['account_id']}/cfd_tunnel/{old['id']}")

    told = deployed.pulumi("preview").stdout
    first = deployed.up()
    kept = living(deployed)
    second = deployed.up()

    (new,) = living(deployed)
    assert f"The tunnel {old['id']} was deleted at Cloudflare on" in told
    assert "lets go of it" in told
    assert "lets go of it" in first
    assert kept == []
    assert "makes a new one in its place" in second
    assert new["id"] != old["id"]
    assert deployed.get("app.example.localhost")[0] == 200
    assert "was deleted" not in deployed.up("--expect-no-changes")
    assert not tunnel_in_state(deployed).get("retainOnDelete")


@pytest.mark.long
def test_one_that_was_moved_to_the_dashboard_is_told_until_another_one_is_made_in_its_place(
    deployed: World,
) -> None:
    (old,) = living(deployed)
    theirs = {"ingress": [{"service": "http_status:418"}]}
    deployed.control(f"/tunnels/{old['id']}/migrate", {"config": theirs})
    deployed.wait_for(lambda: deployed.get("app.example.localhost")[0] == 418)

    told = [deployed.pulumi("preview").stdout for _ in range(2)]
    before = deployed.stack_file.read_text()
    with deployed.changed(another_port):
        refused = deployed.pulumi("up", "--yes", "--skip-preview", check=False)
    deployed.pulumi("config", "set", "--path", "argoweb:tunnel.name", "mysite-2")
    said = deployed.up("--replace", "**::tunnel-tunnel")
    (new,) = living(deployed)
    pages = [deployed.get(page)[0] for page in ("app.example.localhost", "www.example.localhost")]
    after = deployed.pulumi("preview").stdout
    deployed.stack_file.write_text(before)

    warning = f"The tunnel {old['id']} (sandbox) is managed in Cloudflare's dashboard now"
    assert [warning in each for each in (*told, said, after)] == [True, True, True, False]
    assert "pulumi up --replace '**::tunnel-tunnel'" in told[0]
    assert refused.returncode != 0
    assert "those of Cloudflare's dashboard (version 0)" in refused.stdout + refused.stderr
    assert TAKEN_BACK in refused.stdout + refused.stderr
    assert (new["name"], new["config_src"]) == ("mysite-2", "local")
    assert pages == [200, 200]


def another_port(config: dict[str, Any]) -> None:
    config["argoweb:sites"][2]["service"] = "http://127.0.0.1:3000"


def living(world: World) -> list[dict[str, Any]]:
    return [t for t in world.control("/dump")["tunnels"] if t["deleted_at"] is None]


def tunnel_in_state(world: World) -> dict[str, Any]:
    resources = json.loads(world.pulumi("stack", "export").stdout)["deployment"]["resources"]
    (tunnel,) = [r for r in resources if r["type"].endswith(":ZeroTrustTunnelCloudflared")]
    found: dict[str, Any] = tunnel
    return found
