"""What is made of the report of a server."""

import re
from dataclasses import replace

import pytest

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
        "system\t/nix/store/x\t26.05\t/nix/store/x\t100",
        "generation\tsystem-7-link\t1790000000",
        f"owner\t{owner}/web1 {address}\t1790000000",
        *(f"manifest\t{line}" for line in manifest),
        more,
        "end",
    ]
    return read_report(found, server, "\n".join(rows))


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
