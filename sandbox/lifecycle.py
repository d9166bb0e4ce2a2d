"""Bringing the sandbox up, showing it, taking it down."""

import json
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sandbox import caddy, cloudflared, keeper, needs, orphans, processes, stack, state
from sandbox.cloudflare.access.organization import DOMAIN
from sandbox.engine import own_language_host, plugins, pulumi_cli
from sandbox.ports import free_ports
from sandbox.server import mounts
from sandbox.server.machine import Machine, ensure_key, is_key, leftovers
from sandbox.state import CHECKOUT, FOLDER, STACK, SandboxError, folder

EXAMPLE = Path(__file__).resolve().parent / "example"
ACCOUNT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
TEAM = "sandbox"
"""The name of the account's team in Zero Trust."""
ZONES = {
    "example.localhost": "00112233445566778899aabbccddee01",
    "example-two.localhost": "00112233445566778899aabbccddee02",
}
_TOKEN = "sandbox-token-0123456789abcdefghijklmnopqrs"
_READY_SECONDS = 60
_STARTED = time.monotonic()
_UP = "Start it with: python -m sandbox up"
_OF_A_RUN = ("state.json", "processes.json", "cloudflare", "servers", "pulumi-state")
"""What `down` takes out of the folder; the second one is of earlier versions."""
_UNKNOWN = (KeyError, TypeError, AttributeError, ValueError, IndexError, OSError, StopIteration)
"""What reading a state of another version, or the broken file of a key, raises."""


def say(text: str) -> None:
    """One step, with the seconds since the start."""
    print(f"[{time.monotonic() - _STARTED:5.1f}s] {text}", file=sys.stderr, flush=True)


def up(servers: int, pid: int | None = None) -> dict[str, Any]:
    """Starts what does not run, and prepares the stack; with the id of a process, until that has ended.

    What is left of a sandbox that cannot go on is ended first. When it does not come up, what was started is ended.

    Raises:
        SandboxError: something is missing or does not start.
    """
    needs.check(servers)
    orphans.end(say)
    pulumi = pulumi_cli.find(say)
    current = state.load()
    faults = _faults(current) or _differences(current, servers)
    if not faults:
        say("the sandbox is up already")
        try:
            return _prepared(current | keeper.kept_for(pid), pulumi)
        except stack.UnreadableState as error:
            faults = [str(error)]
    if current or _left():
        say(f"ending what is left of an earlier sandbox, since {'; '.join(faults)}")
    down()
    folder(FOLDER)
    try:
        if kept := keeper.kept_for(pid):
            state.save(kept)
        return _prepared(_start(servers) | kept, pulumi)
    except BaseException:
        say("it did not come up; ending what was started")
        down()
        raise


def _prepared(current: dict[str, Any], pulumi: Path) -> dict[str, Any]:
    """The sandbox with what Pulumi needs, which is made again where it is gone."""
    say(f"preparing the stack '{STACK}'")
    current["pulumi"] = str(pulumi)
    own_language_host.install(pulumi)
    current["plugins"] = plugins.install(folder(stack.HOME), pulumi, say)
    stack.prepare(current, _machines(current), EXAMPLE / "stack.yaml", say)
    state.save(current)
    return current


def down() -> None:
    """Ends all that runs, whatever is known of it; keys, passphrase, stack file and plugins stay for the next time.

    Raises:
        SandboxError: something does not end. Everything else has ended.
    """
    problems: list[str] = []

    def tried(step: Callable[[], None]) -> None:
        try:
            step()
        except SandboxError as error:
            problems.append(str(error))

    for process in (*processes.left_by_pulumi(stack.HOME), *reversed(processes.running())):
        tried(partial(processes.end, process))
    for machine in leftovers():
        tried(machine.remove)
    tried(partial(mounts.release, FOLDER))
    if problems:
        raise SandboxError("\n".join(problems))
    for name in _OF_A_RUN if FOLDER.is_dir() else ():
        path = FOLDER / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def reset() -> None:
    """Down, and nothing kept but what was built once: keys, passphrase, stack file and plugins go too."""
    down()
    shutil.rmtree(FOLDER) if FOLDER.is_dir() else FOLDER.unlink(missing_ok=True)
    stack.STACK_FILE.unlink(missing_ok=True)


