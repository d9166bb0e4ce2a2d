"""What visitors meet on a server that the next ones wait for: by the journals of the cloudflared and the Caddy that they came through."""

import http.client
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.caddy import OLDEST
from tests.ports import free_port
from tests.remote.test_work import LIVE, Server
from tests.render.caddy import Running, program_of

HEALTH = Path(__file__).resolve().parents[2] / "remote/health.sh"
TUNNEL = (
    ' web1 cloudflared[889]: 2026-12-01T10:53:37Z ERR  error="Unable to reach the origin service. The service may be down or it'
    ' may not be responding to traffic from cloudflared: WHY" connIndex=3 event=1 ingressRule=1 originService=SERVICE'
)
HOSTILE = "x[$(touch${IFS}$FOLDER/done)]"
"""A Host of a visitor's: what bash makes of it in a sum, it would do."""
REFUSED = "dial tcp 127.0.0.1:3999: connect: connection refused"


def at(seconds: int, service: str = "http://127.0.0.1:3999", why: str = REFUSED) -> str:
    """A line of cloudflared's, so many seconds ago."""
    return f"echo \"$((EPOCHSECONDS - {seconds})).5\"'{TUNNEL.replace('WHY', why).replace('SERVICE', service)}'\n"


def unreached(said: str) -> set[str]:
    """What the server's program sees that visitors did not reach, if this stands in the journal."""
    program = (
        "INSTANCES=(argoWeb.service) CADDY=(caddy.service)\njournalctl() { cat; }\n"
        f"{HEALTH.read_text()}\nunreached @1 now"
    )
    found = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", program],
        input="".join(f"17.5 web1 program[1]: {line}\n" for line in said.splitlines()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(line.startswith("17 ") for line in found.stdout.splitlines())
    return {line.removeprefix("17 ") for line in found.stdout.splitlines()}


@pytest.mark.parametrize(
    ("before", "since", "code"),
    [
        ("", "", 0),
        ("", at(12) + at(1), 1),
        ("", at(12, "https://app:8443") + at(1, "https://app:8443", "x509: unknown authority"), 1),
        ("", at(12, why="net/http: TLS handshake timeout") + at(1), 1),
        ("", at(4) + at(1), 0),
        ("", at(12, "http://[::1]:3999") + at(1, "http://[::1]:3999"), 1),
        ("", at(12, HOSTILE) + at(1, HOSTILE), 1),
        ("", at(12) + at(1, "http://127.0.0.1:4000"), 0),
        ("", at(12, why="EOF") + at(1, why="EOF"), 0),
        (at(300), at(12) + at(1), 0),
        (at(300, "http://127.0.0.1:4000"), at(12) + at(1), 1),
    ],
    ids=[
        "quiet",
        "refused",
        "tls",
        "no tls",
        "a blip",
        "ipv6",
        "hostile",
        "two blips",
        "ends by itself",
        "as before",
        "another",
    ],
)
def test_a_server_on_which_visitors_reach_less_than_before_goes_back_to_what_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, since: str, code: int
) -> None:
    monkeypatch.setenv("BASH_COMPAT", "5.1")  # which expands what stands in a sum twice
    server = Server(tmp_path)
    server.stub("journalctl", f'#!/bin/bash\nif [[ "$*" == *"--until @"* ]]; then :\n{before}else :\n{since}fi\n')  # fmt: skip

    said, ended = server.work("activate", {**LIVE, "argoWeb.caddy": "new\n"}, "pause 1")

    assert ended == code, said
    assert not (tmp_path / "done").exists()
    assert server.live("argoWeb.caddy") == ("new\n" if code == 0 else LIVE["argoWeb.caddy"])
    assert ("visitors have been led in vain to " in said) is bool(code)


@pytest.mark.parametrize("own", ["", "log {\n\tformat console\n}\n"], ids=["json", "console"])
@pytest.mark.parametrize("version", [OLDEST, None], ids=[OLDEST, "installed"])
def test_a_site_that_caddy_cannot_reach_is_known_by_its_hostname(
    prod: dict[str, Any], tmp_path: Path, version: str | None, own: str
) -> None:
    port, nobody = free_port(), free_port()
    sites = [
        {"hostname": "down.example.com", "proxy": f"127.0.0.1:{nobody}"},
        {"hostname": "ill.example.com", "caddyfile": "error 503"},
    ]
    caddy = Running(tmp_path, program_of(version))
    caddy.load({**prod, "sites": sites, "caddy": {"bind": "127.0.0.1", "port": port}}, own)
    for site in sites:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request(
            "GET", '/?"host":"www.example.com"', headers={"Host": str(site["hostname"])}
        )
        assert connection.getresponse().status >= 500
        connection.close()
    caddy.kill()

    said = caddy.log.read_text()

    assert "ill.example.com" in said
    assert unreached(said) == {"down.example.com"}
