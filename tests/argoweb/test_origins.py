"""How sites are asked on their server, by the real curl: as cloudflared asks for them."""

import os
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from argoweb.origins import write_curl_config
from tests.argoweb.conftest import stack


class _Says(BaseHTTPRequestHandler):
    """Keeps what it is asked for, and answers with the status that the path names."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append((self.headers["Host"], self.path, self.headers["User-Agent"]))
        self.send_response(404 if "missing" in self.path else 200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class _Socket(ThreadingHTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)


@contextmanager
def listening(address: Any) -> Iterator[Any]:
    server: Any = (ThreadingHTTPServer if isinstance(address, tuple) else _Socket)(address, _Says)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answers(config: str) -> dict[int, int]:
    """The status of each site that is asked, by its index."""
    proxy = {"http_proxy": "http://127.0.0.1:1"}  # that of the server is not on the way
    printed = subprocess.run(
        ["curl", "--silent", "--config", "-"], input=config, env={**os.environ, **proxy}, text=True, capture_output=True, check=False
    ).stdout  # fmt: skip
    rows = [line.split("\t") for line in printed.splitlines()]
    assert {row[0] for row in rows} <= {"site"}
    assert all(float(row[3]) >= 0 for row in rows)
    return {int(row[1]): int(row[2]) for row in rows}


def test_each_site_is_asked_where_cloudflared_sends_its_requests(tmp_path: Path) -> None:
    path = tmp_path / 'a "b"' / "app.sock"
    path.parent.mkdir()
    with listening(("127.0.0.1", 0)) as caddy, listening(("127.0.0.1", 0)) as own, listening(str(path)) as app:  # fmt: skip
        service = f"http://127.0.0.1:{own.server_port}"
        sites = [
            {"hostname": "a.example.com", "path": "^/missing/$", "root": "/srv"},
            {"hostname": "a.example.com", "path": "^/.*[.]php$", "root": "/srv"},
            {"hostname": "*.example.com", "root": "/srv"},
            {"hostname": "b.example.com", "service": service},
            {"hostname": "c.example.com", "path": "^/x", "service": service, "originRequest": {"httpHostHeader": "inside"}},
            {"hostname": "d.example.com", "service": f"unix:{path}"},
            {"hostname": "e.example.com", "service": "ssh://127.0.0.1:22"},
        ]  # fmt: skip
        settings = stack(
            sites=sites, caddy={"bind": "127.0.0.1", "port": caddy.server_port}
        ).settings

        seen = answers(write_curl_config(settings))

    asked = {it.hostname for it in settings.sites}
    assert len(asked) == 6
    assert seen == {0: 404, 3: 200, 4: 200, 5: 200}
    agent = "argoweb status"
    assert caddy.asked == [("a.example.com", "/missing/", agent)]
    assert own.asked == [("b.example.com", "/", agent), ("inside", "/x", agent)]
    assert app.asked == [("d.example.com", "/", agent)]


def test_a_caddy_that_wants_a_certificate_of_cloudflareds_is_not_asked() -> None:
    site = {"hostname": "a.example.com", "root": "/srv"}
    tls = {"tls": {"internal": True, "noTLSVerify": True, "clientCa": "/etc/caddy/ca.pem"}}

    assert write_curl_config(stack(sites=[site], caddy=tls).settings) == ""
