"""Warnings of a server's program: each has a code, by which `argoweb:accept` silences it."""

import re
from pathlib import Path
from typing import Any

import pytest

from argoweb import kinds  # noqa: F401 so that their codes are known
from render import render_serving
from settings.checks import ports  # noqa: F401 so that its code is known, too
from settings.on_servers import CODES
from settings.reading.build import build
from tests.remote.test_units import CADDY, IMPORTS, REBUILT, builds, cloudflared
from tests.remote.test_work import Server, server
from values.findings import KINDS

__all__ = ["cloudflared", "server"]

REMOTE = Path(__file__).resolve().parents[2] / "remote"
FAILS = """#!/bin/bash
if [[ $1 == test ]]; then ln -sfn $FOLDER/systems/new $FOLDER/current; echo "unit x.service failed"; exit STATUS; fi
"""


def silenced(said: str) -> list[str]:
    return re.findall("Warnings that argoweb:accept silences: .*", said)


def test_each_warning_of_the_servers_has_a_code_that_can_be_accepted() -> None:
    text = "".join(
        script.read_text() for script in REMOTE.glob("*.sh") if script.name != "warnings.sh"
    )

    given = re.findall(r"\bwarn ([a-z-]+) |\btold=\(([a-z-]+) ", text)
    assert {one or other for one, other in given} == CODES
    assert not re.search(r'(echo|step|printf) "warning', text), "one without a code"


def test_a_code_that_an_update_says_is_one_that_the_command_line_finds() -> None:
    told = [*REMOTE.glob("*.sh"), REMOTE.parent / "edge" / "ask.sh"]
    said = {
        code
        for file in told
        for code in re.findall(r" \[([a-z0-9]+-[a-z-]+)\]\"", file.read_text())
    }

    assert {"unit-stopped", "server-of-another", "edge-error", "ipv6-missing"} <= said
    assert [code for code in said if code not in KINDS or KINDS[code].running is None] == []


def test_a_server_is_told_which_of_its_warnings_are_accepted(prod: dict[str, Any]) -> None:
    def lines(*accept: str) -> list[str]:
        settings = build({**prod, "accept": [*accept]}, deployment="argoweb/prod")
        return [line for line in render_serving(settings) if line.startswith("accept ")]

    assert lines("switch-units", "path-slash", "caddy-beside") == [
        "accept caddy-beside",
        "accept switch-units",
    ]
    assert lines("path-slash") == []  # what concerns no server changes nothing there


def test_an_accepted_warning_is_counted_in_one_line(server: Server, cloudflared: Path) -> None:
    (server.folder / "version").write_text("2026.8.1")
    builds(server, cloudflared, CADDY, IMPORTS)

    said, code = server.work("activate", REBUILT, "accept cloudflared-bad", "accept switch-units")

    assert code == 0, said
    assert "warning: " not in said
    assert silenced(said) == ["Warnings that argoweb:accept silences: cloudflared-bad (2)."]


def test_what_is_accepted_is_said_of_a_refused_change_too(
    server: Server, cloudflared: Path
) -> None:
    (server.folder / "version").write_text("2026.8.1")
    builds(server, cloudflared, CADDY, "echo '{}'")

    said, code = server.work("activate", REBUILT, "accept cloudflared-bad")

    assert code == 1
    assert "does not import our sites" in said
    assert silenced(said) == ["Warnings that argoweb:accept silences: cloudflared-bad (1)."]
    assert said.splitlines()[-1].startswith("STATE: nothing was changed")


@pytest.mark.parametrize(("status", "warning"), [(2, "switch-script"), (4, "switch-units")])
@pytest.mark.parametrize("accepted", [False, True])
def test_what_fails_at_a_switch_beside_us_can_be_accepted(
    server: Server, cloudflared: Path, status: int, warning: str, accepted: bool
) -> None:
    builds(server, cloudflared, CADDY, IMPORTS)
    switch = server.folder / "systems/new/bin/switch-to-configuration"
    switch.write_text(FAILS.replace("STATUS", str(status)))

    said, code = server.work("activate", REBUILT, *([f"accept {warning}"] if accepted else []))

    assert code == 0, said
    assert (
        f"the health check tells. [{warning}]\n      | unit x.service failed\n" in said
    ) is not accepted
    assert bool(silenced(said)) is accepted


@pytest.mark.parametrize("accepted", [False, True])
def test_a_caddy_that_cannot_be_checked_before_the_switch_can_be_accepted(
    server: Server, cloudflared: Path, accepted: bool
) -> None:
    builds(server, cloudflared, f"{CADDY}\nEnvironmentFile=/nowhere/secrets", IMPORTS)

    said, code = server.work("activate", REBUILT, *(["accept caddy-unchecked"] if accepted else []))

    assert code == 0, said
    assert (
        "needs /nowhere/secrets, which is not there yet. [caddy-unchecked]" in said
    ) is not accepted
    assert bool(silenced(said)) is accepted


def test_an_error_is_told_whatever_is_accepted(server: Server) -> None:
    server.stub("unshare", "#!/bin/bash\necho '(the validation refuses)'\nexit 1\n")

    said, code = server.work("activate", REBUILT, "accept caddy-beside", "accept unit-stopped")

    assert code == 1
    assert "argoweb: the new configuration was refused, see above." in said
    assert silenced(said) == []
