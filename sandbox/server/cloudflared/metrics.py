"""The metrics address: /ready, /healthcheck, /config and the few numbers that are of use here."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from .log import log
from .rules import Refused


class Metrics:
    """Serves what `counts` gives: ready connections, requests in all and in progress, the connector's id; and the `rules`."""

    def __init__(
        self,
        address: str | None,
        counts: Callable[[], tuple[int, int, int, str]],
        rules: Callable[[], dict[str, Any]],
    ) -> None:
        self._candidates = (
            [address] if address else [f"127.0.0.1:{port}" for port in range(20241, 20246)]
        )
        self._counts = counts
        self._rules = rules
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        """Begins to listen.

        Raises:
            Refused: the address cannot be had.
        """
        for address in self._candidates:
            host, _, port = address.rpartition(":")
            try:
                self._server = await asyncio.start_server(
                    self._serve, host.strip("[]") or "127.0.0.1", int(port)
                )
            except OSError as error:
                problem = f"listen tcp {address}: bind: {(error.strerror or str(error)).lower()}"
                continue
            log("INF", f"Starting metrics server on {address}/metrics")
            return
        refused = f"failed to bind to address ({self._candidates[-1]}): {problem}"
        log("ERR", "Error opening metrics server listener", error=refused)
        raise Refused(f"Error opening metrics server listener: {refused}")

    def stop(self) -> None:
        """Listens no more."""
        if self._server is not None:
            self._server.close()
            log("INF", "Metrics server stopped")
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            ready, requests, in_progress, connector = self._counts()
            status, text = 200, ""
            match path:
                case "/ready":
                    status = 200 if ready else 503
                    answer = {"status": status, "readyConnections": ready, "connectorId": connector}
                    text = json.dumps(answer, separators=(",", ":"))
                case "/healthcheck":
                    text = "OK\n"
                case "/config":
                    text = json.dumps(self._rules(), separators=(",", ":"))
                case "/metrics":
                    text = (
                        f"cloudflared_tunnel_ha_connections {ready}\n"
                        f"cloudflared_tunnel_total_requests {requests}\n"
                        f"cloudflared_tunnel_concurrent_requests_per_tunnel {in_progress}\n"
                    )
                case _:
                    status, text = 404, "404 page not found\n"
            writer.write(
                f"HTTP/1.1 {status} Status\r\nContent-Length: {len(text)}\r\n"
                f"Connection: close\r\n\r\n{text}".encode()
            )
            await writer.drain()
        writer.close()
