"""Applications behind Caddy that answer with what they see: by HTTP, by TLS, by WebSocket and by FastCGI."""

import http.server
import json
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_BEGIN, _END, _PARAMS, _STDIN, _STDOUT = 1, 3, 4, 5, 6
"""Types of FastCGI records."""


class _Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The request as JSON; of a WebSocket, each byte that comes."""
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.send_response(101)
            self.send_header("Connection", "Upgrade")
            self.send_header("Upgrade", "websocket")
            self.end_headers()
            while data := self.connection.recv(4096):
                self.connection.sendall(data)
            self.close_connection = True
            return
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        body = json.dumps({"target": self.path, "headers": headers}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Seen-Forwarded-Host", self.headers.get("X-Forwarded-Host", ""))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class _FastCgi(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """One request: its parameters as JSON."""
        parameters = b""
        while (record := self._record()) is not None:
            kind, content = record
            if kind == _PARAMS:
                parameters += content
            elif kind == _STDIN and not content:
                break
        body = b"Content-Type: application/json\r\n\r\n" + json.dumps(_pairs(parameters)).encode()
        for kind, content in ((_STDOUT, body), (_STDOUT, b""), (_END, bytes(8))):
            self.wfile.write(struct.pack("!BBHHBx", 1, kind, 1, len(content), 0) + content)

    def _record(self) -> tuple[int, bytes] | None:
        head = self.rfile.read(8)
        if len(head) < 8:
            return None
        _, kind, _, length, padding = struct.unpack("!BBHHBx", head)
        return kind, self.rfile.read(length + padding)[:length]


def _pairs(data: bytes) -> dict[str, str]:
    """FastCGI's name-value pairs."""
    found = {}
    while data:
        lengths = []
        for _ in range(2):
            size = 4 if data[0] & 128 else 1
            lengths.append(int.from_bytes(data[:size], "big") & (2**31 - 1 if size == 4 else 127))
            data = data[size:]
        name, value = data[: lengths[0]], data[lengths[0] : sum(lengths)]
        found[name.decode()] = value.decode()
        data = data[sum(lengths) :]
    return found


class _Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def by_http(files: tuple[str, str] | None = None) -> Iterator[int]:
    """An application's port; with the files of a certificate and its key by TLS."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        if files is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*files)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        with _running(server):
            yield server.server_address[1]


@contextmanager
def by_fastcgi() -> Iterator[int]:
    """The port of something like PHP-FPM."""
    with _Threads(("127.0.0.1", 0), _FastCgi) as server, _running(server):
        yield server.server_address[1]


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
