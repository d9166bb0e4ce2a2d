"""What is said of sites from what their visitors see."""

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from argoweb.cloud import CloudSeen, Connector
from argoweb.report import observe
from argoweb.server import Answer, Cloudflared, ServerSeen, Unit
from argoweb.status.edge import Seen
from argoweb.status.for_programs import as_json
from argoweb.status.overview import Overview
from argoweb.status.screen import draw_screen
from tests.argoweb.conftest import stack

HOSTNAME = "www.example.com"
VALUES: dict[str, Any] = {
    "access": {"team": "example", "groups": {"staff": {"emails": "ann@example.com"}}},
    "sites": [{"hostname": HOSTNAME, "root": "/srv/www", "access": "staff"}],
}


def overview(seen: Seen, servers: int = 1, status: int = 200) -> Overview:
    names = [f"web{index}" for index in range(servers)]
    return Overview(
        stack=stack(**VALUES),
        cloud=CloudSeen(records={HOSTNAME: "ours"}),
        servers=[
            ServerSeen(
                name=name,
                address="",
                reached=True,
                origins={0: Answer(status=status, seconds=0.01)},
            )
            for name in names
        ],
        edge={(HOSTNAME, "/"): seen},
    )


def shown(found: Overview) -> str:
    console = Console(width=150)
    with console.capture() as text:
        console.print(draw_screen(found))
    return text.get()


@pytest.mark.parametrize(
    ("seen", "codes"),
    [
        (Seen(status=302, login=True), []),
        (Seen(status=403), []),
        (Seen(status=401), []),
        (Seen(status=404), ["access-open"]),
        (Seen(status=200), ["access-open"]),
        (Seen(status=302), ["access-open"]),
        (Seen(code="edge-unreachable", text="x"), ["edge-unreachable"]),
        (Seen(code="edge-certificate", text="x"), ["edge-certificate"]),
    ],
)
def test_a_protected_site_has_to_ask_for_a_login(seen: Seen, codes: list[str]) -> None:
    found = overview(seen)

    assert [line.code for line in found.lines] == codes
    assert ("open" in shown(found)) == ("access-open" in codes)


@pytest.mark.parametrize(
    ("status", "codes"),
    [(200, []), (499, []), (500, ["origin-error"]), (502, ["origin-error"]), (0, ["origin-error"])],
)
def test_a_site_that_fails_on_its_server_is_told(status: int, codes: list[str]) -> None:
    assert [
        line.code for line in overview(Seen(status=302, login=True), status=status).lines
    ] == codes


def test_four_servers_have_a_column_each_and_a_site_is_red_from_500_on() -> None:
    seen = Seen(status=302, login=True)

    assert "On web3" in shown(overview(seen, servers=4))
    assert "On the servers" in shown(overview(seen, servers=5))
    assert "✓ 499 10 ms" in shown(overview(seen, status=499))
    assert "✗ 500 10 ms" in shown(overview(seen, status=500))
    assert "✗ 0 of 5" in shown(overview(seen, servers=5, status=500))


def test_many_servers_are_counted_in_one_column() -> None:
    text = shown(overview(Seen(status=302, login=True), servers=20))

    assert "20 of 20" in text
    assert "web19" in text


def test_the_screen_says_by_which_version_a_server_was_deployed() -> None:
    found = overview(Seen(status=403))
    (server,) = found.servers
    by = replace(server, deployed_at=1790000000, deployed_by="0.1.0")

    assert "UTC by 0.1.0" in " ".join(shown(replace(found, servers=[by])).split())
    assert " by " not in shown(found)


def test_nothing_of_a_screen_needs_colour() -> None:
    text = shown(overview(Seen(status=200), status=502))

    assert "✗ open" in text
    assert "✗ 502" in text
    assert "\x1b" not in text


def whole() -> Overview:
    """A stack of three sites and three servers, of which one is well."""
    sites = [
        {"hostname": HOSTNAME, "root": "/srv/www", "access": "staff"},
        {"hostname": HOSTNAME, "path": "^/[x]$", "root": "/srv/www", "access": "staff"},
        {"hostname": "git.example.org", "service": "http://127.0.0.1:3001"},
    ]
    web1 = ServerSeen(
        name="web1",
        address="",
        reached=True,
        system="26.05.1",
        generation="7",
        deployed_at=1_790_000_000,
        units=[
            Unit(name="argoWeb.service", state="active", since=None, restarts=0),
            Unit(name="caddy.service", state="active", since=None, restarts=0),
        ],
        cloudflareds=[
            Cloudflared(unit="argoWeb.service", connections=4, version="2026.8.2", locations=()),
            Cloudflared(unit="argoWeb-2.service", connections=3, version="2026.8.1", locations=()),
        ],
        caddy_version="2.11.4",
        origins={0: Answer(status=200, seconds=0.0124), 2: Answer(status=0, seconds=0)},
    )
    stopped = Unit(name="argoWeb.service", state="inactive", since=None, restarts=0)
    differs = observe(
        "unit-stopped", "web2", "argoWeb.service: found inactive; the stack says active"
    )
    web2 = ServerSeen(name="web2", address="", reached=True, units=[stopped], lines=[differs])
    web3 = ServerSeen(name="web3", address="", reached=False)
    update = {"endTime": "2026-11-30T22:15:00.000Z", "result": "succeeded", "environment": {"git.author": "ann"}}  # fmt: skip
    connectors = [
        Connector(id="1", version="2026.8.2", since="2026-11-30T20:00:00Z", locations=["vie05", "fra08"]),
        Connector(id="2", version="2026.8.2", since="2026-11-29T20:00:00Z", locations=["vie05"]),
    ]  # fmt: skip
    return Overview(
        stack=replace(stack(**{**VALUES, "sites": sites}), last_update=update),
        cloud=CloudSeen(
            tunnel_name="web",
            tunnel_status="healthy",
            connectors=connectors,
            records={HOSTNAME: "ours", "git.example.org": "foreign"},
        ),
        servers=[web1, web2, web3],
        edge={
            (HOSTNAME, "/"): Seen(status=302, login=True, seconds=0.1, certificate_until="Jan  1 00:00:00 2027 GMT"),
            ("git.example.org", "/"): Seen(code="edge-certificate", text="TLS fails"),
        },
    )  # fmt: skip


