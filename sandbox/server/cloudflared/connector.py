"""A running tunnel: the files, messages, waits and signals of the real one, to the sandbox's own edge.

It behaves as the real one does over HTTP/2, or over QUIC where `protocol` or TUNNEL_TRANSPORT_PROTOCOL says so.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
import re
import signal
import socket
import uuid
from pathlib import Path
from typing import Any

from sandbox.cloudflare.http import BadHttp, Head, read_head, reason

from .access import Unverified, Validator
from .exchange import is_websocket
from .log import log
from .metrics import Metrics
from .origin import Origin, Unreachable
from .rules import Refused, duration, load_rules
from .target import BadTarget, decoded_path
from .version import VERSION

EDGE_FILE = Path("/etc/sandbox/edge")
EDGE_DEFAULT = "127.0.0.1:7840"
APART = (0.005, 1.0, 1.0)
"""Seconds from the first connection to the second, and so on."""
AFTER_LAST = 1.0
"""Seconds after the last connection's first try in which a stop is not yet noticed."""
LONGEST_GRACE = 180.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)
REGISTER_SECONDS = 5.0
DEAD_AFTER = 154.0
"""Seconds of silence after which a connection is lost: Linux's, since nothing is asked of the edge."""
DEAD_AFTER_OVER_QUIC = 5.0
MOST_DOUBLINGS = 5
SUPERVISOR_SECONDS = 10.0
DUPLICATE = "EDUPCONN"
ANOTHER_ADDRESS = "already connected to this server, trying another address"
RETRIED = ("Unauthorized", DUPLICATE)
"""Refusals that do not end it before its first success; over QUIC none does."""
CHECKS_AFTER = 10.0
ENDED_BY_EDGE = "connection with edge closed"
ENDED_OVER_QUIC = "accept stream listener encountered a failure while serving"
MIDDLEWARE = "error while processing middleware handler AccessJWTValidator"
REFUSED_OVER_QUIC = "control stream encountered a failure while serving"


class Lost(Exception):
    """A connection is not, or no longer."""


class Final(Exception):
    """The edge refuses it, and it does not try again."""


