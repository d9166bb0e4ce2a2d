"""What is said of sites from what their visitors see."""

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from argoweb.cloud import CloudSeen
from argoweb.edge import Seen
from argoweb.overview import Overview
from argoweb.screen import draw_screen
from argoweb.server import Answer, ServerSeen
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
    ("status", "codes"), [(200, []), (404, []), (502, ["origin-error"]), (0, ["origin-error"])]
)
def test_a_site_that_fails_on_its_server_is_told(status: int, codes: list[str]) -> None:
    assert [
        line.code for line in overview(Seen(status=302, login=True), status=status).lines
    ] == codes


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
