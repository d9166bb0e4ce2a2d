"""What is made of the report of a server."""

import re
import time
from dataclasses import replace

import pytest

from argoweb.cloud import Connector
from argoweb.report import observe
from argoweb.server import Cloudflared, ServerSeen, Unit, read_report
from argoweb.status.strangers import find_strangers
from render import render_serving
from settings.contract import VERSION
from tests.argoweb.conftest import DEPLOYMENT, stack
from tests.conftest import ROOT

DIFFERENCES = re.findall(
    r"\bdiffers ([a-z]+-[a-z-]+) ", (ROOT / "remote/differences.sh").read_text()
)
"""The codes that a server's program has."""


def report(*manifest: str, owner: str = DEPLOYMENT, more: str = "", sent: str = "") -> ServerSeen:
    """What is seen of a server whose live manifest has these lines; `sent` is that of the stack's state."""
    found = stack()
    if sent:
        found = replace(found, state=replace(found.state, manifests={"web1": sent}))
    (server,) = found.settings.servers
    address = "192.0.2.1 0a1b2c3d"
    rows = [
        "clock\t1790000000.5",
        "system\t/nix/store/x\t26.05\t/nix/store/x\t100",
        "generation\tsystem-7-link\t1790000000",
        f"owner\t{owner}/web1 {address}\t1790000000",
        *(f"manifest\t{line}" for line in manifest),
        more,
        "end",
    ]
    return read_report(found, server, "\n".join(rows), (1_790_000_000.0, 1_790_000_001.0))


def test_a_server_tells_by_which_version_it_was_deployed() -> None:
    assert report(*render_serving(stack().settings), "end").deployed_by == VERSION


@pytest.mark.parametrize("manifest", [(), ("config-dir /etc/caddy", "end")])
def test_a_manifest_of_before_there_were_versions_is_read(manifest: tuple[str, ...]) -> None:
    found = report(*manifest)

    assert (found.deployed_by, found.lines) == ("", [])


@pytest.mark.parametrize("code", DIFFERENCES)
def test_what_a_server_says_differs_is_a_difference(code: str) -> None:
    (found,) = report(more=f"differs\t{code}\tits place\tone thing\tanother").drift

    assert (found.code, found.place) == (code, "web1")
    assert found.text == "its place: found one thing; the stack says another"
    assert found.kind.differs


@pytest.mark.parametrize("code", [*DIFFERENCES, "server-undeployed", "deployment-damaged"])
def test_no_difference_on_a_server_is_mended_by_an_update_that_finds_nothing_to_do(
    code: str,
) -> None:
    remedy = observe(code, "web1", "it is so").advice

    assert "servers.web1.redeploy" in remedy or remedy.startswith("systemctl ")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("differs\tunit-stopped\targoWeb.service\tfailed\tactive", "unit-stopped"),
        (
            "unit\targoWeb.service\tactive\t1\t0\ncloudflared\targoWeb.service\t0\t1\t\t",
            "cloudflared-unconnected",
        ),
    ],
)
def test_of_what_does_not_serve_the_end_of_its_journal_is_shown(rows: str, code: str) -> None:
    journal = "journal\targoWeb.service\tUnauthorized: Invalid\ttunnel secret"
    (found,) = report("config-dir /srv", more=f"{journal}\n{rows}").lines

    assert (found.code, found.more) == (code, ["Unauthorized: Invalid tunnel secret"])


def test_a_changed_line_is_one_line_with_the_tabs_that_it_has() -> None:
    (found,) = report(
        more="differs\tfile-edited\ta\tb\tc\nchanged\t@@ -1 +1 @@\nchanged\t-\t\troot * /srv\nchanged\t"
    ).drift

    assert found.more == ["@@ -1 +1 @@", "-\t\troot * /srv", ""]


@pytest.mark.parametrize(
    ("report_of", "code"),
    [
        ({"owner": "argoweb/another"}, "server-of-another"),
        ({"more": "undecided\tA deployment is at work."}, "server-at-work"),
        ({"sent": "config-dir /etc/caddy"}, "deployment-differs"),
        (
            {"more": "unit\targoWeb.service\tactive\t1\t0\ncloudflared\targoWeb.service\t0\t1\t\t"},
            "cloudflared-unconnected",
        ),
    ],
)
def test_whose_a_server_is_and_whether_it_is_connected_is_told(
    report_of: dict[str, str], code: str
) -> None:
    assert [line.code for line in report("config-dir /srv", **report_of).lines] == [code]


NOW = 1_790_000_000.0
ENDED = "argoWeb.service has ended by itself 3 times, and was started again"


@pytest.mark.parametrize(
    ("state", "seconds", "restarts", "connections", "said"),
    [
        ("active", 3599, 3, 4, [ENDED]),
        ("active", 3600, 3, 4, []),
        ("active", 3599, 2, 4, []),
        ("failed", 9999, 3, 0, [ENDED]),
        ("active", 1, 0, 0, ["argoWeb.service has no connection to Cloudflare"]),
        ("active", 59, 0, 3, []),
        ("active", 60, 0, 3, ["argoWeb.service has 3 connections to Cloudflare, 4 are usual"]),
        ("active", 60, 0, 1, ["argoWeb.service has 1 connection to Cloudflare, 4 are usual"]),
        ("active", 60, 0, 4, []),
    ],
)
def test_a_unit_has_an_hour_to_stay_and_a_minute_to_connect(
    state: str, seconds: int, restarts: int, connections: int, said: list[str]
) -> None:
    unit = f"unit\targoWeb.service\t{state}\t{int(NOW) - seconds}\t{restarts}"

    found = report("end", more=f"{unit}\ncloudflared\targoWeb.service\t{connections}\t1\t\tx")

    assert [line.text for line in found.lines] == said


OWN = Cloudflared(unit="argoWeb.service", connections=4, version="1", locations=(), connector="own")


@pytest.mark.parametrize(
    ("seconds", "changed", "told"),
    [
        (120, {}, ["a cloudflared 2 is connected that no server of the stack runs (other, since noon)"]),
        (119, {}, []),
        (120, {"reached": False}, []),
        (120, {"cloudflareds": ()}, []),
        (120, {"cloudflareds": [replace(OWN, connector="")]}, []),
    ],
)  # fmt: skip
def test_a_stranger_is_one_that_no_server_runs_once_all_have_told_and_settled(
    monkeypatch: pytest.MonkeyPatch, seconds: int, changed: dict[str, object], told: list[str]
) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)
    unit = Unit(name=OWN.unit, state="active", since=int(NOW) - seconds, restarts=0)
    first = ServerSeen(name="web1", address="", reached=True, units=[unit], cloudflareds=[OWN])
    second = ServerSeen(
        **{**vars(first), "name": "web2", "units": [replace(unit, since=None)], **changed}
    )
    connectors = [
        Connector(id=name, version="2", since="noon", locations=()) for name in ("own", "other")
    ]

    assert [it.text for it in find_strangers(connectors, [first, second])] == told
