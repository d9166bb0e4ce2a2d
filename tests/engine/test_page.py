"""The page of a deployed stack: its numbers come from the server itself, by which nothing is opened."""

import json
import re
from typing import Any

import pytest

from sandbox.world import World
from tests.engine.test_commands import argoweb, secrets


def counts(config: dict[str, Any]) -> None:
    config["argoweb:metrics"] = {"sites": True}


def test_the_page_is_one_file_with_live_numbers_and_no_secret(deployed: World) -> None:
    listening = "ss -Htln | awk '{ print $4 }' | sort"
    before = deployed.ssh(listening)
    with deployed.changed(counts):
        deployed.up()
        visits = "while :; do curl -s -o /dev/null -H 'Host: www.example.localhost' http://127.0.0.1:8080/; sleep 0.05; done"
        deployed.ssh(f"systemd-run --quiet --unit=visits --collect bash -c {json.dumps(visits)}")
        done = argoweb(
            deployed, "page", "--edge", deployed.status["edge_url"], "--out", "page.html"
        )
        open_now = deployed.ssh(listening)
        deployed.ssh("systemctl stop visits")
        text = (deployed.root / "page.html").read_text()
        (deployed.root / "page.html").unlink()
    deployed.up()

    assert done.returncode == 0, done.stderr
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert found is not None
    data = json.loads(found[1])
    www = next(site for site in data["sites"] if site["hostname"] == "www.example.localhost")
    assert www["numbers"]["requests"] > 1
    assert www["numbers"]["slow"] < 5
    assert data["tunnel"]["status"] == "healthy"
    assert data["updates"][0]["result"] == "succeeded"
    assert data["rate"] is not None
    assert open_now == before
    assert [secret for secret in secrets(deployed) if secret in text] == []


@pytest.mark.long
def test_a_stack_that_cannot_be_read_is_told_and_no_page_made(deployed: World) -> None:
    done = argoweb(deployed, "page", "--stack", "nobody", "--out", "page.html")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (deployed.root / "page.html").exists()
