"""What a restart of cloudflared or Caddy meets on a server: open streams, another endpoint, a refused secret."""

import base64
import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.world import World
from tests.faults.faults import Faults
from tests.faults.load import load
from tests.faults.streams import ORIGIN, PORT, SLOW
from tests.faults.test_health import refused

GRACE = 2
"""Seconds that running requests get when cloudflared stops."""
GRACE_OF_CLOUDFLARED = 30
"""The same where the stack says nothing."""
KEEPS_OPEN = """
import asyncio
UPGRADED = b'HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Accept: x\\r\\n\\r\\n'
async def answer(reader, writer):
    await reader.readuntil(b'\\r\\n\\r\\n')
    writer.write(UPGRADED)
    await reader.read()
async def main():
    server = await asyncio.start_server(answer, '127.0.0.1', 3900)
    await server.serve_forever()
asyncio.run(main())
"""


def websocket(world: World, hostname: str) -> socket.socket:
    """A WebSocket through the edge, once it is open."""
    edge = urlsplit(world.status["edge_url"])
    connection = socket.create_connection((edge.hostname, edge.port), 30)
    connection.sendall(
        f"GET / HTTP/1.1\r\nHost: {hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert b" 101 " in connection.recv(4096)
    return connection


def is_open(connection: socket.socket) -> bool:
    connection.settimeout(0.2)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def test_a_changed_route_with_an_open_websocket_ends_well_and_in_time(
    deployed: World, faults: Faults
) -> None:
    def streams(config: dict[str, Any]) -> None:
        config["argoweb:sites"][2]["service"] = "http://127.0.0.1:3900"
        config["argoweb:cloudflared"] = {"grace-period": f"{GRACE}s"}

    def other_way(config: dict[str, Any]) -> None:
        streams(config)
        config["argoweb:sites"][2]["service"] = "http://127.0.0.1:3000"
        config["argoweb:health"] = {"timeout": 5}  # which is none of a stop's time

    with deployed.service("streams", "/opt/sandbox/bin/python3", "-c", KEEPS_OPEN):
        with deployed.changed(streams):
            deployed.up()
        visitor = websocket(deployed, "status.example-two.localhost")
        with deployed.changed(other_way):
            output = deployed.up()

    assert "has stopped, which finishes what it answers" in output
    assert "done: the tunnel is connected" in output
    assert not is_open(visitor)
    assert "this is app" in deployed.get("status.example-two.localhost")[1]
    states = deployed.ssh("systemctl is-failed argoWeb argoWeb-2", check=False).split()
    assert states == ["active", "active"], "a stop that was forced is no failure"


@pytest.mark.long
def test_a_stop_waits_for_what_is_in_progress_and_for_nothing_else(
    deployed: World, faults: Faults
) -> None:
    """Also where Cloudflare leaves the connections open: cloudflared itself would wait for all of its grace period."""

    def slow(config: dict[str, Any]) -> None:
        config["argoweb:sites"][2]["service"] = f"http://127.0.0.1:{PORT}"
        config["argoweb:nixos"] = {"instances": 1}

    def stopped() -> float:
        began = time.monotonic()
        deployed.ssh("systemctl stop argoWeb")
        return time.monotonic() - began

    with (
        deployed.service("streams", "/opt/sandbox/bin/python3", "-c", ORIGIN),
        deployed.changed(slow),
        ThreadPoolExecutor(1) as visitor,
    ):
        deployed.up()
        deployed.control("/weather", {"keeps_drained": True}, "POST")
        try:
            idle = stopped()
            deployed.ssh("systemctl start argoWeb")
            asked = visitor.submit(deployed.get, "status.example-two.localhost", "/slow")
            deployed.wait_for(
                lambda: deployed.get("status.example-two.localhost", "/asked")[1] == "."
            )
            busy = stopped()
            answered = asked.result()
            deployed.ssh("systemctl start argoWeb")
        finally:
            deployed.control("/weather", {"keeps_drained": False}, "POST")

    assert answered == (200, "slow")
    assert idle < 10 < GRACE_OF_CLOUDFLARED
    assert SLOW - 2 < busy < GRACE_OF_CLOUDFLARED
    assert deployed.ssh("systemctl is-failed argoWeb", check=False).strip() == "active"


@pytest.mark.long
@pytest.mark.parametrize(
    "options",
    ["admin 127.0.0.1:2020", "admin unix//run/caddy/admin.sock", "admin unix//tmp/a.sock"],
)
def test_caddy_runs_what_is_live_also_where_its_admin_endpoint_moves(
    deployed: World, faults: Faults, options: str
) -> None:
    def moved(config: dict[str, Any]) -> None:
        config["argoweb:caddy"] = {"globalOptions": options}
        config["argoweb:sites"][1]["proxy"] = "127.0.0.1:3001"

    def moved_and_back(config: dict[str, Any]) -> None:
        config["argoweb:caddy"] = {"globalOptions": options}

    deployed.ssh("mkdir -p /run/caddy && chown caddy /run/caddy")
    with deployed.changed(moved):
        output = deployed.up()
        shown = deployed.get("app.example.localhost")[1]
    before = deployed.ssh("systemctl show -p InvocationID --value caddy")
    with deployed.changed(moved_and_back):
        more = deployed.up()

    assert "restarting caddy, which does not run what is live" in output
    assert "this is status" in shown
    assert "reloading caddy" in more
    assert deployed.ssh("systemctl show -p InvocationID --value caddy") == before
    assert "this is app" in deployed.get("app.example.localhost")[1]


@pytest.mark.long
def test_a_caddy_that_cannot_be_reloaded_is_refused_unless_its_unit_restarts_it(
    deployed: World, faults: Faults
) -> None:
    def off(config: dict[str, Any]) -> None:
        config["argoweb:caddy"] = {"globalOptions": "admin off"}
        config["argoweb:sites"][1]["proxy"] = "127.0.0.1:3001"

    configuration = deployed.host_root() / "etc/nixos/configuration.nix"
    good = configuration.read_text()
    with deployed.changed(off):
        said = refused(deployed)
        assert "Caddy's admin endpoint is off, by which its unit is reloaded." in said
        assert "nothing was changed on this server" in said

        lines = "services.caddy.enableReload = false;"
        configuration.write_text(f"{good.rstrip().removesuffix('}')}{lines}\n}}\n")
        try:
            deployed.up()
            assert "this is status" in deployed.get("app.example.localhost")[1]
        finally:
            configuration.write_text(good)


@pytest.mark.long
def test_a_secret_that_cloudflare_refuses_is_told_in_seconds_and_the_next_run_is_well(
    deployed: World, faults: Faults
) -> None:
    def other_service(config: dict[str, Any]) -> None:
        config["argoweb:sites"][2]["service"] = "http://127.0.0.1:3000"

    path = deployed.ssh("ls /var/lib/argoWeb/*.json").strip()
    credentials = json.loads(deployed.ssh(f"cat {path}"))
    tunnel = f"/accounts/{credentials['AccountTag']}/cfd_tunnel/{credentials['TunnelID']}"
    wrong = base64.b64encode(bytes(32)).decode()
    deployed.api("PATCH", tunnel, {"tunnel_secret": wrong})
    began = time.monotonic()
    try:
        with deployed.changed(other_service):
            said = refused(deployed)
    finally:
        took = time.monotonic() - began
        deployed.api("PATCH", tunnel, {"tunnel_secret": credentials["TunnelSecret"]})

    why = r"(Unauthorized: Invalid tunnel secret|over QUIC it does not say why, and [^.]*)"
    told = rf"refused the tunnel's secret \d times: {why}\."
    assert re.search(told, said), said
    assert "Errors of argoWeb.service:" in said
    assert "precheck" not in said
    assert took < 60, "with a health timeout of 60 s it was twice that"
    assert "done: the tunnel is connected" in deployed.up()


@pytest.mark.long
def test_another_cloudflared_of_the_server_goes_on_beside_ours(
    deployed: World, faults: Faults
) -> None:
    account = json.loads(deployed.ssh("cat /var/lib/argoWeb/*.json"))["AccountTag"]
    secret = base64.b64encode(b"s" * 32).decode()
    body = {"name": "other", "config_src": "local", "tunnel_secret": secret}
    tunnel = deployed.api("POST", f"/accounts/{account}/cfd_tunnel", body)["id"]
    credentials = {"AccountTag": account, "TunnelSecret": secret, "TunnelID": tunnel}
    root = deployed.host_root() / "root"
    (root / "other.json").write_text(json.dumps(credentials))
    (root / "other.yml").write_text(
        f"tunnel: {tunnel}\ncredentials-file: /root/other.json\ningress:\n- service: http_status:404\n"
    )
    program = deployed.ssh("sed -n 's/^ExecStart=\\([^ ]*\\).*/\\1/p' /etc/systemd/system/argoWeb.service").strip()  # fmt: skip
    ready = "curl -fsS --retry 20 --retry-all-errors --retry-delay 1 http://127.0.0.1:{}/ready"
    words = [program, "--config", "/root/other.yml", "--no-autoupdate", "tunnel", "run"]

    deployed.ssh("systemctl stop argoWeb argoWeb-2")
    with deployed.service("other-tunnel", *words):
        deployed.ssh(ready.format(20241))
        deployed.ssh("systemctl start argoWeb argoWeb-2")
        ours = deployed.ssh(ready.format(20251))
        theirs = deployed.ssh(ready.format(20241))
    deployed.api("DELETE", f"/accounts/{account}/cfd_tunnel/{tunnel}/connections")
    deployed.api("DELETE", f"/accounts/{account}/cfd_tunnel/{tunnel}")

    assert json.loads(ours)["connectorId"] != json.loads(theirs)["connectorId"]


@pytest.mark.long
def test_a_port_that_another_has_is_refused_before_anything_is_touched(
    deployed: World, faults: Faults
) -> None:
    def at(port: int) -> Callable[[dict[str, Any]], None]:
        def move(config: dict[str, Any]) -> None:
            config["argoweb:caddy"] = {"port": port}

        return move

    def metrics(port: int) -> Callable[[dict[str, Any]], None]:
        def move(config: dict[str, Any]) -> None:
            config["argoweb:cloudflared"] = {"metrics": f"127.0.0.1:{port}"}

        return move

    with deployed.service("squat", "/usr/bin/python3", "-m", "http.server", "8090"):
        deployed.ssh(
            "curl -fsS --retry 20 --retry-all-errors --retry-delay 1 http://127.0.0.1:8090/ >/dev/null"
        )
        with load(deployed, "app.example.localhost") as visitors, deployed.changed(at(8090)):
            said = refused(deployed)
        assert (
            "caddy.service is to listen at 127.0.0.1:8090, where python3 (squat.service) does."
            in said
        )
        assert "nothing was changed on this server" in said
        assert visitors.failed == []

    with deployed.changed(metrics(20252)):
        said = refused(deployed)
        assert "(argoWeb-2.service) listens. It moves only after that" in said
    for port in (20261, 20252):
        with deployed.changed(metrics(port)):
            deployed.up()
    deployed.up()  # the second one goes to where the first one was
