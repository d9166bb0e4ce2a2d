"""The command line over a deployed stack, from outside."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.world import World
from settings.contract import VERSION


def argoweb(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m argoweb …`"""
    return world.run(".venv/bin/python", "-m", "argoweb", *words, check=False)


def status(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    """The status, with the sandbox's edge in the place of what DNS names."""
    return argoweb(world, "status", "--edge", world.status["edge_url"], *words)


def told(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What it says of the one stack for programs."""
    found = json.loads(result.stdout)
    one: dict[str, Any] = found[0] if isinstance(found, list) else found
    assert one["exit"] == result.returncode
    return one


def secrets(world: World) -> list[str]:
    """What may stand in no output: the tunnel's secret, the token, the lines of the SSH key, the passphrase."""
    credentials = json.loads(world.ssh("cat /var/lib/argoWeb/*.json"))
    key = (world.root / ".sandbox/ssh_key").read_text().splitlines()[1:-1]
    passphrase = (world.root / ".sandbox/passphrase").read_text().strip()
    return [
        credentials["TunnelSecret"],
        world.variables["CLOUDFLARE_API_TOKEN"],
        *key,
        passphrase,
    ]


def test_a_healthy_stack_is_shown_on_one_screen_and_nothing_differs(deployed: World) -> None:
    shown, seen, drift = status(deployed), status(deployed, "--json"), argoweb(deployed, "drift")

    assert (shown.returncode, seen.returncode, drift.returncode) == (0, 0, 0), (
        shown.stdout + seen.stdout
    )
    assert drift.stdout == "Nothing differs from the stack.\n"
    assert "✓ All is well." in shown.stdout
    found = told(seen)
    assert found["tunnel"]["status"] == "healthy"
    assert {(site["hostname"], site["record"], site["edge"]["status"], site["origins"]["web1"]["status"]) for site in found["sites"]} == {
        (hostname, "ours", 200, 200)
        for hostname in ("www.example.localhost", "app.example.localhost", "status.example-two.localhost")
    }  # fmt: skip
    (server,) = found["servers"]
    assert server["deployed_by"] == VERSION
    assert [unit["state"] for unit in server["units"]] == ["active"] * 3
    assert [each["connections"] for each in server["cloudflareds"]] == [4, 4]
    output = shown.stdout + seen.stdout + shown.stderr + seen.stderr
    assert [secret for secret in secrets(deployed) if secret in output] == []


@pytest.fixture
def drifted(deployed: World) -> Iterator[World]:
    """The example with a hand-edited file, a stopped unit and a foreign record; put back afterwards."""
    path = "/etc/caddy/argoWeb.yml"
    deployed.ssh(f"cp -a {path} /root/kept && sed -i s/3001/3999/ {path}; systemctl stop argoWeb-2")
    record = next(
        each for each in deployed.control("/dump")["records"] if each["name"] == "app.example.localhost"
    )  # fmt: skip
    zone = f"/zones/{record['zone_id']}/dns_records"
    deployed.api("PATCH", f"{zone}/{record['id']}", {"content": "192.0.2.1.example.com"})
    yield deployed
    deployed.api("PATCH", f"{zone}/{record['id']}", {"content": record["content"]})
    deployed.ssh(f"mv /root/kept {path}; systemctl start argoWeb-2")


def test_what_differs_at_cloudflare_and_on_the_server_is_named(drifted: World) -> None:
    text, seen = argoweb(drifted, "drift"), argoweb(drifted, "drift", "--json")

    assert (text.returncode, seen.returncode) == (1, 1)
    assert "    | -  service: http://127.0.0.1:3001" in text.stdout
    assert [(line["code"], line["place"]) for line in told(seen)["lines"]] == [
        ("record-edited", "app.example.localhost"),
        ("file-edited", "web1"),
        ("unit-stopped", "web1"),
    ]
    assert [secret for secret in secrets(drifted) if secret in text.stdout + seen.stdout] == []


def test_the_doctor_tries_everything_and_shows_no_secret(deployed: World) -> None:
    before = deployed.control("/dump")

    text, seen = argoweb(deployed, "doctor"), argoweb(deployed, "doctor", "--json")

    lines = told(seen)["lines"]
    bad = {line["code"] for line in lines if line["level"] != "ok"}
    # From here nothing reaches Cloudflare, and a server in a container has the machine's buffers.
    assert (
        {"edge-tcp", "edge-udp"}
        <= bad
        <= {"edge-tcp", "edge-udp", "udp-buffers", "memory-low", "cloudflared-old"}
    )
    assert {line["place"] for line in lines} == {
        "pulumi", "state", "stack", "token", "web1", "example.localhost", "example-two.localhost"
    }  # fmt: skip
    assert deployed.control("/dump") == before
    assert deployed.control("/violations") == []
    output = text.stdout + text.stderr + seen.stdout + seen.stderr
    assert [secret for secret in secrets(deployed) if secret in output] == []


def test_the_journal_is_shown_without_the_tunnels_secret(deployed: World) -> None:
    secret = secrets(deployed)[0]
    deployed.ssh(
        f"systemd-run --quiet --wait --unit=chatty -- bash -c 'echo the secret is {secret}, you know; sleep 1'"
    )

    text = argoweb(deployed, "logs", "--unit", "chatty")
    seen = argoweb(deployed, "logs", "web1", "--json", "--unit", "chatty", "--lines", "5")

    assert (text.returncode, seen.returncode) == (0, 0)
    assert "the secret is [secret], you know" in text.stdout
    messages = [json.loads(line) for line in seen.stdout.splitlines()]
    assert [
        m["server"] for m in messages if m["message"] == "the secret is [secret], you know"
    ] == ["web1"]
    assert secret not in text.stdout + seen.stdout
    assert "cloudflared[" in argoweb(deployed, "logs").stdout


def test_a_command_is_run_on_the_server_by_the_stacks_connection(deployed: World) -> None:
    shown = argoweb(deployed, "ssh", "web1", "systemctl", "status", "argoWeb")
    failed = argoweb(deployed, "ssh", "web1", "echo no >&2; exit 7")
    unknown = argoweb(deployed, "ssh", "web9")

    assert (shown.returncode, failed.returncode, unknown.returncode) == (0, 7, 2)
    assert "active (running)" in shown.stdout
    assert failed.stderr == "no\n"
    assert "The stack has no server 'web9'; it has: web1" in unknown.stderr
