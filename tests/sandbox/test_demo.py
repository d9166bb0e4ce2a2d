"""What the guided tour says at its end."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sandbox import demo


def test_who_came_by_sudo_is_told_to_become_root_before_all_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    as_root = demo.advice()
    monkeypatch.setenv("SUDO_USER", "somebody")
    first, *rest = demo.advice()

    assert first.startswith("sudo -s ")
    assert tuple(rest) == as_root


class _Edge(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(308 if self.headers["Host"] == "old.example.localhost" else 204)
        self.send_header("Location", "https://nowhere.invalid/")
        self.end_headers()

    def log_message(self, format: str, *words: object) -> None:
        pass


def test_a_site_is_asked_for_by_its_name_and_a_redirect_is_not_followed() -> None:
    with HTTPServer(("127.0.0.1", 0), _Edge) as edge:
        threading.Thread(target=edge.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{edge.server_port}"
        found = [demo.asked(url, f"{name}.example.localhost") for name in ("old", "new")]
        edge.shutdown()

    assert found == [(308, "https://nowhere.invalid/"), (204, "https://nowhere.invalid/")]
