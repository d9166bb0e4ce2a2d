"""What was changed on a server behind Pulumi's back is shown, and put right."""

import re
import subprocess
import urllib.request
from typing import Any

import pytest

from tests.engine.documents import blocks
from tests.engine.world import ROOT, World
from tests.faults.conftest import Faults

OPERATIONS = ROOT / "docs/operations.md"


def documented(world: World) -> subprocess.CompletedProcess[str]:
    """The command of docs/operations.md, for the sandbox's server."""
    (line,) = [line for block in blocks(OPERATIONS) for line in block if line.endswith(" drift")]
    door = world.status["ssh"]
    way = f"ssh -i {door['private_key_file']} -p {door['port']} -o LogLevel=ERROR"
    way += " -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1"
    here = line.replace("ssh root@192.0.2.10", way)
    assert here != line
    return world.run("bash", "-c", here, check=False)


def redeploy(config: dict[str, Any]) -> None:
    config["argoweb:servers"]["web1"]["redeploy"] = 3


def test_a_server_as_the_stack_has_it_shows_no_drift(deployed: World) -> None:
    result = documented(deployed)

    assert (result.returncode, result.stdout) == (0, "Nothing differs from the stack.\n")


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (
            "sed -i s/3001/3999/ /etc/caddy/argoWeb.yml",
            [
                "/etc/caddy/argoWeb.yml: found another content; the stack says as in its preview",
                "      | -  service: http://127.0.0.1:3001",
                "      | +  service: http://127.0.0.1:3999",
            ],
        ),
        (
            "systemctl stop argoWeb",
            ["argoWeb.service: found inactive; the stack says active"],
        ),
        (
            "chmod 666 /etc/caddy/argoWeb.json",
            [
                "/etc/caddy/argoWeb.json: found 666 root:root; the stack says 644 root:root",
            ],
        ),
        (
            "chown caddy /etc/caddy/argoWeb.caddy",
            [
                "/etc/caddy/argoWeb.caddy: found 644 caddy:root; the stack says 644 root:root",
            ],
        ),
        (
            "rm /etc/caddy/argoWeb.caddy",
            ["/etc/caddy/argoWeb.caddy: found no file; the stack says there is one"],
        ),
        (
            "echo '{}' > /var/lib/argoWeb/*.json",
            [".json: found another content; the stack says as in its preview"],
        ),
    ],
    ids=["content", "unit", "mode", "owner", "missing", "credentials"],
)
def test_drift_is_shown_and_redeploy_puts_it_right(
    deployed: World, faults: Faults, command: str, lines: list[str]
) -> None:
    secret = deployed.ssh("cat /var/lib/argoWeb/*.json")
    deployed.ssh(command)

    found = documented(deployed)
    with deployed.changed(redeploy):
        deployed.up()
        after = documented(deployed)
        sites = [
            deployed.get(f"{name}.localhost")[0] for name in ("app.example", "status.example-two")
        ]
    deployed.up()

    assert found.returncode == 1
    for line in lines:
        assert line in found.stdout
    assert "raise argoweb:servers.<name>.redeploy by one" in found.stdout
    assert secret.split('"')[7] not in found.stdout
    assert (after.returncode, sites) == (0, [200, 200]), after.stdout


def test_a_tunnel_deleted_in_the_dashboard_is_noticed_after_a_refresh_and_replaced(
    deployed: World, faults: Faults
) -> None:
    def let_go(config: dict[str, Any]) -> None:
        config["argoweb:tunnel"]["letGo"] = True

    (old,) = living(deployed)
    deployed.ssh("systemctl stop argoWeb")
    deployed.wait_for(lambda: deployed.get("app.example.localhost")[0] == 530)
    delete(deployed, old)
    deployed.pulumi("refresh", "--yes")

    told = deployed.pulumi("preview", check=False)

    assert told.returncode != 0
    assert "The tunnel was deleted at Cloudflare on" in told.stdout
    assert "Traceback" not in told.stdout
    (urn,) = set(re.findall(r"pulumi up --replace '([^']+)'", told.stdout))
    with deployed.changed(let_go):
        deployed.up()
        deployed.up("--replace", urn)
    deployed.up()

    (new,) = living(deployed)
    assert new["id"] != old["id"]
    assert deployed.planned() == {}
    assert deployed.get("app.example.localhost")[0] == 200


def living(world: World) -> list[dict[str, Any]]:
    return [t for t in world.control("/dump")["tunnels"] if t["deleted_at"] is None]


def delete(world: World, tunnel: dict[str, Any]) -> None:
    """What the dashboard's button does."""
    path = f"/accounts/{tunnel['account_id']}/cfd_tunnel/{tunnel['id']}"
    request = urllib.request.Request(
        world.variables["CLOUDFLARE_BASE_URL"] + path,
        headers={"Authorization": f"Bearer {world.variables['CLOUDFLARE_API_TOKEN']}"},
        method="DELETE",
    )
    urllib.request.urlopen(request, timeout=180).close()
