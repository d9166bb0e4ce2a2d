"""A running tunnel: the files, messages and signals of the real one, to the sandbox's own edge."""

import asyncio
import base64
import contextlib
import http
import json
import os
import re
import signal
import socket
import sys
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.cloudflare.http import BadHttp, Head, read_head

from .origin import Origin, Unreachable
from .rules import Refused, duration, load_rules
from .version import VERSION

EDGE_FILE = Path("/etc/sandbox/edge")
EDGE_DEFAULT = "127.0.0.1:7840"
CONNECTIONS = 4
LONGEST_GRACE = 180.0
LONGEST_BACKOFF = 8.0
DEAD_AFTER = 15.0


def log(level: str, text: str, **fields: object) -> None:
    words = " ".join(f"{key}={value}" for key, value in fields.items())
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(f"{stamp} {level} {text} {words}".rstrip(), file=sys.stderr, flush=True)


def page(status: int, text: str) -> bytes:
    try:
        reason = http.HTTPStatus(status).phrase
    except ValueError:
        reason = "Status"
    body = text.encode()
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


class Connector:
    """The running tunnel."""

    def __init__(self, config: dict[str, Any], flags: dict[str, str]) -> None:
        self.config = {**config, **flags}
        self.rules = load_rules(config)
        self.origins = [Origin(rule) for rule in self.rules]
        self.id = str(uuid.uuid4())
        self.credentials = self._credentials()
        self.grace = duration(self.config.get("grace-period", "30s"))
        if self.grace > LONGEST_GRACE:
            raise Refused("grace-period must be equal or less than 3m0s")
        self.connected: set[int] = set()
        # With what tells that the edge agreed to send nothing more.
        self.controls: dict[int, tuple[asyncio.StreamWriter, asyncio.Event]] = {}
        self.streams: set[asyncio.Task[None]] = set()
        self.stopping = asyncio.Event()
        self.total = 0
        self.announced = False

    def _credentials(self) -> dict[str, Any]:
        path = self.config.get("credentials-file")
        tunnel = str(self.config.get("tunnel", ""))
        if not path:
            raise Refused(f"tunnel credentials file not found for {tunnel}")
        try:
            found = json.loads(Path(path).read_text())
        except OSError as error:
            raise Refused(
                f"error parsing tunnel ID: tunnel credentials file '{path}' doesn't exist or is not a file: {error.strerror}"
            ) from error
        except ValueError as error:
            raise Refused("Invalid JSON when parsing tunnel credentials file") from error
        try:
            uuid.UUID(tunnel)
            base64.b64decode(found["TunnelSecret"], validate=True)
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(
                f"{tunnel} is neither the ID nor the name of any of your tunnels"
            ) from error
        if str(found.get("TunnelID")) != tunnel:
            raise Refused(f"the credentials file {path} belongs to another tunnel than {tunnel}")
        return dict(found)

    def edge(self) -> tuple[str, int]:
        text = os.environ.get("SANDBOX_EDGE") or (
            EDGE_FILE.read_text().strip() if EDGE_FILE.exists() else EDGE_DEFAULT
        )
        host, _, port = text.rpartition(":")
        return host, int(port)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        log("INF", f"Starting tunnel tunnelID={self.config['tunnel']}")
        log("INF", f"Version {VERSION} (sandbox)")
        metrics = await self._serve_metrics()
        keepers = [asyncio.create_task(self._keep(index)) for index in range(CONNECTIONS)]
        await self.stopping.wait()
        log("INF", "Initiating graceful shutdown due to signal terminated ...")
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._drain(), self.grace)
        for keeper in keepers:
            keeper.cancel()
        metrics.close()
        log("INF", "Tunnel server stopped")

    async def _drain(self) -> None:
        """Unregisters each connection, then finishes what the edge had sent before it agreed (`connection/control.go`).

        As over HTTP/2; over QUIC the real one always waits the whole grace period (`connection/quic_connection.go`).
        """
        await asyncio.gather(
            *(self._unregister(index, *control) for index, control in self.controls.items())
        )
        while self.streams:
            await asyncio.wait(self.streams)

    async def _unregister(
        self, index: int, writer: asyncio.StreamWriter, agreed: asyncio.Event
    ) -> None:
        self.connected.discard(index)
        with contextlib.suppress(ConnectionError):
            writer.write(b'{"unregister":true}\n')
            await writer.drain()
            await agreed.wait()
            log("INF", "Unregistered tunnel connection", connIndex=index)

    async def _keep(self, index: int) -> None:
        backoff = 1.0
        while not self.stopping.is_set():
            try:
                await self._connect(index)
                backoff = 1.0
            except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                log("ERR", "Serve tunnel error", error=f'"{error}"', connIndex=index)
            finally:
                self.connected.discard(index)
                if (control := self.controls.pop(index, None)) is not None:
                    control[1].set()
            log("INF", f"Retrying connection in up to {backoff:.0f}s", connIndex=index)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF)

    async def _connect(self, index: int) -> None:
        reader, writer = await asyncio.open_connection(*self.edge())
        try:
            hello = {
                "account_tag": self.credentials["AccountTag"],
                "tunnel_id": self.credentials["TunnelID"],
                "tunnel_secret": self.credentials["TunnelSecret"],
                "connector_id": self.id,
                "conn_index": index,
            }
            writer.write(json.dumps(hello).encode() + b"\n")
            await writer.drain()
            answer = json.loads(await reader.readline() or b"{}")
            if not answer.get("ok"):
                log(
                    "ERR",
                    "Register tunnel error from server side",
                    error=f'"{answer.get("error", "connection closed")}"',
                    connIndex=index,
                )
                raise OSError(answer.get("error", "the edge closed the connection"))
            self.connected.add(index)
            agreed = asyncio.Event()
            self.controls[index] = writer, agreed
            log(
                "INF",
                "Registered tunnel connection",
                connIndex=index,
                location=answer.get("location"),
                protocol="sandbox",
            )
            self._announce()
            while True:
                line = await asyncio.wait_for(reader.readline(), DEAD_AFTER)
                if not line:
                    raise OSError("the edge closed the connection")
                message = json.loads(line)
                if "open" in message:
                    task = asyncio.create_task(self._stream(message["open"]))
                    self.streams.add(task)
                    task.add_done_callback(self.streams.discard)
                elif "unregistered" in message:
                    agreed.set()
                elif "ping" in message:
                    writer.write(json.dumps({"pong": message["ping"]}).encode() + b"\n")
                    await writer.drain()
        except asyncio.TimeoutError as error:
            raise OSError("timeout: no recent network activity") from error
        finally:
            writer.close()

    def _announce(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET")
        if self.announced or not address:
            return
        self.announced = True
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect("\0" + address[1:] if address.startswith("@") else address)
            notify.sendall(b"READY=1")

    async def _stream(self, name: str) -> None:
        reader, writer = await asyncio.open_connection(*self.edge(), limit=2**20)
        try:
            writer.write(json.dumps({"stream": name}).encode() + b"\n")
            await writer.drain()
            head = await read_head(reader)
            if head is not None:
                self.total += 1
                await self._answer(head, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, BadHttp) as error:
            log("ERR", "stream error", error=f'"{error}"')
        finally:
            await finish(reader, writer)

    async def _answer(
        self, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host = head.get("host") or ""
        hostname = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
        path = urlsplit(head.start.split(" ")[1]).path
        number, rule = next(
            (n, rule) for n, rule in enumerate(self.rules) if rule.matches(hostname, path)
        )
        service = rule.service
        if service.startswith("http_status:"):
            writer.write(page(int(service.partition(":")[2]), ""))
            return
        if service in ("hello_world", "hello-world"):
            writer.write(page(200, "<h1>Congrats! You created a tunnel!</h1>"))
            return
        try:
            await self.origins[number].pass_on(head, hostname, reader, writer)
        except Unreachable as error:
            log(
                "ERR",
                "Unable to reach the origin service. The service may be down or it may not be responding to traffic from cloudflared",
                error=f'"{error}"',
                ingressRule=number,
                originService=service,
            )
            writer.write(
                page(502, "<h1>502 Bad Gateway</h1><p>Unable to reach the origin service.</p>")
            )

    async def _serve_metrics(self) -> asyncio.AbstractServer:
        given = self.config.get("metrics")
        candidates = (
            [str(given)] if given else [f"127.0.0.1:{port}" for port in range(20241, 20246)]
        )
        for address in candidates:
            host, _, port = address.rpartition(":")
            try:
                server = await asyncio.start_server(
                    self._metrics, host.strip("[]") or "127.0.0.1", int(port)
                )
            except OSError as error:
                problem = error
                continue
            log("INF", f"Starting metrics server on {address}/metrics")
            return server
        raise Refused(f"Error opening metrics server listener: {problem}")

    async def _metrics(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            if path == "/ready":
                count = len(self.connected)
                status = 200 if count else 503
                writer.write(
                    page(
                        status,
                        json.dumps(
                            {"status": status, "readyConnections": count, "connectorId": self.id}
                        ),
                    )
                )
            elif path == "/healthcheck":
                writer.write(page(200, "OK\n"))
            elif path == "/metrics":
                writer.write(
                    page(
                        200,
                        f"cloudflared_tunnel_ha_connections {len(self.connected)}\ncloudflared_tunnel_total_requests {self.total}\n",
                    )
                )
            else:
                writer.write(page(404, "404 page not found\n"))
            await writer.drain()
        writer.close()


async def finish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes so that nothing in flight is lost: the other side has read all before this side is gone."""
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        while await asyncio.wait_for(reader.read(65536), 5):
            pass
    writer.close()


def run_tunnel(document: dict[str, Any], flags: dict[str, str]) -> None:
    """Runs until a signal ends it.

    Raises:
        Refused: the configuration or the credentials are not good.
    """

    async def run() -> None:
        await Connector(document, flags).run()

    asyncio.run(run())
