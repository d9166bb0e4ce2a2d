"""The whole stand-in: one store behind four listeners."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .api import BASE, Api
from .control import Control
from .edge import Edge
from .http import serve
from .journal import Journal
from .listen import LOOPBACK, Listener
from .store import Store, write_private_json
from .tunnels import Tunnels


@dataclass(frozen=True, kw_only=True)
class Ports:
    """TCP ports on the loopback; 0 lets the system choose."""

    api: int = 0
    control: int = 0
    edge: int = 0
    tunnel: int = 0


class Server:
    """The stand-in with its data in `state_dir` (store.json)."""

    def __init__(
        self,
        state_dir: Path,
        ports: Ports,
        *,
        ping_seconds: float = 5.0,
        dead_seconds: float = 15.0,
    ) -> None:
        self._state_dir = state_dir
        store = Store(state_dir / "store.json")
        journal = Journal()
        tunnels = Tunnels(store, ping_seconds=ping_seconds, dead_seconds=dead_seconds)
        self._api = Listener(partial(serve, Api(store, tunnels, journal).handle), ports.api)
        self._control = Listener(
            partial(serve, Control(store, tunnels, journal).handle), ports.control
        )
        self._edge = Listener(Edge(store, tunnels).accept, ports.edge)
        self._tunnel = Listener(tunnels.accept, ports.tunnel)
        self._listeners = (self._api, self._control, self._edge, self._tunnel)

    async def start(self) -> None:
        """Listen on every port, then write cloudflare.json: its presence means ready."""
        for listener in self._listeners:
            await listener.start()
        write_private_json(self._state_dir / "cloudflare.json", self.addresses())

    async def stop(self) -> None:
        for listener in self._listeners:
            await listener.stop()

    def addresses(self) -> dict[str, str | int]:
        """Where everything listens, as cloudflare.json has it."""
        return {
            "api_url": f"http://{LOOPBACK}:{self._api.port}{BASE}",
            "control_url": f"http://{LOOPBACK}:{self._control.port}",
            "edge_url": f"http://{LOOPBACK}:{self._edge.port}",
            "tunnel_address": f"{LOOPBACK}:{self._tunnel.port}",
            "pid": os.getpid(),
        }
