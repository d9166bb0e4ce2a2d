"""What applications behind Caddy see of a visitor, by the sites as they are rendered and as the recipes have them."""

import http.client
import json
import re
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ports import free_port
from tests.render.applications import by_fastcgi, by_http
from tests.render.caddy import OLD_VERSIONS, Running, program_of

VISITOR = "203.0.113.7"
FROM_CLOUDFLARE = {
    "Cf-Connecting-Ip": VISITOR,
    "Cf-Visitor": '{"scheme":"https"}',
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": f"198.51.100.66, {VISITOR}",  # what a visitor sent, and what Cloudflare added
}
MADE_UP = {
    "X-Forwarded-Host": "evil.example.net",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Server": "evil",
    "X-Forwarded-User": "admin",
    "X_Forwarded_Host": "evil.example.net",
    "X-Forwarded_For": "198.51.100.66",
    "X-Real-IP": "198.51.100.66",
    "X_Real_IP": "198.51.100.66",
    "Forwarded": "for=198.51.100.66;host=evil.example.net;proto=http",
}
RECIPES = (Path(__file__).resolve().parents[2] / "docs/recipes.md").read_text()


@pytest.fixture(
    scope="module", params=[*OLD_VERSIONS, None], ids=lambda version: version or "installed"
)
def caddy(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    certificate: tuple[str, str],
) -> Iterator[Running]:
    """Caddy in each version; it trusts the applications' certificate."""
    folder = tmp_path_factory.mktemp("caddy")
    running = Running(folder, program_of(request.param), SSL_CERT_FILE=certificate[0])
    yield running
    running.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The files of a certificate for 127.0.0.1 and of its key."""
    folder = tmp_path_factory.mktemp("certificate")
    files = str(folder / "cert.pem"), str(folder / "key.pem")
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=app",
            "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-out", files[0], "-keyout", files[1],
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return files


def loaded(caddy: Running, prod: dict[str, Any], sites: Sequence[dict[str, Any]]) -> int:
    """The port at which Caddy serves the sites."""
    port = free_port()
    caddy.load({**prod, "sites": sites, "caddy": {"bind": "127.0.0.1", "port": port}})
    return port


def seen(port: int, host: str, target: str = "/", **more: str) -> Any:
    """What the application says that it sees of a request by way of Cloudflare."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", target, headers={"Host": host, **FROM_CLOUDFLARE, **MADE_UP, **more})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status == 200, (response.status, body)
    return json.loads(body)


def test_an_application_sees_the_visitor_and_nothing_that_he_made_up(
    caddy: Running, prod: dict[str, Any]
) -> None:
    with by_http() as application:
        port = loaded(
            caddy, prod, [{"hostname": "a.example.com", "proxy": f"127.0.0.1:{application}"}]
        )
        found = seen(port, "a.example.com", "/a%2Fb?c")

    headers = found["headers"]
    assert found["target"] == "/a%2Fb?c"
    assert headers["host"] == headers["x-forwarded-host"] == ["a.example.com"]
    assert headers["x-forwarded-proto"] == ["https"]
    assert headers["x-forwarded-for"] == headers["x-real-ip"] == [VISITOR]
    assert "evil" not in str(headers)
    assert "198.51.100.66" not in str(headers)
    assert {name for name in headers if "forward" in name or "real" in name} == {
        "x-forwarded-host", "x-forwarded-proto", "x-forwarded-for", "x-real-ip",
    }  # fmt: skip


@pytest.mark.parametrize("wildcard", [False, True])
def test_lines_of_the_users_own_see_the_visitor_too(
    caddy: Running, prod: dict[str, Any], wildcard: bool
) -> None:
    with by_http() as application, by_http() as authority:
        lines = f"forward_auth 127.0.0.1:{authority} {{\n\turi /\n\tcopy_headers Seen-Forwarded-Host\n}}\n"
        site = {
            "hostname": "*.example.com" if wildcard else "a.example.com",
            "caddyfile": f"{lines}reverse_proxy 127.0.0.1:{application}",
        }
        port = loaded(
            caddy, prod, [{"hostname": "b.example.com", "path": "^/x", "root": "/srv"}, site]
        )
        headers = seen(port, "a.example.com")["headers"]

    assert headers["seen-forwarded-host"] == ["a.example.com"], "by who decides on access"
    assert headers["x-forwarded-host"] == headers["host"] == ["a.example.com"]
    assert headers["x-forwarded-proto"] == ["https"]
    assert headers["x-real-ip"] == [VISITOR]
    assert headers["x-forwarded-for"] == [f"{VISITOR}, 127.0.0.1"]
    assert "evil" not in str(headers)


