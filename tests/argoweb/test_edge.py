"""What a visitor gets, asked over real sockets."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from argoweb.status.edge import Seen, ask, explain
from tests.ports import free_port

PAGES = {
    "/": (200, {}, b"hello"),
    "/login": (302, {"Location": "https://example.cloudflareaccess.com/cdn-cgi/access/login/x"}, b""),
    "/sandbox": (302, {"Location": "http://example.cloudflareaccess.localhost:8300/cdn-cgi/access/login/x"}, b""),
    "/elsewhere": (302, {"Location": "https://cloudflareaccess.com.example.org/login"}, b""),
    "/down": (530, {}, b"error code: 1033"),
    "/unmatched": (403, {}, b"error code: 1043"),
    "/no": (403, {}, b"Forbidden. Error code: 403"),
    "/conflict": (409, {}, b"error code: 1043"),
    "/almost": (499, {}, b"error code: 1033"),
    "/own": (500, {}, b"our own error"),
    "/bad": (502, {}, b"<html>Bad gateway <span>Error code 502</span>"),
}  # fmt: skip


class Page(BaseHTTPRequestHandler):
    """Answers by path, to the one Host only."""

    def do_GET(self) -> None:
        status, headers, body = PAGES[self.path]
        if self.headers["Host"] != "www.example.com":
            status = 404
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def edge() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def seen(edge: str, path: str) -> Seen:
    return ask([("www.example.com", path)], edge)["www.example.com", path]


def test_each_hostname_is_asked_by_its_name_whatever_the_address(edge: str) -> None:
    found = seen(edge, "/")

    assert (found.status, found.code, found.login) == (200, None, False)


@pytest.mark.parametrize(
    ("path", "login"), [("/login", True), ("/sandbox", True), ("/elsewhere", False)]
)
def test_a_login_of_access_is_an_answer(edge: str, path: str, login: bool) -> None:
    found = seen(edge, path)

    assert (found.status, found.code, found.login) == (302, None, login)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/down", "530 with error code 1033; it is the tunnel: no cloudflared is connected to it"),
        (
            "/unmatched",
            "403 with error code 1043; it is the account: it refuses hostnames that have no Access",
        ),
        (
            "/conflict",
            "409 with error code 1043; it is the account: it refuses hostnames that have",
        ),
        ("/own", "500; it is the service"),
        ("/bad", "502; it is the server: cloudflared does not reach the service"),
    ],
)
def test_an_error_page_names_its_hop(edge: str, path: str, text: str) -> None:
    found = seen(edge, path)

    assert found.code == "edge-error"
    assert text in found.text


@pytest.mark.parametrize(("path", "status"), [("/no", 403), ("/almost", 499)])
def test_a_refusal_of_the_applications_own_is_an_answer(edge: str, path: str, status: int) -> None:
    found = seen(edge, path)

    assert (found.status, found.code) == (status, None)


def test_nobody_there_is_told() -> None:
    found = seen(f"http://127.0.0.1:{free_port()}", "/")

    assert (found.status, found.code) == (0, "edge-unreachable")


def test_a_server_that_speaks_no_tls_has_no_certificate(edge: str) -> None:
    assert seen(edge.replace("http:", "https:"), "/").code == "edge-certificate"


def test_an_error_of_the_service_is_not_taken_for_cloudflares() -> None:
    assert explain(500, "our own error") == "500; it is the service"
