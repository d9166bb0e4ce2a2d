"""Visitors' requests through the tunnel: by Caddy, straight from cloudflared to the application, and behind Access.

The edge is the sandbox's, in Python, and slower than all that is behind it: what a way through the server costs shows
in the processor time that a request takes there.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from bench.lab import Lab
from bench.load import Load, compared, is_measurable, together, under_load
from bench.messages import ECHO, exchanged
from bench.rounds import Row, interleaved, ratio
from sandbox.world import World

SERVER, ZONE = "web1", "tunnel.localhost"
_ZONE_ID = ZONE.encode().hex()[:32].rjust(32, "0")
_HTTP, _ECHO = 3921, 3922
"""Ports of the application: a Caddy that answers at once, and one that sends back what comes."""
_SIZES = {"1 KiB": 2**10, "1 MiB": 2**20}
_CONNECTIONS = 8
_AT_LEAST = 0.95
_UNITS = ("argoWeb", "argoWeb-2")
_APPLICATION = f"""{{
	admin off
}}
http://:{_HTTP} {{
	bind 127.0.0.1
	root * /run/application
	file_server
}}
"""


def rows(lab: Lab, rounds: int) -> list[Row]:
    """Requests and messages at the same time by both ways, then what each costs the server; nothing without `wrk`."""
    if not is_measurable("requests through the tunnel"):
        return []
    world = lab.world
    lab.seed({ZONE: _ZONE_ID})
    lab.ours.write("argoweb", {"servers": lab.ours.doors([SERVER]), **_stack()})
    lab.ours.up()  # from then on there is a Caddy
    with ExitStack() as running:
        running.enter_context(_application(world))
        running.enter_context(world.service("echo", "/opt/sandbox/bin/python3", "-c", ECHO % _ECHO))
        found = [row for name in _SIZES for row in _requests(world, name, rounds)]
        found += _messages(world, rounds)
        found += _processor(world, rounds)
        found.append(_memory(world))
    lab.ours.destroy()
    return found


def _stack() -> dict[str, Any]:
    http, echo = (f"127.0.0.1:{port}" for port in (_HTTP, _ECHO))
    return {
        "zones": [{"name": ZONE, "id": _ZONE_ID}],
        "access": {"team": "sandbox", "groups": {"program": {"serviceTokens": "bench"}}},
        "sites": [
            {"hostname": f"caddy.{ZONE}", "proxy": http},
            {"hostname": f"straight.{ZONE}", "service": f"http://{http}"},
            {"hostname": f"guarded.{ZONE}", "service": f"http://{http}", "access": {"groups": ["program"]}},
            {"hostname": f"caddy-echo.{ZONE}", "proxy": echo},
            {"hostname": f"straight-echo.{ZONE}", "service": f"http://{echo}"},
        ],
    }  # fmt: skip


@contextmanager
def _application(world: World) -> Iterator[None]:
    words = "mkdir -p /run/application; cd /run/application; "
    words += "; ".join(
        f"head -c {size} /dev/zero >'{name.replace(' ', '')}'" for name, size in _SIZES.items()
    )
    world.ssh(f"{words}; printf '%s' '{_APPLICATION}' >Caddyfile")
    caddy = world.ssh("readlink -f /proc/$(systemctl show -p MainPID --value caddy)/exe").strip()
    words = f"{caddy} run --config /run/application/Caddyfile"
    with world.service("application", "/bin/sh", "-c", f"HOME=/run/application exec {words}"):
        for name, size in _SIZES.items():
            world.wait_for(lambda: len(_page(world, name)) == size)  # noqa: B023
        yield


def _page(world: World, size: str) -> str:
    return world.get(f"straight.{ZONE}", f"/{size.replace(' ', '')}")[1]


def _visit(world: World, way: str, size: str, connections: int, **headers: str) -> Load:
    url = f"{world.status['edge_url']}/{size.replace(' ', '')}"
    return under_load(url, {"Host": f"{way}.{ZONE}", **headers}, connections)


def _requests(world: World, size: str, rounds: int) -> list[Row]:
    ways = {way: partial(_visit, world, way, size, _CONNECTIONS) for way in ("caddy", "straight")}
    ours, other = together(ways, rounds).values()
    return compared(
        f"through the tunnel and Caddy, {size}",
        ours,
        other,
        against="straight to the application",
        at_least=_AT_LEAST,
        latencies={"p50": 1 / _AT_LEAST, "p99": 1 / _AT_LEAST},
    )


def _messages(world: World, rounds: int) -> list[Row]:
    edge = world.status["edge_url"]
    ways = {
        way: partial(exchanged, edge, f"{way}-echo.{ZONE}", _CONNECTIONS)
        for way in ("caddy", "straight")
    }
    ours, other = together(ways, rounds).values()
    return compared(
        "through the tunnel and Caddy, a WebSocket",
        ours,
        other,
        against="straight to the application",
        at_least=_AT_LEAST,
        latencies={"p50": 1 / _AT_LEAST, "p99": 1 / _AT_LEAST},
        unit="messages",
    )


def _processor(world: World, rounds: int) -> list[Row]:
    """Milliseconds of the server's cloudflared and Caddy for a request, one way after the other."""
    token = json.loads(
        world.pulumi("stack", "output", "serviceTokens", "--show-secrets", "--json").stdout
    )["bench"]
    headers = {
        "CF-Access-Client-Id": token["clientId"],
        "CF-Access-Client-Secret": token["clientSecret"],
    }
    ways = {
        "caddy": partial(_cost, world, "caddy"),
        "straight": partial(_cost, world, "straight"),
        "guarded": partial(_cost, world, "guarded", **headers),
    }
    found = interleaved(ways, rounds)
    what = "processor time of a request on the server, against straight to the application"
    return [
        ratio(f"{what}: through Caddy", found["caddy"], found["straight"], None, unit="ms"),
        ratio(f"{what}: behind Access", found["guarded"], found["straight"], None, unit="ms"),
    ]


def _cost(world: World, way: str, **headers: str) -> float:
    before, began = _used_ms(world), time.monotonic()
    load = _visit(world, way, "1 KiB", _CONNECTIONS, **headers)
    return (_used_ms(world) - before) / (load.per_second * (time.monotonic() - began))


def _used_ms(world: World) -> float:
    pids = _pids(world, *_UNITS, "caddy")
    stats = world.ssh(f"cat {' '.join(f'/proc/{pid}/stat' for pid in pids)}", SERVER)
    ticks = (line.rpartition(")")[2].split()[11:13] for line in stats.splitlines())
    return sum(int(each) for both in ticks for each in both) * 1000 / os.sysconf("SC_CLK_TCK")


def _pids(world: World, *units: str) -> list[str]:
    return world.ssh(f"systemctl show -p MainPID --value {' '.join(units)}", SERVER).split()


def _memory(world: World) -> Row:
    pids = _pids(world, *_UNITS)
    kib = world.ssh(
        f"sed -n 's/^VmHWM://p' {' '.join(f'/proc/{pid}/status' for pid in pids)}", SERVER
    )
    each = [int(line.split()[0]) / 1024 for line in kib.splitlines()]
    return Row(
        measure="peak memory of two cloudflared under this load: MiB",
        value=sum(each),
        detail=" and ".join(f"{it:.0f} MiB" for it in each),
    )