def status() -> dict[str, Any]:
    """What runs and where, and what is wrong with it.

    Raises:
        SandboxError: it is not up; only parts of it may be.
    """
    current = state.load()
    has_begun = "servers" in current
    if not has_begun and not (left := _left()):
        raise SandboxError(f"The sandbox is not up. {_UP}")
    if not has_begun:
        raise SandboxError(_half_up([f"of {part} something is left" for part in left]))
    faults = _faults(current)
    try:
        return {"running": not faults, "faults": faults, **_shown(current)}
    except _UNKNOWN:
        raise SandboxError(_half_up(faults)) from None


def _half_up(words: Sequence[str]) -> str:
    return (
        f"The sandbox is neither up nor down: {'; '.join(words)}. {_UP}, which ends what is left first. "
        "To end it only: python -m sandbox down"
    )


def _shown(current: dict[str, Any]) -> dict[str, Any]:
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


def _faults(current: dict[str, Any]) -> list[str]:
    """Why what was brought up cannot go on as it is."""
    if not current:
        return ["nothing that can be read says how it was started"]
    try:
        machines = _machines(current)
        _shown(current)
    except _UNKNOWN:
        return ["what says how it was started, or a server's key, is of another version or broken"]
    alive = {process.part for process in processes.running()}
    parts = ["cloudflare", *(part for machine in machines for part in machine.parts)]
    faults = [f"{part} does not run" for part in parts if part not in alive]
    if not is_key(machines[0].private_key):
        faults.append("the SSH key is gone or broken")
    elif machines[0].public_key != current.get("key"):
        faults.append("the servers know another SSH key")
    if not (FOLDER / "cloudflare").is_dir():
        faults.append("Cloudflare has no folder to keep anything in")
    if not stack.has_passphrase():
        faults.append("the passphrase of the stack's state is gone or broken")
    return faults


def _differences(current: dict[str, Any], servers: int) -> list[str]:
    """Why it is not the sandbox that is asked for."""
    differences = []
    if len(current["servers"]) != servers:
        differences.append(f"it has not {servers} servers but {len(current['servers'])}")
    if current.get("programs") != state.programs():
        differences.append("its programs have changed since it was started")
    if any(name in os.environ for name in cloudflared.CHOICES):
        asked = cloudflared.find(lambda _: None).described
        if asked != current["cloudflared"]:
            differences.append(f"its cloudflared is {current['cloudflared']}, not {asked}")
    return differences


def _left() -> list[str]:
    """The parts that run, or of which something is left, whatever says that they should."""
    running = {process.part for process in processes.running()}
    return sorted(running | {f"servers/{machine.name}" for machine in leftovers()})


def _machines(current: dict[str, Any]) -> list[Machine]:
    return [Machine(name=name, ssh_port=port) for name, port in current["servers"].items()]


def _start(servers: int) -> dict[str, Any]:
    tunnel_client = cloudflared.find(say)
    say("starting Cloudflare: the API and the edge")
    cloudflare = _start_cloudflare(tunnel_client.protocols)
    ports = {f"web{number}": port for number, port in enumerate(free_ports(servers), 1)}
    current: dict[str, Any] = {
        "token": _TOKEN,
        "cloudflare": cloudflare,
        "servers": ports,
        "plugins": {},
        "cloudflared": tunnel_client.described,
    }
    machines = _machines(current)
    current["key"] = ensure_key(machines[0].private_key)
    for machine in machines:
        say(f"booting the server {machine.name}")
        machine.create(caddy.find(), EXAMPLE)
        machine.find_edge(tunnel_client, Path(cloudflare["edge_ca"]), TEAM + DOMAIN)
        machine.open_network(other for other in machines if other != machine)
        _tell(cloudflare, "/doors", {"namespace": str(machine.namespace)})
        machine.start()
    return current


def _start_cloudflare(protocols: Sequence[str]) -> dict[str, Any]:
    place = folder(FOLDER / "cloudflare")
    process = processes.start(
        "cloudflare",
        [
            *(sys.executable, "-m", "sandbox.cloudflare", "--state-dir", str(place)),
            *(f"--protocol={protocol}" for protocol in protocols),
        ],
        log=FOLDER / "cloudflare.log",
        cwd=CHECKOUT,
    )
    ready = place / "cloudflare.json"
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
        "organizations": [{"account_id": ACCOUNT, "team": TEAM}],
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
