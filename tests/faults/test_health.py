"""What a new configuration has to show before it may stay, on the server itself."""

import json
from typing import Any

import pytest

from sandbox.world import World
from tests.faults.faults import Faults
from tests.faults.test_activation import TAKEN_BACK, live_files

pytestmark = pytest.mark.long

DROP_IN = "/run/systemd/system/argoWeb.service.d/fault.conf"


def refused(world: World) -> str:
    """What a `pulumi up` that fails says."""
    result = world.pulumi("up", "--yes", "--skip-preview", check=False)
    assert result.returncode != 0
    return result.stdout + result.stderr


def test_a_cloudflared_that_crashes_at_every_start_is_taken_back(
    deployed: World, faults: Faults
) -> None:
    def no_address(config: dict[str, Any]) -> None:
        config["argoweb:cloudflared"] = {"metrics": "192.0.2.77:20251"}

    files = live_files(deployed)
    with deployed.changed(no_address):
        said = refused(deployed)

    assert "systemctl start argoWeb.service failed" in said
    assert "Error opening metrics server listener" in said
    assert TAKEN_BACK in said
    assert live_files(deployed) == files


def test_a_unit_that_starts_and_soon_ends_again_is_not_healthy_and_its_journal_is_shown_without_the_secret(
    deployed: World, faults: Faults
) -> None:
    def moved(config: dict[str, Any]) -> None:
        config["argoweb:sites"][2]["service"] = "http://127.0.0.1:3000"
        config["argoweb:health"] = {"timeout": 15}

    credentials = deployed.ssh("ls /var/lib/argoWeb/*.json").strip()
    lines = (  # wherever it is in its life, the secret is in its last lines
        "[Service]",
        *(
            f"{when}=/bin/cat {credentials}"
            for when in ("ExecStartPre", "ExecStartPost", "ExecStopPost")
        ),
        'ExecStartPre=/bin/echo "2026-01-01T00:00:00Z DBG Cookie: a-visitors-cookie"',
        "RuntimeMaxSec=100ms",
    )
    deployed.ssh(
        f"mkdir -p {DROP_IN.rpartition('/')[0]}; printf '%s\\n' {' '.join(map(repr, lines))} >{DROP_IN}; systemctl daemon-reload"
    )
    try:
        with deployed.changed(moved):
            said = refused(deployed)
        journal = deployed.ssh("journalctl -u argoWeb -o cat --no-pager")
    finally:
        deployed.ssh(f"rm {DROP_IN}; systemctl daemon-reload; systemctl restart argoWeb")

    secret = json.loads(deployed.ssh(f"cat {credentials}"))["TunnelSecret"]
    assert "Not healthy after 15 s" in said
    assert "the old one is not healthy either" in said
    assert "[secret]" in said
    for hidden in (secret, "a-visitors-cookie"):
        assert hidden in journal
        assert hidden not in said


def test_a_page_of_a_site_is_asked_of_the_servers_own_caddy(
    deployed: World, faults: Faults
) -> None:
    page = deployed.host_root() / "srv/www/health page"

    def asks(config: dict[str, Any]) -> None:
        config["argoweb:sites"][1]["proxy"] = "127.0.0.1:3001"
        url = "https://www.example.localhost/health%20page?x=[1]"
        config["argoweb:health"] = {"timeout": 15, "urls": [url]}

    with deployed.changed(asks):
        said = refused(deployed)
        assert "Caddy at 127.0.0.1:8080 does not answer for www.example.localhost" in said
        assert "404" in said
        assert TAKEN_BACK in said

        page.write_text("well\n")
        assert "done: the tunnel is connected" in deployed.up()
    page.unlink()
