"""What `pulumi up` asks through Cloudflare in the end."""

from typing import Any

import pytest

from edge import HOPS
from tests.program.conftest import Program
from tests.program.test_requests import waits_for

ASKS = "reachable"


def asked(program: Program) -> dict[str, str]:
    """The key of each URL that is asked."""
    lines = program.run()[ASKS]["object"]["stdin"].splitlines()
    return {host + path: key for key, host, path in (line.split() for line in lines)}


def test_each_site_is_asked_once_its_record_leads_to_a_server_that_serves(program: Program) -> None:
    requests = program.run()

    assert requests[ASKS]["type"] == "command:local:Command"
    for name in ("records-www.example.com", "records-git.example.org"):
        assert waits_for(requests, ASKS, name)
    urls = [line.split()[1:] for line in requests[ASKS]["object"]["stdin"].splitlines()]
    assert urls == [["www.example.com", "/"], ["git.example.org", "/"]]
    assert "delete" not in requests[ASKS]["object"]
    hops = requests[ASKS]["object"]["environment"]["ASK_HOPS"].splitlines()
    assert {int(code): hop for code, hop in (line.split(" ", 1) for line in hops)} == HOPS


def test_sites_that_no_browser_can_ask_for_are_left_out_and_wildcards_get_a_name(
    program: Program,
) -> None:
    program.values["sites"] = [
        {"hostname": "ssh.example.com", "service": "ssh://127.0.0.1:22"},
        {"hostname": "db.example.com", "service": "tcp://127.0.0.1:5432"},
        {"hostname": "own.example.com", "proxy": "127.0.0.1:1", "dns": False},
        {"hostname": "www.example.com", "path": "^/api", "proxy": "127.0.0.1:1"},
        {"hostname": "www.example.com", "path": "^/[a-z]+$", "proxy": "127.0.0.1:2"},
        {"hostname": "www.example.com", "service": "unix:/run/app.sock"},
        {"hostname": "*.example.com", "root": "/srv/any"},
        {"hostname": "gone.example.com", "service": "http_status:410"},
        {"hostname": "*", "root": "/srv/rest"},
    ]

    assert [*asked(program)] == [
        "www.example.com/api",
        "www.example.com/",
        "argoweb-asks.example.com/",
        "gone.example.com/",
    ]
    assert program.outputs["tunnelId"] == "tunnel-tunnel-id"
    assert program.outputs["hostnames"] == [
        "ssh.example.com",
        "db.example.com",
        "own.example.com",
        "www.example.com",
        "*.example.com",
        "gone.example.com",
        "*",
    ]
    assert program.outputs["urls"] == [
        "https://own.example.com/",
        "https://www.example.com/api",
        "https://www.example.com/",
        "https://*.example.com/",
        "https://gone.example.com/",
    ]


@pytest.mark.parametrize(
    "change",
    [{"root": "/srv/other"}, {"hiddenFiles": True}, {"originRequest": {"connectTimeout": "5s"}}],
)
def test_a_site_that_changed_is_asked_again_and_the_others_are_not(
    program: Program, change: dict[str, Any]
) -> None:
    before = asked(program)
    program.values["sites"][0] |= change

    after = asked(program)

    assert {url for url in after if after[url] != before[url]} == {"www.example.com/"}


def test_a_new_order_of_the_sites_and_another_server_ask_nothing_again(program: Program) -> None:
    before = asked(program)
    program.values["sites"].reverse()
    program.values["servers"]["web1"]["redeploy"] = 1
    program.values["caddy"] = {"port": 8081}

    assert asked(program) == before


def test_it_can_be_left_out(program: Program) -> None:
    program.values["health"] = {"edge": False}

    assert ASKS not in program.run()


def test_a_stack_without_a_site_to_ask_for_asks_nothing(program: Program) -> None:
    program.values["sites"] = [{"hostname": "ssh.example.com", "service": "ssh://127.0.0.1:22"}]

    assert ASKS not in program.run()