def test_who_decides_on_access_for_all_sites_sees_the_host_by_the_line_that_is_advised(
    caddy: Running, prod: dict[str, Any]
) -> None:
    with by_http() as application, by_http() as authority:
        lines = "\turi /\n\tcopy_headers Seen-Forwarded-Host\n\theader_up X-Forwarded-Host {host}\n"
        own = {"siteOptions": f"forward_auth 127.0.0.1:{authority} {{\n{lines}}}\n"}
        site = {"hostname": "a.example.com", "proxy": f"127.0.0.1:{application}"}
        port = free_port()
        caddy.load({**prod, "sites": [site], "caddy": {"bind": "127.0.0.1", "port": port, **own}})
        headers = seen(port, "a.example.com")["headers"]

    assert headers["seen-forwarded-host"] == headers["x-forwarded-host"] == ["a.example.com"]


@pytest.mark.parametrize(
    ("keys", "host"),
    [({}, "a.example.com"), ({"proxyHost": "app.internal:8443"}, "app.internal:8443")],
)
@pytest.mark.parametrize("scheme", ["", "https://"])
def test_the_host_for_an_upstream_is_the_visitors_or_the_chosen_one(
    caddy: Running,
    prod: dict[str, Any],
    certificate: tuple[str, str],
    scheme: str,
    keys: dict[str, str],
    host: str,
) -> None:
    with by_http(certificate if scheme else None) as application:
        site = {"hostname": "a.example.com", "proxy": f"{scheme}127.0.0.1:{application}", **keys}
        headers = seen(loaded(caddy, prod, [site]), "a.example.com")["headers"]

    assert headers["host"] == [host]
    assert headers["x-forwarded-host"] == ["a.example.com"]


