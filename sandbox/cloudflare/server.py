"""The whole stand-in: one store behind its listeners."""

import os
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sandbox.namespaces import LOOPBACK, Namespace, bound, datagram_socket, listening

from . import certificate
from .api import BASE, Api
from .control import Control
from .edge import Edge
from .http import serve
from .journal import Journal
from .listen import Datagrams, Listener
from .resolve import resolved_zone
from .standin_protocol import StandinEdge
from .store import Store, write_private_json
from .tunnels import LOCATIONS, Tunnels
from .weather import Location, Weather

REAL_PORTS = {location: 7844 + number for number, location in enumerate(LOCATIONS)}
"""Where a server finds each location of the edge; the real one has 7844 everywhere."""
STANDIN_PORT = 7840
"""Where a server's own imitation of cloudflared finds the edge."""
TEAM_ADDRESS, TEAM_PORT = "127.0.78.1", 443
"""Where a server finds its team's keys: not at the address that its own services use."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """TCP ports on the loopback; 0 lets the system choose."""

    api: int = 0
    control: int = 0
    edge: int = 0
    tunnel: int = 0


class Server:
    """The stand-in with its data in `state_dir` (store.json).

    It speaks cloudflared's own `protocols` too: "http2" takes the package h2, "quic" aioquic as well.
    `ping_seconds` is the time between the edge's pings to a connector, `dead_seconds` the silence
    after which a connection counts as gone, `drain_seconds` how long one that was unregistered may
    finish what it had begun.
    """

    def __init__(
        self,
        state_dir: Path,
        ports: Ports,
        *,
        protocols: Collection[str] = (),
        ping_seconds: float = 5.0,
        dead_seconds: float = 15.0,
        drain_seconds: float = 180.0,
    ) -> None:
        self._state_dir = state_dir
        store = Store(state_dir / "store.json")
        journal = Journal()
        tunnels = Tunnels(store)
        self._api = Listener(partial(serve, Api(store, tunnels, journal).handle), ports.api)
        locations = {name: Location(name) for name in LOCATIONS}
        control = Control(store, tunnels, journal, self.open_doors, Weather(locations))
        self._control = Listener(partial(serve, control.handle), ports.control)
        visitors = Edge(store, tunnels)
        self._edge = Listener(visitors.accept, ports.edge)
        authority = certificate.Authority(state_dir)
        tls = authority.context(certificate.CERTIFICATE)
        zone_of = partial(resolved_zone, store)
        self._edge_tls = Listener(visitors.accept, tls=authority.universal(zone_of))
        self._team = Listener(visitors.accept_team, tls=tls)
        standin = StandinEdge(
            tunnels,
            list(locations.values()),
            ping_seconds=ping_seconds,
            dead_seconds=dead_seconds,
            drain_seconds=drain_seconds,
        )
        self._tunnel = Listener(standin.accept, ports.tunnel)
        self._locations: dict[str, Listener] = {}
        self._quic: dict[str, Datagrams] = {}
        if protocols:
            from .http2 import Http2Edge

            for name, location in locations.items():
                edge = Http2Edge(
                    tunnels,
                    location,
                    ping_seconds=ping_seconds,
                    dead_seconds=dead_seconds,
                    drain_seconds=drain_seconds,
                )
                self._locations[name] = Listener(edge.accept, tls=tls)
                location.watch(partial(self._come_or_go, location))
        if "quic" in protocols:
            from .quic import QuicEdge

            for name, location in locations.items():
                quic = QuicEdge(
                    tunnels,
                    location,
                    certificate=state_dir / certificate.CERTIFICATE,
                    key=state_dir / certificate.KEY,
                    dead_seconds=dead_seconds,
                    drain_seconds=drain_seconds,
                )
                self._quic[name] = Datagrams(quic.server)
        self._listeners = (
            *(self._api, self._control, self._edge, self._edge_tls, self._tunnel, self._team),
            *self._locations.values(),
        )

    async def start(self) -> None:
        """Listen on every port, then write cloudflare.json: its presence means ready."""
        for listener in self._listeners:
            await listener.start()
        for name, datagrams in self._quic.items():
            await datagrams.also(partial(_own_datagrams, self._locations[name].port))
        write_private_json(self._state_dir / "cloudflare.json", self.addresses())

    async def stop(self) -> None:
        for listener in self._listeners:
            await listener.stop()
        for datagrams in self._quic.values():
            await datagrams.stop()

    async def open_doors(self, namespace: Path) -> None:
        """Lets the edge be found in a network namespace, too: each location at its port."""
        inside = Namespace(namespace)
        for location, listener in self._locations.items():
            await listener.also(partial(_door, inside, REAL_PORTS[location]))
        for location, datagrams in self._quic.items():
            await datagrams.also(partial(_datagrams, inside, REAL_PORTS[location]))
        await self._tunnel.also(partial(_door, inside, STANDIN_PORT))
        await self._team.also(partial(_door, inside, TEAM_PORT, TEAM_ADDRESS))

    async def _come_or_go(self, location: Location) -> None:
        everywhere: tuple[Mapping[str, Listener | Datagrams], ...] = (self._locations, self._quic)
        for listeners in everywhere:
            if (listener := listeners.get(location.name)) is not None:
                await (listener.pause() if location.now.gone else listener.resume())

    def addresses(self) -> dict[str, str | int | dict[str, str]]:
        """Where everything listens, as cloudflare.json has it."""
        return {
            "api_url": f"http://{LOOPBACK}:{self._api.port}{BASE}",
            "control_url": f"http://{LOOPBACK}:{self._control.port}",
            "edge_url": f"http://{LOOPBACK}:{self._edge.port}",
            "edge_tls_address": f"{LOOPBACK}:{self._edge_tls.port}",
            "tunnel_address": f"{LOOPBACK}:{self._tunnel.port}",
            "team_address": f"{LOOPBACK}:{self._team.port}",
            "locations": {
                location: f"{LOOPBACK}:{listener.port}"
                for location, listener in self._locations.items()
            },
            "edge_ca": str(self._state_dir / certificate.AUTHORITY),
            "pid": os.getpid(),
        }


def _own_datagrams(port: int) -> socket.socket:
    return bound(datagram_socket(), port)


def _datagrams(inside: Namespace, port: int) -> socket.socket:
    return bound(inside.datagram_socket(), port)


def _door(inside: Namespace, port: int, address: str = LOOPBACK) -> socket.socket:
    return listening(inside.stream_socket(), port, address)
