"""What Caddy counts of each hostname, and where it is served."""

import http.client
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from render import render_caddyfile, render_global_options
from settings.reading.build import build
from tests.ports import free_port
from tests.render.caddy import Running, whole_file

_COUNT = re.compile(r"caddy_http_request_duration_seconds_count\{(.*)\} (\d+)")


class Cloudflared(BaseHTTPRequestHandler):
    """What is at cloudflared's metrics address."""

    def do_GET(self) -> None:
        body = f"{self.path} of cloudflared\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def cloudflared() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Cloudflared)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def caddy(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.stop()


def values(tmp_path: Path, port: int, address: int, cloudflared: int) -> dict[str, Any]:
    (tmp_path / "page").write_text("hello")
    return {
        "accountId": "a" * 32,
        "zones": [{"name": "example.com"}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "caddy": {"bind": "127.0.0.1", "port": port},
        "cloudflared": {"metrics": f"127.0.0.1:{cloudflared}"},
        "metrics": {"address": f"127.0.0.1:{address}"},
        "sites": [
            {"hostname": "files.example.com", "root": str(tmp_path)},
            {"hostname": "paths.example.com", "path": "^/page$", "root": str(tmp_path)},
            {"hostname": "paths.example.com", "caddyfile": "respond own"},
            {"hostname": "lines.example.com", "caddyfile": "respond own"},
            {"hostname": "gone.example.com", "proxy": "127.0.0.1:1"},
        ],
    }


def asked(port: int, path: str, host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_each_request_counts_once_for_its_hostname_and_nothing_else_is_served(
    caddy: Running, tmp_path: Path, cloudflared: int
) -> None:
    port, address = free_port(), free_port()
    caddy.load(values(tmp_path, port, address, cloudflared))
    for host in ("files", "paths", "lines", "gone"):
        for _ in range(3):
            asked(port, "/page", f"{host}.example.com")

    status, text = asked(address, "/metrics/caddy")

    assert status == 200
    counted: dict[tuple[str, str], int] = {}
    for labels, count in _COUNT.findall(text):
        of = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if of["handler"] == "subroute":
            key = (of["host"].partition(".")[0], of["code"])
            counted[key] = counted.get(key, 0) + int(count)
    of_sites = {key: count for key, count in counted.items() if key[0] != "_other"}
    assert of_sites == {
        ("files", "200"): 3,
        ("paths", "200"): 3,
        ("lines", "200"): 3,
        ("gone", "502"): 3,
    }
    assert asked(address, "/metrics/argoWeb") == (200, "/metrics of cloudflared\n")
    for path in ("/", "/metrics", "/debug/pprof/", "/metrics/argoWeb/../debug/pprof/", "/config/"):
        assert asked(address, path)[0] == 404, path


def test_each_server_serves_them_at_its_own_address(tmp_path: Path) -> None:
    given = values(tmp_path, 8080, 9180, 20251)
    server = given["servers"]["web1"]
    given["servers"] |= {
        "web2": {**server, "address": "192.0.2.2", "metricsAddress": "10.0.0.6:9181"},
        "web3": {**server, "address": "192.0.2.3", "metricsAddress": "[fd00::3]:9180"},
    }
    settings = build(given, deployment="argoweb/prod")

    texts = [render_caddyfile(settings.adapt_to(server)) for server in settings.servers]

    served = [re.findall(r"^http://:(9\d+) {\n\tbind (\S+)", text, re.MULTILINE) for text in texts]
    assert served == [
        [("9180", "127.0.0.1")],
        [("9181", "10.0.0.6")],
        [("9180", "fd00::3")],
    ]


def test_a_server_may_serve_them_alone(tmp_path: Path) -> None:
    given = values(tmp_path, 8080, 9180, 20251)
    del given["metrics"]
    given["servers"]["web2"] = {
        **given["servers"]["web1"],
        "address": "192.0.2.2",
        "metricsAddress": "10.0.0.6:9180",
    }
    settings = build(given, deployment="argoweb/prod")

    first, second = (render_caddyfile(settings.adapt_to(server)) for server in settings.servers)

    assert "metrics" not in first
    assert "metrics /metrics/caddy" in second
    assert "per_host" in render_global_options(settings.caddy)  # each counts, for the page


def test_without_metrics_nothing_is_counted_or_served(tmp_path: Path) -> None:
    given = values(tmp_path, 8080, 9180, 20251)
    del given["metrics"]

    text = whole_file(given)
    assert "metrics {" not in text
    assert "9180" not in text


def test_a_metrics_option_of_the_users_own_stays_the_only_one(tmp_path: Path) -> None:
    given = values(tmp_path, 8080, 9180, 20251)
    given["caddy"]["globalOptions"] = "metrics"

    assert whole_file(given).count("\nmetrics") == 1