def websocket(port: int) -> socket.socket:
    """A WebSocket of a visitor, once it is open."""
    visitor = socket.create_connection(("127.0.0.1", port), 60)
    visitor.sendall(
        b"GET / HTTP/1.1\r\nHost: a.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert b" 101 " in visitor.recv(4096)
    return visitor


def is_echoed(visitor: socket.socket) -> bool:
    """Whether the application gets what a visitor sends."""
    visitor.sendall(b"still here")
    return visitor.recv(4096) == b"still here"


def test_a_websocket_outlives_changes_of_its_own_site_and_of_others(
    caddy: Running, prod: dict[str, Any]
) -> None:
    with by_http() as application:
        site = {"hostname": "a.example.com", "proxy": f"127.0.0.1:{application}"}
        port = free_port()
        own = {"bind": "127.0.0.1", "port": port}
        caddy.load({**prod, "sites": [site], "caddy": own})
        with websocket(port) as visitor:
            for number in range(3):
                new = {"hostname": f"new{number}.example.com", "root": "/srv/new"}
                caddy.load({**prod, "sites": [site, new], "caddy": own})
                assert is_echoed(visitor)
            caddy.load({**prod, "sites": [{**site, "proxy": "127.0.0.1:1"}], "caddy": own})
            assert is_echoed(visitor)


def test_a_websocket_ends_so_long_after_a_change_as_the_stack_says(
    caddy: Running, prod: dict[str, Any]
) -> None:
    with by_http() as application:
        site = {"hostname": "a.example.com", "proxy": f"127.0.0.1:{application}"}
        port = free_port()
        own = {"bind": "127.0.0.1", "port": port, "streamCloseDelay": 1}
        caddy.load({**prod, "sites": [site], "caddy": own})
        with websocket(port) as visitor:
            caddy.load({**prod, "sites": [{**site, "proxy": "127.0.0.1:1"}], "caddy": own})
            assert is_echoed(visitor)
            visitor.settimeout(60)
            while visitor.recv(4096):  # a frame that says so, and then the end
                pass


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with hidden files in it, itself below a hidden one."""
    root = tmp_path / ".output/public"
    for name in (
        ".env",
        ".git/config",
        "a/.htpasswd",
        ".well-known/security.txt",
        ".well-known/.env",
        "a/b.txt",
        ".wella",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    tmp_path.chmod(0o755)
    return root


def status(port: int, target: str) -> int:
    """That of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", target, headers={"Host": "a.example.com"})
    answer = connection.getresponse().status
    connection.close()
    return answer


HIDDEN = (
    "/.env", "/%2eenv", "//.env", "/a/../.env", "/.git/config", "/.git/", "/a/.htpasswd", "/.well-known/.env", "/.well-known/../.env",
    "/.well-known/%2e%2e/.git/config", "/.wella", "/.well-known//.env",
)  # fmt: skip


def test_hidden_files_are_served_where_that_is_asked_for_alone(
    caddy: Running, prod: dict[str, Any], files: Path
) -> None:
    site = {"hostname": "a.example.com", "root": str(files)}
    own = {"siteOptions": "handle_errors {\n\trespond sorry 410\n}\n"}

    port = loaded(caddy, prod, [site])
    assert {target: status(port, target) for target in HIDDEN} == dict.fromkeys(HIDDEN, 404)
    assert [status(port, target) for target in ("/a/b.txt", "/.well-known/security.txt")] == [
        200,
        200,
    ]

    port = loaded(caddy, prod, [{**site, "hiddenFiles": True}])
    assert [status(port, target) for target in ("/.env", "/a/.htpasswd")] == [200, 200]

    port = free_port()
    caddy.load({**prod, "sites": [site], "caddy": {"bind": "127.0.0.1", "port": port, **own}})
    assert status(port, "/.env") == 410, "like any page that is not there"


def recipe(heading: str) -> list[dict[str, Any]]:
    """The sites of a recipe."""
    section = RECIPES.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    return [site for block in blocks for site in yaml.safe_load(block)]


def test_every_recipe_is_tried() -> None:
    headings = re.findall(r"^## (.*)$", RECIPES, re.MULTILINE)

    assert sorted(headings) == sorted([*BY_FASTCGI, *BY_HTTP])


BY_FASTCGI = ("PHP", "WordPress")
BY_HTTP = ("Nextcloud", "Grafana", "Home Assistant")


@pytest.mark.parametrize("heading", BY_FASTCGI)
def test_php_sees_the_visitor_by_its_recipe(
    caddy: Running, prod: dict[str, Any], tmp_path: Path, heading: str
) -> None:
    (site,) = recipe(heading)
    root = tmp_path / "site"
    root.mkdir()
    tmp_path.chmod(0o755)
    (root / "index.php").write_text("<?php")
    (root / ".env").write_text("secret")
    with by_fastcgi() as application:
        lines = re.sub(r"unix/\S+\.sock", f"127.0.0.1:{application}", site["caddyfile"])
        lines = re.sub(r"root \* \S+", f"root * {root}", lines)
        port = loaded(caddy, prod, [{**site, "caddyfile": lines}])
        parameters = seen(port, site["hostname"], "/index.php?a=b")
        hidden = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        hidden.request("GET", "/.env", headers={"Host": site["hostname"]})
        refused = hidden.getresponse().status
        hidden.close()

    assert refused == 404
    assert {name: parameters[name] for name in ("HTTPS", "REQUEST_SCHEME", "SERVER_PORT", "REMOTE_ADDR", "HTTP_HOST", "SERVER_NAME")} == {
        "HTTPS": "on", "REQUEST_SCHEME": "https", "SERVER_PORT": "443", "REMOTE_ADDR": VISITOR, "HTTP_HOST": site["hostname"], "SERVER_NAME": site["hostname"],
    }  # fmt: skip
    assert "evil" not in str(parameters)
    assert "198.51.100.66" not in str(parameters)


@pytest.mark.parametrize("heading", BY_HTTP)
def test_an_application_sees_the_visitor_by_its_recipe(
    caddy: Running, prod: dict[str, Any], heading: str
) -> None:
    sites = recipe(heading)
    with by_http() as application:
        for site in sites:
            if "proxy" in site:
                site["proxy"] = f"127.0.0.1:{application}"
        port = loaded(caddy, prod, sites)
        for site in sites:
            if "proxy" in site:
                target = "/grafana/x" if "path" in site else "/x"
                found = seen(port, site["hostname"], target)
                assert found["target"] == target
                assert found["headers"]["host"] == [site["hostname"]]
                assert found["headers"]["x-forwarded-for"] == [VISITOR]
                assert found["headers"]["x-forwarded-proto"] == ["https"]
