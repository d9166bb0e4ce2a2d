"""A cloudflared between the sandbox's edge and a service, each of which a test can see and disturb."""

import asyncio
import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox import cloudflared
from sandbox.cloudflare.server import Ports, Server
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
HOST = "app.example.localhost"
PATIENCE = 60
"""Seconds; what is awaited takes far less."""
ACCOUNT = "a" * 32
_ZONE = "b" * 32
_TOKEN = "T" * 40
_SECRET = base64.b64encode(b"s" * 32).decode()
WRONG_SECRET = base64.b64encode(b"o" * 32).decode()
_TUNNELS = f"/accounts/{ACCOUNT}/cfd_tunnel"
IMITATION = ("import gc; gc.disable(); from sandbox.server.cloudflared.main import main; main()",)


def until(happened: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Polls until it is true; what it is then."""
    deadline = time.monotonic() + seconds
    while not (result := happened()):
        assert time.monotonic() < deadline, f"did not happen within {seconds} seconds"
        time.sleep(0.03)
    return result


@dataclass
class Service:
    """What stands behind the tunnel: keeps every byte that comes, and answers each request's head with the same bytes.

    `answer` is what it says once a head has come, in pieces; between them it waits for `go_on`.
    """

    answer: list[bytes] = field(
        default_factory=lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]
    )
    received: list[bytes] = field(default_factory=list)
    """What came on each connection."""
    ended: list[bool] = field(default_factory=list)
    """Which of them the other side has ended."""
    go_on: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    echoes: bool = False
    """Whether it sends back what comes after the head."""
    waits_for: int = 0
    """How many bytes have to come before it answers."""
    awaits: bytes = b""
    """What has to come last before it answers."""

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        number = len(self.received)
        self.received.append(b"")
        self.ended.append(False)
        answered = 0
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(65536):
                self.received[number] += data
                came = self.received[number]
                if len(came) < self.waits_for or not came.endswith(self.awaits):
                    continue
                if self.received[number].count(b"\r\n\r\n") > answered and not (
                    answered and self.echoes
                ):
                    answered += 1
                    for piece, text in enumerate(self.answer):
                        if piece:
                            self.go_on.acquire(timeout=PATIENCE)
                        if text == CLOSES:
                            connection.shutdown(socket.SHUT_RDWR)
                            return
                        connection.sendall(text)
                elif self.echoes:
                    connection.sendall(data)
        self.ended[number] = True

    @property
    def heads(self) -> list[list[str]]:
        """Lines of each request's head, of all connections; for requests without a body."""
        return [
            head.split("\r\n")
            for data in self.received
            for head in data.decode("latin-1").split("\r\n\r\n")
            if head
        ]

    def close(self) -> None:
        self._listening.close()


class Proxy:
    """Leads every HTTPS request of cloudflared's to one place: what it asks for keys, since services have no TLS here.

    On a server a line in its hosts file does that; `asked` are the names that were asked for.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._address = host, int(port)
        self.asked: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(4096)
            self.asked.append(head.split(b" ")[1].decode())
            with socket.create_connection(self._address) as other:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                threading.Thread(target=_copied, args=(other, connection), daemon=True).start()
                _copied(connection, other)

    def close(self) -> None:
        """Nobody is reached through it any more."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def _copied(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


CLOSES = b""
"""A piece of an answer that ends the connection."""


class Program:
    """A running cloudflared."""

    def __init__(self, words: list[str], env: dict[str, str], log: Path) -> None:
        self.began = time.monotonic()
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                words, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def signal(self, number: int = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    def stop(self, patience: float = PATIENCE) -> float:
        """Asks it to end; the seconds that took."""
        before = time.monotonic()
        self.signal()
        self._process.wait(patience)
        return time.monotonic() - before

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Rig:
    """The edge with one tunnel, and cloudflared of one kind that can be started for it."""

    def __init__(
        self, folder: Path, kind: str, protocol: str, program: Path | None, **times: float
    ) -> None:
        self.kind = kind
        self.protocol = protocol
        self.folder = folder
        self.service = Service()
        self._program = program
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        chosen = cloudflared.Cloudflared(program=program, protocol=protocol)
        self._server = Server(folder / "cloudflare", Ports(), protocols=chosen.protocols, **times)
        self._run(self._server.start())
        self.addresses: dict[str, Any] = self._server.addresses()
        self._started: list[Program] = []
        self.proxy = Proxy(str(self._server.addresses()["team_address"]))
        account = {"id": ACCOUNT, "name": "contract"}
        zone = {"id": _ZONE, "name": "example.localhost", "account_id": ACCOUNT}
        self.control(
            "POST", "/seed", {"accounts": [account], "zones": [zone], "tokens": [{"value": _TOKEN}]}
        )
        tunnel = {"name": "contract", "config_src": "local", "tunnel_secret": _SECRET}
        self.tunnel: str = self.api("POST", _TUNNELS, tunnel)["id"]
        record = {
            "type": "CNAME",
            "content": f"{self.tunnel}.cfargotunnel.com",
            "proxied": True,
            "ttl": 1,
        }
        for name in ("app", "other"):
            self.api("POST", f"/zones/{_ZONE}/dns_records", {**record, "name": name})

    def close(self) -> None:
        for program in self._started:
            program.kill()
        self.service.close()
        self.proxy.close()
        self._run(self._server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def start(
        self,
        *,
        rules: list[dict[str, Any]] | None = None,
        secret: str = _SECRET,
        wait: bool = True,
        **settings: Any,
    ) -> Program:
        """Starts cloudflared with one rule for the service, or others, and waits until it is connected."""
        number = len(self._started)
        names = ("AccountTag", "TunnelID", "TunnelSecret")
        credentials = self.folder / f"{number}.json"
        credentials.write_text(
            json.dumps(dict(zip(names, (ACCOUNT, self.tunnel, secret), strict=True)))
        )
        default = [{"hostname": HOST, "service": f"http://127.0.0.1:{self.service.port}"}]
        document = {
            "tunnel": self.tunnel,
            "credentials-file": str(credentials),
            "metrics": f"127.0.0.1:{free_port()}",
            "ingress": [*(rules or default), {"service": "http_status:404"}],
            **settings,
        }
        self.metrics = document["metrics"]
        configuration = self.folder / f"{number}.yml"
        configuration.write_text(json.dumps(document))
        program = Program(
            [*self._words(), "--config", str(configuration), "--no-autoupdate", "tunnel", "run"],
            self._environment(),
            self.folder / f"{number}.log",
        )
        self._started.append(program)
        if wait:
            until(lambda: self.connections() or program.exit_code is not None)
            assert program.exit_code is None, program.log
        return program

    def _words(self) -> list[str]:
        return [str(self._program)] if self._program else [sys.executable, "-c", *IMITATION]

    def _environment(self) -> dict[str, str]:
        proxied = {"HTTPS_PROXY": f"http://127.0.0.1:{self.proxy.port}"}
        if self._program is None:
            return {
                **os.environ,
                **proxied,
                **cloudflared.trusting(self.addresses["edge_ca"]),
                "SANDBOX_EDGE": self.addresses["tunnel_address"],
                "PYTHONPATH": str(ROOT),
                "TUNNEL_TRANSPORT_PROTOCOL": self.protocol,
            }
        ports = [
            int(address.rpartition(":")[2]) for address in self.addresses["locations"].values()
        ]
        return {
            **os.environ,
            **proxied,
            **cloudflared.environment(self.protocol, ports, self.addresses["edge_ca"]),
        }

    def connections(self) -> list[dict[str, Any]]:
        """The tunnel's, as the API has them."""
        clients = self.tunnel_api("GET", "/connections")
        return [connection for client in clients for connection in client["conns"]]

    def ready(self) -> tuple[int, int]:
        """Status of `/ready` and the connections that it counts; zeroes when nobody is there."""
        try:
            text = urllib.request.urlopen(f"http://{self.metrics}/ready", timeout=PATIENCE).read()
        except urllib.error.HTTPError as error:
            text = error.read()
        except OSError:
            return 0, 0
        answer = json.loads(text)
        assert b" " not in text, "as Go writes JSON: shell programs read it by its bytes"
        return answer["status"], answer["readyConnections"]

    def rules(self) -> tuple[int, list[dict[str, Any]]]:
        """Those by which the one goes that was started last, as it tells, and their version."""
        answer = json.loads(
            urllib.request.urlopen(f"http://{self.metrics}/config", timeout=PATIENCE).read()
        )
        keys = ("hostname", "path", "service")
        given = [
            {key: rule[key] for key in keys if rule.get(key)}
            for rule in answer["config"]["ingress"]
        ]
        return answer["version"], given

    def tunnel_api(self, method: str, path: str = "", body: Any = None) -> Any:
        """A request to Cloudflare's API about the tunnel; its result."""
        return self.api(method, f"{_TUNNELS}/{self.tunnel}{path}", body)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """A request to Cloudflare's API; its result."""
        return _asked(
            self.addresses["api_url"] + path, method, body, {"Authorization": f"Bearer {_TOKEN}"}
        )["result"]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A request to Cloudflare's control plane."""
        return _asked(self.addresses["control_url"] + path, method, body, {})

    def visit(
        self, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """A visitor's request; status and body of the answer."""
        connection = http.client.HTTPConnection(
            urlsplit(self.addresses["edge_url"]).netloc, timeout=PATIENCE
        )
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            length = {} if body is None else {"Content-Length": str(len(body))}
            for name, value in {"Host": HOST, **length, **headers}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.read()

    @contextmanager
    def visitor(self, head: str, host: str = HOST) -> Iterator[socket.socket]:
        """A visitor's connection on which the lines of a request's head were sent."""
        address = urlsplit(self.addresses["edge_url"])
        with socket.create_connection(
            (str(address.hostname), address.port or 80), timeout=PATIENCE
        ) as opened:
            lines = head.split("\n")
            opened.sendall(
                "\r\n".join([lines[0], f"Host: {host}", *lines[1:], "", ""]).encode("latin-1")
            )
            yield opened

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)


def received(connection: socket.socket, end: bytes) -> bytes:
    """What comes until it ends so."""
    data = b""
    while not data.endswith(end):
        more = connection.recv(65536)
        assert more, f"closed after {data!r}, before {end!r}"
        data += more
    return data


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes or breaks it."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while more := connection.recv(65536):
            data += more
    return data


def _asked(url: str, method: str, body: Any, headers: dict[str, str]) -> Any:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "tests", **headers},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return json.loads(response.read())
