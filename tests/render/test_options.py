"""Options of the whole Caddy, beside those of nixpkgs and of the server's owner."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.render.caddy import Running, adapt, whole_file

NIXPKGS = "log {\n\tlevel ERROR\n}\n"
"""What its services.caddy always has among the global options."""
OWNERS = "servers {\n\tmax_header_size 5KB\n}\n"
OWN_SITE = "http://own.example.net:9999 {\n\trespond own\n}\n"


@pytest.fixture
def caddy(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.stop()


@pytest.mark.parametrize("bind", [["127.0.0.1", "::1"], ["127.0.0.1"], ["0.0.0.0"]])
def test_the_owners_own_servers_are_no_matter_of_ours_and_ours_none_of_theirs(
    prod: dict[str, Any], tmp_path: Path, bind: list[str]
) -> None:
    lines = "timeouts {\n\tread_body 10m\n}\nmax_header_size 64KB\nprotocols h1\n"
    prod["caddy"] = {"bind": bind, "serverOptions": lines}

    result = adapt(whole_file(prod, NIXPKGS + OWNERS) + OWN_SITE, tmp_path)

    assert result.returncode == 0, result.stderr
    servers = json.loads(result.stdout)["apps"]["http"]["servers"].values()
    (own,) = (each for each in servers if each["listen"] == [":9999"])
    (ours,) = (each for each in servers if each["listen"] != [":9999"])
    assert own["max_header_bytes"] == 5000
    assert "trusted_proxies" not in own
    assert ours["client_ip_headers"] == ["CF-Connecting-IP"]
    assert ours["max_header_bytes"] == 64000
    assert ours["read_timeout"] == 600 * 10**9
    assert ours["protocols"] == ["h1"]


@pytest.mark.parametrize("lines", ["log", "encode gzip\nlog\n", "log {\n\tformat json\n}"])
def test_an_access_log_that_is_asked_for_is_written_although_nixpkgs_logs_errors_only(
    prod: dict[str, Any], caddy: Running, lines: str
) -> None:
    port = free_port()
    caddy.load(
        {**prod, "caddy": {"bind": "127.0.0.1", "port": port, "siteOptions": lines}}, NIXPKGS
    )

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/seen", headers={"Host": "www.example.com"})
    connection.getresponse().read()
    connection.close()

    deadline = time.monotonic() + 10
    while "http.log.access" not in caddy.log.read_text():
        assert time.monotonic() < deadline, caddy.log.read_text()
        time.sleep(0.05)


def test_the_access_log_of_a_caddy_of_ones_own_goes_where_its_log_goes(
    prod: dict[str, Any],
) -> None:
    prod["caddy"] = {"manage": False, "siteOptions": "log"}

    assert "\nlog\n" in whole_file(prod)


def test_a_snippet_is_imported_and_browsers_are_told_to_insist_on_https(
    prod: dict[str, Any], caddy: Running
) -> None:
    port = free_port()
    prod["sites"] = [
        {"hostname": "a.example.com", "caddyfile": "import greeting a"},
        {
            "hostname": "b.example.com",
            "caddyfile": "header Strict-Transport-Security own\nrespond b",
        },
    ]
    prod["caddy"] = {
        "bind": "127.0.0.1",
        "port": port,
        "snippets": {"greeting": 'respond "hello {args[0]}"'},
        "hsts": 31536000,
    }
    caddy.load(prod, NIXPKGS)

    found = {}
    for name in ("a", "b"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/", headers={"Host": f"{name}.example.com"})
        answer = connection.getresponse()
        found[name] = (answer.read().decode(), answer.headers["Strict-Transport-Security"])
        connection.close()
    assert found == {"a": ("hello a", "max-age=31536000"), "b": ("b", "own")}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_has_the_status_that_is_asked_for(
    prod: dict[str, Any], tmp_path: Path, status: int
) -> None:
    prod["sites"] = [
        {"hostname": ["a.example.com", "b.example.com"], "redirect": "https://c.example.com{uri}", "redirectStatus": status}
    ]  # fmt: skip

    result = adapt(whole_file(prod), tmp_path)

    assert result.returncode == 0, result.stderr
    assert result.stdout.count(f'"status_code":{status}') == 2


def test_a_default_site_takes_what_no_other_one_takes(prod: dict[str, Any], caddy: Running) -> None:
    port = free_port()
    prod["sites"] = [
        {"hostname": "a.example.com", "path": "^/api", "caddyfile": "respond api"},
        {"hostname": "*.example.com", "path": "^/wild", "caddyfile": "respond wild"},
        {"hostname": "*", "path": "^/path", "caddyfile": "respond path"},
        {"hostname": "*", "caddyfile": "respond default"},
    ]
    prod["caddy"] = {"bind": "127.0.0.1", "port": port}
    caddy.load(prod, NIXPKGS)

    def asked(host: str, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", path, headers={"Host": host})
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    assert [asked("a.example.com", path) for path in ("/api", "/wild", "/path", "/")] == [
        "api",
        "wild",
        "path",
        "default",
    ]
    assert asked("b.example.com", "/wild") == "wild"
    assert asked("other.example.net", "/wild") == "default"
    assert asked("other.example.net", "/path") == "path"
    assert asked("other.example.net", "//path") == ""
