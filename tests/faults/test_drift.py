"""What was changed on a server behind Pulumi's back is shown, and put right."""

import itertools
import subprocess
from typing import Any

from sandbox.world import ROOT, World
from tests.engine.documents import blocks
from tests.faults.faults import Faults

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


DRIFT = {
    "sed -i s/3001/3999/ /etc/caddy/argoWeb.yml": [
        "/etc/caddy/argoWeb.yml: found another content; the stack says as in its preview",
        "      | -  service: http://127.0.0.1:3001",
        "      | +  service: http://127.0.0.1:3999",
    ],
    "chmod 666 /etc/caddy/argoWeb.json": [
        "/etc/caddy/argoWeb.json: found 666 root:root; the stack says 644 root:root"
    ],
    "chown caddy /etc/caddy/argoWeb.nix": [
        "/etc/caddy/argoWeb.nix: found 644 caddy:root; the stack says 644 root:root"
    ],
    "rm /etc/caddy/argoWeb.caddy": [
        "/etc/caddy/argoWeb.caddy: found no file; the stack says there is one"
    ],
    "echo '{}' > /var/lib/argoWeb/*.json": [
        ".json: found another content; the stack says as in its preview"
    ],
    "systemctl stop argoWeb": ["argoWeb.service: found inactive; the stack says active"],
}


def test_all_that_was_changed_by_hand_is_shown_and_redeploy_puts_it_right(
    deployed: World, faults: Faults
) -> None:
    secret = deployed.ssh("cat /var/lib/argoWeb/*.json")
    deployed.ssh("; ".join(DRIFT))

    found = documented(deployed)
    with deployed.changed(redeploy):
        deployed.up()
        after = documented(deployed)
        sites = [
            deployed.get(f"{name}.localhost")[0] for name in ("app.example", "status.example-two")
        ]

    assert found.returncode == 1
    for line in itertools.chain(*DRIFT.values()):
        assert line in found.stdout
    assert "raise argoweb:servers.<name>.redeploy by one" in found.stdout
    assert secret.split('"')[7] not in found.stdout
    assert (after.returncode, sites) == (0, [200, 200]), after.stdout
