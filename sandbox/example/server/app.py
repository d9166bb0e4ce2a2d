"""`app.py PORT NAME`: a small web app that tells who it is and what reached it."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = sys.argv[2]


class App(BaseHTTPRequestHandler):
    """Answers every path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The request, as text."""
        seen = "".join(f"{key}: {value}\n" for key, value in self.headers.items())
        body = f"this is {NAME}\n{self.command} {self.path}\n{seen}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), App).serve_forever(poll_interval=3600)
