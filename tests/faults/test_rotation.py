"""A new secret for the same tunnel, in one run or in two."""

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import World
from tests.faults.faults import Faults

CREDENTIALS = "cat /var/lib/argoWeb/*.json"
STAGING = "/var/lib/argoweb-deploy/staging"


def rotate(config: dict[str, Any]) -> None:
    config["argoweb:tunnel"]["secretVersion"] = 2


def writes(world: World) -> list[tuple[str, list[str]]]:
    """Method and fields of each request that was to change something at Cloudflare."""
    found = [request for request in world.api_requests() if request["method"] != "GET"]
    return [(request["method"], list(request["body"] or {})) for request in found]


def tunnel_ids(world: World) -> list[str]:
    return [tunnel["id"] for tunnel in world.control("/dump")["tunnels"]]


REFUSED = ("Unauthorized: Invalid tunnel secret", "control stream encountered a failure")
"""What a cloudflared says that is refused: over HTTP/2, and over QUIC, where it does not say why."""


def is_refused(world: World, credentials: str) -> bool:
    """Whether the edge refuses a cloudflared that comes with the credentials."""
    tunnel = json.loads(credentials)["TunnelID"]
    config = f"tunnel: {tunnel}\ncredentials-file: /root/old/c.json\nmetrics: 127.0.0.1:0\n"
    folder = world.host_root() / "root/old"
    folder.mkdir(mode=0o700)
    (folder / "c.json").write_text(credentials)
    (folder / "c.yml").write_text(config + "ingress:\n- service: http_status:404\n")
    ended = " ".join(f"-e {shlex.quote(text)}" for text in (*REFUSED, "Registered"))
    try:
        said = world.ssh(
            "timeout 300 /opt/sandbox/bin/cloudflared --config /root/old/c.yml tunnel run"
            " >/root/old/log 2>&1 & child=$!;"
            f" until grep -q {ended} /root/old/log || ! kill -0 $child;"
            f" do sleep 0.2; done; kill $child; wait; grep -m 1 {ended} /root/old/log"
        )
        return any(text in said for text in REFUSED)
    finally:
        world.ssh("rm -r /root/old")


def finishes(world: World, old: str, tunnels: list[str]) -> None:
    """The next `up` ends a rotation that broke off: the old credentials are worth nothing, the tunnel is the same."""
    output = world.up()

    assert "plan: restart argoWeb (the tunnel has a new secret)" in output
    assert is_refused(world, old)
    assert tunnel_ids(world) == tunnels
    assert world.get("www.example.localhost")[0] == 200
    assert world.planned() == {}


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
        assert "plan: restart argoWeb (the tunnel has a new secret)" in output
        assert tunnel_ids(world) == before
        assert world.ssh(CREDENTIALS) != old
        assert world.get("www.example.localhost")[0] == 200
        assert is_refused(world, old)


@pytest.mark.long
def test_a_rotation_whose_credentials_could_not_be_sent_is_finished_by_the_next_up(
    deployed: World, faults: Faults
) -> None:
    world, before = deployed, tunnel_ids(deployed)
    old = world.ssh(CREDENTIALS)
    with world.changed(rotate):
        world.ssh(f"mv {STAGING} {STAGING}.away && touch {STAGING}")
        result = world.pulumi("up", "--yes", "--skip-preview", check=False)
        world.ssh(f"rm {STAGING} && mv {STAGING}.away {STAGING}")
        assert result.returncode != 0
        assert "web1-credentials" in result.stdout
        assert world.get("www.example.localhost")[0] == 200, "what is connected stays connected"
        assert world.ssh(CREDENTIALS) == old

        finishes(world, old, before)


@pytest.mark.long
def test_a_rotation_whose_client_was_killed_is_finished_by_the_next_up(
    deployed: World, faults: Faults
) -> None:
    world, before = deployed, tunnel_ids(deployed)
    old = world.ssh(CREDENTIALS)
    world.forget_requests()
    # Cloudflare has the new secret, and its answer never comes.
    world.control(
        "/faults",
        {"method": "PATCH", "path_regex": "cfd_tunnel", "after_commit": True, "delay_ms": 600_000},
    )
    with world.changed(rotate):
        client = subprocess.Popen(
            ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview"],
            cwd=world.root,
            env=world.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            world.wait_for(lambda: writes(world) != [])
        finally:
            for process in [client.pid, *descendants(client.pid)]:
                os.kill(process, signal.SIGKILL)
            client.wait()
        world.control("/faults", method="DELETE")
        assert world.get("www.example.localhost")[0] == 200

        world.pulumi("cancel", "--yes")
        finishes(world, old, before)


def descendants(process: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text()
    except FileNotFoundError:
        return []
    children = [int(word) for word in text.split()]
    return children + [below for child in children for below in descendants(child)]
