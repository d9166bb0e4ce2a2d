"""Options of the whole Caddy, beside those of nixpkgs and of the server's owner."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.render.caddy import Running, adapt, free_port, whole_file

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