class Connector:
    """The running tunnel."""

    def __init__(self, config: dict[str, Any], flags: dict[str, str]) -> None:
        self.config = {**config, **flags}
        given = os.environ.get("TUNNEL_TRANSPORT_PROTOCOL") or self.config.get("protocol")
        self.quic = given in ("quic", "auto")
        self.protocol = "quic" if self.quic else "http2"
        self._ended = ENDED_OVER_QUIC if self.quic else ENDED_BY_EDGE
        self.id = str(uuid.uuid4())
        self.version = -1
        """Of the rules; above that, they are from the dashboard."""
        self._take(config)
        self.credentials = self._credentials()
        self.grace = duration(self.config.get("grace-period", "30s"))
        if self.grace > LONGEST_GRACE:
            raise Refused("grace-period must be equal or less than 3m0s")
        self.ready: set[int] = set()
        self.total = 0
        self._stopping = asyncio.Event()
        self._announced = False
        self._lost: set[int] = set()
        self._losses = 0
        self._doublings: dict[int, int] = {}
        self._moves: dict[int, int] = {}
        """How often each connection has taken another address of the edge."""
        self._waits: asyncio.Task[None] | None = None
        self._keepers: set[asyncio.Task[None]] = set()
        self._streams: dict[asyncio.Task[None], bool] = {}
        """Each with whether nothing but its connection's end can end it."""

    def _take(self, config: dict[str, Any]) -> None:
        """Goes by the rules of a configuration from now on.

        Raises:
            Refused: they are not good.
        """
        self.rules = load_rules(config)
        self.origins = [Origin(rule, self.id, quic=self.quic) for rule in self.rules]
        self.validators = [
            None if rule.access is None else Validator(rule.access) for rule in self.rules
        ]

    def _configure(self, version: int, config: dict[str, Any]) -> None:
        """Takes rules of the dashboard's."""
        if version <= self.version:
            return
        try:
            self._take(config)
        except Refused as error:
            log("ERR", "Failed to update ingress", error=error, version=version)
            return
        self.version = version
        log("INF", "Updated to new configuration", version=version, config=json.dumps(config))

    def _shown(self) -> dict[str, Any]:
        """The rules that it goes by."""
        rules = [
            {
                "hostname": rule.hostname,
                "path": rule.path.pattern if rule.path else None,
                "service": rule.service,
            }
            for rule in self.rules
        ]
        return {"version": self.version, "config": {"ingress": rules}}

    def _credentials(self) -> dict[str, Any]:
        path = self.config.get("credentials-file")
        tunnel = str(self.config.get("tunnel", ""))
        if not path:
            raise Refused(f"tunnel credentials file not found for {tunnel}")
        try:
            found = json.loads(Path(path).read_text())
        except FileNotFoundError as error:
            raise Refused(
                f"Tunnel credentials file '{path}' doesn't exist or is not a file"
            ) from error
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
        """Runs until a signal ends it.

        Raises:
            Refused: the metrics address cannot be had, or the edge refuses it for good.
        """
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._signalled)
        log("INF", f"Starting tunnel tunnelID={self.config['tunnel']}")
        log("INF", f"Version {VERSION} (sandbox)")
        log("INF", f"Generated Connector ID: {self.id}")
        log("INF", f"Initial protocol {self.protocol}")
        metrics = Metrics(
            self.config.get("metrics"),
            lambda: (len(self.ready), self.total, len(self._streams), self.id),
            self._shown,
        )
        await metrics.start()
        checks = asyncio.create_task(self._checks())
        try:
            await self._serve(metrics)
        except Final as error:
            log("INF", "Tunnel server stopped")
            log("ERR", "Initiating shutdown", error=error)
            raise Refused(str(error)) from error
        finally:
            checks.cancel()
            metrics.stop()

    def _signalled(self) -> None:
        """The first one begins the stop; of the second one the process dies, whatever it waits for."""
        self._stopping.set()
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    async def _serve(self, metrics: Metrics) -> None:
        beginning = asyncio.create_task(self._begin())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({beginning, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if beginning.done():
            beginning.result()
            await stopping
        log("INF", "Initiating graceful shutdown due to signal terminated ...")
        over = asyncio.create_task(self._over(beginning))
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(over), self.grace)
        if over.done():
            if self._announced:
                log("ERR", "no more connections active and exiting")
        else:
            metrics.stop()
            for stream, lasting in self._streams.items():
                if self.quic or not lasting:
                    stream.cancel()
            if self._lasting() and not self.quic:
                await over
        log("INF", "Tunnel server stopped")

    def _lasting(self) -> bool:
        return any(self._streams.values())

    async def _over(self, beginning: "asyncio.Task[None]") -> None:
        """All connections are there, have unregistered, and were closed by the edge."""
        if not self._announced:
            beginning.cancel()
        await asyncio.wait({beginning})
        if self._waits is not None:
            await asyncio.wait({self._waits})
        while self._keepers:
            await asyncio.wait(self._keepers)

    # Connections

    async def _begin(self) -> None:
        """The first connection, for as long as it takes, then the others (`supervisor/supervisor.go`)."""
        registered = asyncio.Event()
        first = self._keep(0, registered)
        waiting = asyncio.create_task(registered.wait())
        await asyncio.wait({first, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if first.done() and not registered.is_set():
            first.result()
            return
        for index, seconds in enumerate(APART, 1):
            await asyncio.sleep(seconds)
            self._keep(index)
        await asyncio.sleep(AFTER_LAST)

    def _keep(self, index: int, registered: asyncio.Event | None = None) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._kept(index, registered))
        self._keepers.add(task)
        task.add_done_callback(self._keepers.discard)
        return task

    async def _kept(self, index: int, registered: asyncio.Event | None) -> None:
        """A connection until it is lost; until the first success with retries of its own."""
        while True:
            try:
                await self._connect(index, registered)
                text = self._ended
            except (OSError, ValueError, asyncio.IncompleteReadError, Lost) as error:
                text = str(error)
            connected = self._announced and (registered is None or registered.is_set())
            doublings = min(self._doublings.get(index, 0) + 1, MOST_DOUBLINGS)
            self._doublings[index] = doublings
            shown = 2 ** (doublings - 1 if connected else doublings)
            log("INF", f"Retrying connection in up to {shown}s", connIndex=index)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), random.uniform(0, 2**doublings))
            if self._stopping.is_set():
                if connected:
                    log("ERR", "Connection terminated", connIndex=index)
                return
            if connected:
                level = "WRN" if self.quic else "ERR"
                log(level, "Connection terminated", error=text, connIndex=index)
                self._reconnect(index)
                return
            if not self.quic and not any(cause in text for cause in RETRIED) and text != "dial":
                log("ERR", "initial tunnel connection failed", error=text)
                raise Final(text)

    def _reconnect(self, index: int) -> None:
        """Those that were lost come back together, after a wait that doubles (`supervisor/supervisor.go`)."""
        if self.quic and index == 0:
            self._keep(index)
            return
        self._lost.add(index)
        if self._waits is None or self._waits.done():
            self._waits = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        self._losses = min(self._losses + 1, MOST_DOUBLINGS)
        # A stop does not shorten it.
        await asyncio.sleep(random.uniform(0, SUPERVISOR_SECONDS * 2**self._losses))
        lost, self._lost = self._lost, set()
        for index in () if self._stopping.is_set() else lost:
            self._keep(index)

    async def _connect(self, index: int, registered: asyncio.Event | None) -> None:
        """A connection from its registration until the edge closes it.

        Raises:
            Lost: the edge did not take it, or broke it off.
        """
        try:
            reader, writer = await asyncio.open_connection(*self.edge())
        except OSError as error:
            log(
                "ERR",
                "Unable to establish connection with Cloudflare edge",
                error=error,
                connIndex=index,
            )
            raise Lost("dial") from error
        streams: set[asyncio.Task[None]] = set()
        attending: asyncio.Task[None] | None = None
        try:
            await self._register(index, reader, writer)
            self.ready.add(index)
            self._losses = 0
            self._doublings.pop(index, None)
            if registered is not None:
                registered.set()
            self._announce()
            attending = asyncio.create_task(self._attend(index, reader, writer, streams))
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({attending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not attending.done():
                self.ready.discard(index)
                writer.write(b'{"unregister":true}\n')
            await attending
        finally:
            self.ready.discard(index)
            if attending is not None:
                attending.cancel()
            for stream in streams:
                stream.cancel()
            writer.close()
        if not self._stopping.is_set():
            if not self.quic:
                log("INF", "Lost connection with the edge", connIndex=index)
            log("WRN", "Serve tunnel error", error=self._ended, connIndex=index)

    async def _register(
        self, index: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        hello = {
            "account_tag": self.credentials["AccountTag"],
            "tunnel_id": self.credentials["TunnelID"],
            "tunnel_secret": self.credentials["TunnelSecret"],
            "connector_id": self.id,
            "conn_index": index,
            "address": index + self._moves.get(index, 0),
            "version": VERSION,
        }
        writer.write(json.dumps(hello).encode() + b"\n")
        await writer.drain()
        try:
            line = await asyncio.wait_for(reader.readline(), REGISTER_SECONDS)
        except asyncio.TimeoutError as error:
            raise Lost("context deadline exceeded") from error
        if not line:
            raise Lost(ENDED_BY_EDGE)
        answer = json.loads(line)
        if answer.get("gone"):
            raise Lost("dial")
        if not answer.get("ok"):
            cause = answer.get("error", "")
            if cause == DUPLICATE and not self.quic:
                self._moves[index] = self._moves.get(index, 0) + 1
            if self.quic:
                # The real one keeps the cause for itself.
                log(
                    "ERR",
                    "failed to serve tunnel connection",
                    error=REFUSED_OVER_QUIC,
                    connIndex=index,
                )
                log("ERR", "Serve tunnel error", error=REFUSED_OVER_QUIC, connIndex=index)
                raise Lost(cause)
            if cause == DUPLICATE:
                log("ERR", "failed to serve incoming request", error=ANOTHER_ADDRESS)
                log(
                    "WRN", "Unable to establish connection.", error=ANOTHER_ADDRESS, connIndex=index
                )
                raise Lost(cause)
            log("ERR", "failed to serve incoming request", error=cause)
            log("ERR", "Register tunnel error from server side", error=cause, connIndex=index)
            raise Lost(cause)
        log(
            "INF",
            "Registered tunnel connection",
            connIndex=index,
            location=answer.get("location"),
            protocol=self.protocol,
        )

    async def _attend(
        self,
        index: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        streams: "set[asyncio.Task[None]]",
    ) -> None:
        """Opens the streams that the edge asks for, until it closes the connection."""
        with contextlib.suppress(asyncio.TimeoutError, OSError):
            patience = DEAD_AFTER_OVER_QUIC if self.quic else DEAD_AFTER
            while line := await asyncio.wait_for(reader.readline(), patience):
                message = json.loads(line)
                if "open" in message:
                    task = asyncio.create_task(self._stream(message["open"]))
                    self._streams[task] = False
                    streams.add(task)
                    task.add_done_callback(self._forget)
                    task.add_done_callback(streams.discard)
                elif "configure" in message:
                    self._configure(**message["configure"])
                elif "unregistered" in message:
                    log("INF", "Unregistered tunnel connection", connIndex=index)
                elif "ping" in message:
                    writer.write(json.dumps({"pong": message["ping"]}).encode() + b"\n")
                    await writer.drain()

    def _forget(self, stream: "asyncio.Task[None]") -> None:
        self._streams.pop(stream, None)

    def _announce(self) -> None:
        if self._announced:
            return
        self._announced = True
        if address := os.environ.get("NOTIFY_SOCKET"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
                notify.connect("\0" + address[1:] if address.startswith("@") else address)
                notify.sendall(b"READY=1")

    async def _checks(self) -> None:
        """What the real one prints some seconds after its start, whatever else happens: it fills a short journal."""
        await asyncio.sleep(CHECKS_AFTER)
        log("INF", "CONNECTIVITY PRE-CHECKS")
        for component in ("DNS Resolution", "UDP Connectivity", "TCP Connectivity"):
            for target in range(8):
                log("INF", "precheck", component=f'"{component}"', status="pass", target=target)
        log("INF", "precheck complete", hard_fail="false", suggested_protocol=self.protocol)

    # Streams

    async def _stream(self, name: str) -> None:
        reader, writer = await asyncio.open_connection(*self.edge(), limit=2**20)
        try:
            writer.write(json.dumps({"stream": name}).encode() + b"\n")
            await writer.drain()
            head = await read_head(reader)
            if head is not None:
                self.total += 1
                await self._answer(head, reader, writer)
            await finish(reader, writer)
        except (
            *(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError),
            *(BadHttp, BadTarget),
        ) as error:
            why = f"{MIDDLEWARE}: {error}" if isinstance(error, Unverified) else error
            log("ERR", "failed to serve incoming request", error=f"Failed to proxy HTTP: {why}")
        finally:
            writer.transport.abort()

    async def _answer(
        self, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host = head.get("host") or ""
        hostname = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
        path = decoded_path(head.start.split(" ")[1])
        number, rule = next(
            (n, rule) for n, rule in enumerate(self.rules) if rule.matches(hostname, path)
        )
        service = rule.service
        origin, validator = self.origins[number], self.validators[number]
        why = None if validator is None else await validator.refusal(head)
        if why is not None:
            log(
                "ERR",
                "",
                error=f"request filtered by middleware handler (AccessJWTValidator) due to: {why}",
                ingressRule=number,
                originService=service,
            )
            writer.write(own_page(head, 403, ""))
            return
        if service.startswith("http_status:"):
            writer.write(own_page(head, int(service.partition(":")[2]), ""))
            return
        if service in ("hello_world", "hello-world"):
            writer.write(own_page(head, 200, "<h1>Congrats! You created a tunnel!</h1>"))
            return
        stream = asyncio.current_task()
        assert stream is not None
        self._streams[stream] = True

        def uploaded() -> None:
            self._streams[stream] = is_websocket(head)

        try:
            await origin.pass_on(head, hostname, reader, writer, uploaded)
        except Unreachable as error:
            log(
                "ERR",
                "",
                error="Unable to reach the origin service. The service may be down or it may not be responding to "
                f"traffic from cloudflared: {error}",
                ingressRule=number,
                originService=service,
            )


def own_page(request: Head, status: int, text: str) -> bytes:
    """An answer that cloudflared gives itself; its length is not told."""
    head = f"HTTP/1.1 {status} {reason(status)}\r\n"
    if request.start.startswith("HEAD "):
        return f"{head}\r\n".encode()
    chunk = f"{len(text):x}\r\n{text}\r\n" if text else ""
    return f"{head}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n".encode()


async def finish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes so that nothing in flight is lost: the other side has read all before this side is gone."""
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        while await asyncio.wait_for(reader.read(65536), 5):
            pass


def run_tunnel(document: dict[str, Any], flags: dict[str, str]) -> None:
    """Runs until a signal ends it.

    Raises:
        Refused: the configuration or the credentials are not good, or the edge refuses them for good.
    """

    async def run() -> None:
        await Connector(document, flags).run()

    asyncio.run(run())
