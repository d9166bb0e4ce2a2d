"""Caddy answers with the site whose ingress rule cloudflared took, whatever the request looks like."""

import http.client
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.render.caddy import Running, free_port

ZONE = "example.com"
HOSTNAMES = ("example.com", "a.example.com", "b.a.example.com", "*.example.com", "*.a.example.com")
PATHS = (
    "",
    "^/api",
    "api",
    "^/admin$",
    "(?i)^/API/",
    "^/a{2}",
    r"\.php$",
    "^/[{]x}",
    '^/"q"',
    "^/%",
)
HOSTS = (
    "example.com",
    "a.example.com",
    "A.example.com",
    "a.example.com:8443",
    "b.a.example.com",
    "c.b.a.example.com",
    "xa.example.com",
    "xexample.com",
    "elsewhere.net",
)
TARGETS = (
    "/",
    "/api",
    "/v1/api/x",
    "//api",
    "/x/../admin",
    "/./admin",
    "/admin",
    "/admin/",
    "/%61dmin",
    "/admin%2F",
    "/api%2fx",
    "/API/x",
    "/aa",
    "/index.php?x=/api",
    "/%7Bx%7D",
    "/%22q%22",
    "/%25",
    "/a%0Ab",
)


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Caddy for all of these tests."""
    running = Running(tmp_path_factory.mktemp("caddy"))
    yield running
    running.stop()


def chosen(sites: Sequence[dict[str, Any]], host: str, target: str) -> int | None:
    """The rule that cloudflared takes: `FindMatchingRule` and `matchHost` of its `ingress/ingress.go`."""
    name, path = host.partition(":")[0], unquote(target.partition("?")[0])
    for index, site in enumerate(sites):
        hostname = site["hostname"]
        matches = name == hostname or (hostname[0] == "*" and name.endswith(hostname[1:]))
        if matches and re.search(site.get("path", ""), path):
            return index
    return None


def answered(port: int, host: str, target: str) -> int | None:
    """The site that Caddy answers with."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("GET", target, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    assert response.status in (200, 404), body
    return int(body) if response.status == 200 else None


SITES = st.lists(
    st.tuples(st.sampled_from(HOSTNAMES), st.sampled_from(PATHS)),
    min_size=1,
    max_size=7,
    unique=True,
)


@given(chosen_sites=SITES)
@settings(
    max_examples=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_caddy_answers_with_the_site_whose_rule_cloudflared_took(
    caddy: Running, prod: dict[str, Any], chosen_sites: list[tuple[str, str]]
) -> None:
    port = free_port()
    sites = [
        {"hostname": hostname, **({"path": path} if path else {}), "caddyfile": f"respond {index}"}
        for index, (hostname, path) in enumerate(chosen_sites)
    ]
    caddy.load({**prod, "sites": sites, "caddy": {"bind": "127.0.0.1", "port": port}})

    differing = [
        (host, target, answer)
        for host in HOSTS
        for target in TARGETS
        if (answer := answered(port, host, target)) != (took := chosen(sites, host, target))
        # What no rule takes never reaches Caddy, which ignores the case of a hostname.
        and (took is not None or answer != chosen(sites, host.lower(), target))
    ]

    assert differing == []
