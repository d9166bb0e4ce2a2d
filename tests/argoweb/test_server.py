"""What is made of the report of a server."""

import re
from dataclasses import replace

import pytest

from argoweb.report import observe
from argoweb.server import ServerSeen, read_report
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
