"""A tunnel that somebody deleted in the dashboard."""

import json
from typing import Any

import pytest

from tests.engine.world import World


@pytest.mark.long
def test_it_is_noticed_after_a_refresh_and_replaced_by_the_second_update(deployed: World) -> None:
    (old,) = living(deployed)
    deployed.ssh("systemctl stop argoWeb")
    deployed.wait_for(lambda: deployed.get("app.example.localhost")[0] == 530)
    deployed.api("DELETE", f"/accounts/{old['account_id']}/cfd_tunnel/{old['id']}")
    deployed.pulumi("refresh", "--yes")

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


def living(world: World) -> list[dict[str, Any]]:
    return [t for t in world.control("/dump")["tunnels"] if t["deleted_at"] is None]


def tunnel_in_state(world: World) -> dict[str, Any]:
    resources = json.loads(world.pulumi("stack", "export").stdout)["deployment"]["resources"]
    (tunnel,) = [r for r in resources if r["type"].endswith(":ZeroTrustTunnelCloudflared")]
    found: dict[str, Any] = tunnel
    return found