WHOLE = """\
argoweb/prod  tunnel web: healthy; 3 connections (fra08 ×1, vie05 ×2); cloudflared 2026.8.2; since 2026-11-29 20:00 UTC
last update 2026-11-30 22:15 UTC: succeeded, by ann
Server  Units              Connections  cloudflared         Caddy   NixOS        Deployed              Drift
web1    ✓ 2 active         4+3          2026.8.1, 2026.8.2  2.11.4  26.05.1 (7)  2026-09-21 14:13 UTC  ✓ none
web2    ✗ argoWeb stopped  –            –                   –       –            never                 ✗ 1
web3    ? not reached      –            –                   –       –            –                     –
Site                    Record     Access       Certificate                   At the edge         On web1      On web2  On web3
www.example.com         ✓ ours     ✓ guarded    ✓ until Jan  1 00:00:00 2027  ✓ 302 login 100 ms  ✓ 200 12 ms  –        –
www.example.com ^/[x]$  ✓ ours     ? not asked  –                             –                   –            –        –
git.example.org         ✗ foreign  –            ✗ none                        ✗ nothing           ✗ nothing    –        –
✗ error   web2: argoWeb.service: found inactive; the stack says active [unit-stopped]
"""


def test_a_stack_is_one_screen() -> None:
    lines = [line.rstrip() for line in shown(whole()).splitlines()]
    assert lines[:11] == WHOLE.splitlines()
    assert [line.rpartition("[")[2] for line in lines if line.endswith("]")] == [
        "unit-stopped]",
        "edge-certificate]",
        "origin-error]",
    ]


def test_a_stack_is_one_object_for_programs() -> None:
    found = whole()

    told = as_json(found)

    assert [(it["code"], it["level"], it["place"]) for it in told.pop("lines")] == [
        ("unit-stopped", "error", "web2"),
        ("edge-certificate", "error", "git.example.org"),
        ("origin-error", "error", "web1"),
    ]
    web1, web2, web3 = told.pop("servers")
    assert {it["name"]: it["reached"] for it in (web2, web3)} == {"web2": True, "web3": False}
    assert web1 == {
        "name": "web1", "address": "", "reached": True, "system": "26.05.1", "generation": "7",
        "deployed_at": 1_790_000_000, "deployed_by": "", "owner": "", "caddy_version": "2.11.4",
        "units": [
            {"name": "argoWeb.service", "state": "active", "since": None, "restarts": 0},
            {"name": "caddy.service", "state": "active", "since": None, "restarts": 0},
        ],
        "cloudflareds": [
            {"unit": "argoWeb.service", "connections": 4, "version": "2026.8.2", "locations": (), "connector": ""},
            {"unit": "argoWeb-2.service", "connections": 3, "version": "2026.8.1", "locations": (), "connector": ""},
        ],
    }  # fmt: skip
    seen = {"status": 302, "seconds": 0.1, "login": True, "certificate_until": "Jan  1 00:00:00 2027 GMT", "code": None, "text": ""}  # fmt: skip
    unseen = {"status": 0, "seconds": 0.0, "login": False, "certificate_until": None, "code": "edge-certificate", "text": "TLS fails"}  # fmt: skip
    assert told == {
        "stack": "argoweb/prod",
        "exit": 1,
        "last_update": {"result": "succeeded", "endTime": "2026-11-30T22:15:00.000Z"},
        "tunnel": {
            "id": None, "name": "web", "status": "healthy",
            "connectors": [
                {"id": "1", "version": "2026.8.2", "since": "2026-11-30T20:00:00Z", "locations": ["vie05", "fra08"]},
                {"id": "2", "version": "2026.8.2", "since": "2026-11-29T20:00:00Z", "locations": ["vie05"]},
            ],
        },
        "sites": [
            {
                "hostname": HOSTNAME, "path": "", "protected": True, "record": "ours", "edge": seen,
                "origins": {"web1": {"status": 200, "seconds": 0.0124}},
            },
            {"hostname": HOSTNAME, "path": "^/[x]$", "protected": True, "record": "ours", "edge": None, "origins": {}},
            {
                "hostname": "git.example.org", "path": "", "protected": False, "record": "foreign", "edge": unseen,
                "origins": {"web1": {"status": 0, "seconds": 0}},
            },
        ],
    }  # fmt: skip
