"""Spellings of paths and hostnames, through the edge and whichever cloudflared the sandbox's server runs."""

import http.client
import itertools
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.world import World
from tests.engine.test_access import TEAM
from tests.render.test_one_reading import GUARDS, HOSTS, SPELLED, plain

SITES: list[dict[str, Any]] = [
    {"hostname": "p.example.localhost", "path": "^/private", "caddyfile": "respond guard 403"},
    {"hostname": "p.example.localhost", "caddyfile": "respond open"},
    {"hostname": "q.example.localhost", "path": "^/public", "service": "http://127.0.0.1:3000"},
    {"hostname": "q.example.localhost", "service": "http_status:403"},
    {"hostname": "free.example.localhost", "caddyfile": "respond {uri}"},
    {"hostname": "s.example.localhost", "caddyfile": "respond guard 403"},
    {"hostname": "*.example.localhost", "caddyfile": "respond wild"},
]
REFUSED = (
    ("p.example.localhost", "/private/x"),
    ("p.example.localhost", "//private/x"),
    ("p.example.localhost", "/./private/x"),
    ("p.example.localhost", "/x/../private/x"),
    ("p.example.localhost", "/x/%2e%2e/private/x"),
    ("p.example.localhost", "/x%2f..%2fprivate/x"),
    ("p.example.localhost", "/%2fprivate/x"),
    ("p.example.localhost", "/%5cprivate/x"),
    ("p.example.localhost", "/%70rivate/x"),
    ("p.example.localhost:8443", "/private/x"),
    ("P.example.localhost", "/private/x"),
    ("P.example.localhost", "//private/x"),
    ("q.example.localhost", "/admin"),
    ("q.example.localhost", "/public/../admin"),
    ("q.example.localhost", "/public/%2e%2e/admin"),
    ("q.example.localhost", "/public/..;/admin"),
    ("q.example.localhost", "/public//admin"),
    ("q.example.localhost", "/public%5c..%5cadmin"),
    ("s.example.localhost", "/"),
    ("S.example.localhost", "/"),
    ("s.EXAMPLE.localhost", "/"),
    ("s.example.localhost.", "/"),
    ("S.Example.localhost:80", "/"),
)


def answer(world: World, host: str, target: str) -> tuple[int, str]:
    """What a visitor gets who writes a host and a path just so."""
    edge = urlsplit(world.status["edge_url"])
    connection = http.client.HTTPConnection(edge.hostname or "", edge.port, timeout=30)
    connection.putrequest("GET", target, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


# Where Caddy chooses, the test below asks in `make test` too, and tests/render/test_one_reading.py without an edge.
@pytest.mark.parametrize("routing", ["cloudflared", pytest.param("caddy", marks=pytest.mark.long)])
def test_no_spelling_reaches_through_the_edge_what_the_plain_one_does_not(
    deployed: World, routing: str
) -> None:
    def change(config: dict[str, Any]) -> None:
        config["argoweb:sites"].extend(SITES)
        config["argoweb:routing"] = routing

    with deployed.changed(change):
        deployed.up()
        refused = {request: answer(deployed, *request)[0] for request in REFUSED}
        free = [
            answer(deployed, "free.example.localhost", target)
            for target in ("/https://x/y", "/a%2Fb", "//a")
        ]
        reached = [
            answer(deployed, "p.example.localhost", "/x/%61"),
            answer(deployed, "x.example.localhost", "/"),
        ]
        public = answer(deployed, "q.example.localhost", "/%70ublic/x")

    assert {
        request: status for request, status in refused.items() if status not in (403, 404)
    } == {}
    assert free == [(200, "/https://x/y"), (200, "/a%2Fb"), (200, "//a")]
    assert reached == [(200, "open"), (200, "wild")]
    assert public[0] == 200
    assert "/%70ublic/x" in public[1]


PROTECTED = [
    (f"g{index}.example.localhost", guard)
    for index, guard in enumerate(GUARDS.values())
    if any("access" in site for site in guard)
]


def has_open_part(guard: list[dict[str, Any]]) -> bool:
    """Whether somebody who has no login comes in anywhere."""
    return any("except" in site.get("access", {"except": []}) for site in guard)


def protected(config: dict[str, Any]) -> None:
    """Each of the guards by Access, with hostnames of its own."""
    everybody = {"everyone": True}
    config["argoweb:access"] = {"team": TEAM, "groups": {"staff": everybody, "friends": everybody}}
    for zone, guard in PROTECTED:
        for number, site in enumerate(guard):
            if site["hostname"] == "*":
                continue
            hostname = site["hostname"].replace("example.com", zone)
            backend = (
                {"caddyfile": f"respond {number}"}
                if "caddyfile" in site
                else {"service": "http://127.0.0.1:3000"}
            )
            config["argoweb:sites"].append({**site, **backend, "hostname": hostname})


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("routing", [pytest.param("cloudflared", marks=pytest.mark.long), "caddy"])
def test_no_spelling_comes_past_access_where_the_plain_one_does_not(
    deployed: World, routing: str, every: int
) -> None:
    def change(config: dict[str, Any]) -> None:
        protected(config)
        config["argoweb:routing"] = routing

    hosts = [host.replace("example.com", zone) for zone, _ in PROTECTED for host in HOSTS[:4]]
    known: dict[tuple[str, str], tuple[int, str]] = {}
    with deployed.changed(change):
        deployed.up()
        for request in itertools.product(hosts, SPELLED[::every]):
            known[request] = answer(deployed, *request)
            if known[request][0] == 200 and plain(*request) not in known:
                known[plain(*request)] = answer(deployed, *plain(*request))

    came_in = {request for request, (status, _) in known.items() if status == 200}
    assert {request for request in came_in if known[plain(*request)][0] != 200} == set()
    assert {request for request in came_in if "private" in plain(*request)[1]} == set()
    reached = {host for host, _ in came_in}
    assert reached >= {f"s.{zone}" for zone, guard in PROTECTED if has_open_part(guard)}
    closed = tuple(zone for zone, guard in PROTECTED if not has_open_part(guard))
    assert {host for host in reached if host.lower().rstrip(".").endswith(closed)} == set()
    assert {status for status, _ in known.values()} <= {200, 302, 400, 403, 404}
