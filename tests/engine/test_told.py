"""The faults of a server in tests/told/faults.yaml, made on the sandbox's many at once: each is named among the others."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sandbox.world import World
from tests.engine.test_commands import argoweb, secrets, status, told
from tests.told.table import REALLY, ROWS

TOGETHER = REALLY["at once by drift and status"]
BEFORE = REALLY["at once by doctor"]
ALWAYS = {"edge-tcp", "edge-udp", "udp-buffers", "memory-low", "cloudflared-old"}
"""From the sandbox nothing reaches Cloudflare, a server in a container has the machine's memory and buffers, and the
sandbox's cloudflared gets older."""


@contextmanager
def made(world: World, rows: list[dict[str, Any]]) -> Iterator[None]:
    """The server with all these faults, and as it was afterwards."""
    with ExitStack() as undone:
        for row in rows:
            undone.callback(world.ssh, row["undo"])
            world.ssh(row["do"])
        yield


def expected(row: dict[str, Any]) -> tuple[str, str]:
    """The line that names it, and a part of what that says."""
    known = ROWS[row["fault"]]
    return row.get("line", known["line"]), row.get("text", known["text"])


def unnamed(rows: list[dict[str, Any]], lines: list[dict[str, Any]]) -> list[str]:
    """The faults that no line names."""
    return [
        row["fault"]
        for row in rows
        if not any(
            f"{line['code']} {line['place']}" == expected(row)[0]
            and expected(row)[1] in line["text"]
            for line in lines
        )
    ]


def test_many_faults_at_once_are_each_named(deployed: World) -> None:
    hidden = secrets(deployed)

    with made(deployed, TOGETHER):
        drift, seen, screen = (
            argoweb(deployed, "drift", "--json"),
            status(deployed, "--json"),
            status(deployed),
        )

    assert (drift.returncode, seen.returncode, screen.returncode) == (1, 1, 1)
    lines = told(seen)["lines"]
    assert unnamed(TOGETHER, lines) == []
    assert unnamed([row for row in TOGETHER if "by" not in row], told(drift)["lines"]) == []
    named = {expected(row)[0] for row in TOGETHER}
    assert {f"{line['code']} {line['place']}" for line in lines} == named
    assert all(f"[{line['code']}]" in screen.stdout for line in lines)
    output = drift.stdout + seen.stdout + screen.stdout
    assert [secret for secret in hidden if secret in output] == []


def test_what_a_first_deployment_lacks_is_named_all_at_once(deployed: World) -> None:
    with made(deployed, BEFORE):
        seen = argoweb(deployed, "doctor", "--json")

    assert seen.returncode == 1, seen.stdout + seen.stderr
    lines = [line for line in told(seen)["lines"] if line["level"] != "ok"]
    assert unnamed(BEFORE, lines) == []
    assert {line["code"] for line in lines} <= {
        *ALWAYS,
        *(expected(row)[0].split()[0] for row in BEFORE),
    }
    assert argoweb(deployed, "drift").returncode == 0


def nowhere(config: dict[str, Any]) -> None:
    config["argoweb:sites"][0]["root"] = "/srv/nowhere"


def test_a_folder_that_is_not_on_the_server_is_a_warning_of_the_update(deployed: World) -> None:
    with deployed.changed(nowhere):
        said = deployed.up()

    assert (
        "warning: /srv/nowhere, which www.example.localhost serves, is not there: its visitors find nothing there. [root-missing]"
        in said
    )
    assert deployed.get("www.example.localhost")[0] == 404
