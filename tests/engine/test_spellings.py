"""Spellings of paths and hostnames, through the edge and whichever cloudflared the sandbox's server runs."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.engine.world import World

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


@pytest.mark.parametrize("routing", ["cloudflared", "caddy"])
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
