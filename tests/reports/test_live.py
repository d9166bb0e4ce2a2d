"""The reports that show in a running Caddy alone, and where the others are tried."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from settings.contract import METRICS
from tests.ports import free_port
from tests.render.caddy import Running
from tests.reports.test_files import KINDS as FILES
from tests.reports.test_reports import KINDS as STACKS

ROOT = Path(__file__).resolve().parents[2]
SECRET = "0123456789"
ELSEWHERE = {
    "F06": "tests/render/test_applications.py::test_the_host_for_an_upstream_is_the_visitors_or_the_chosen_one",
    "F09": "tests/existing/test_tunnel.py::test_one_that_was_moved_to_the_dashboard_is_told_at_each_preview",
    "F19": "tests/settings/test_ssh_key.py::test_a_key_of_a_kind_that_the_plugin_does_not_know_is_refused_with_what_to_do",
    "F21": "tests/existing/test_refusals.py::test_each_code_that_the_api_has_gets_its_advice",
    "F24": "tests/existing/test_zone.py::test_an_older_zone_is_noticed_above_its_own_limit",
    "F25": "tests/render/test_options.py::test_the_owners_own_servers_are_no_matter_of_ours_and_ours_none_of_theirs",
    "F29": "tests/render/test_applications.py::test_an_application_sees_the_visitor_and_nothing_that_he_made_up",
    "F33": "tests/render/test_applications.py::test_a_websocket_outlives_changes_of_its_own_site_and_of_others",
}
"""Reports that tests of the part in question try, with the real one where there is one."""
HERE = ("F00", "F01", "F08", "F26", "F28", "F35")


def test_every_report_is_tried() -> None:
    listed = [
        case.get("id")
        for kind in STACKS
        for case in [*kind.get("says", []), *kind.get("silent", [])]
    ]
    listed += [case.get("id") for kind in FILES for case in kind["files"]]

    ids = [*(each for each in listed if each), *ELSEWHERE, *HERE]
    assert len(ids) == len(set(ids)) == 54
    for place in ELSEWHERE.values():
        file, _, name = place.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text()


@pytest.fixture
def caddy(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path, SECRET_TOKEN=SECRET)
    yield running
    running.stop()


def asked(
    caddy: Running, prod: dict[str, Any], sites: list[dict[str, Any]], *targets: str, host: str = "a.example.com"
) -> list[tuple[int, str]]:  # fmt: skip
    """Status and text, a Location first, of each target."""
    port = free_port()
    caddy.load({**prod, "sites": sites, "caddy": {"bind": "127.0.0.1", "port": port}})
    answers = []
    for target in targets:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", target, headers={"Host": host})
        response = connection.getresponse()
        answers.append(
            (response.status, response.headers.get("Location", "") + response.read().decode())
        )
        connection.close()
    return answers


def test_what_a_visitor_writes_is_not_expanded(prod: dict[str, Any], caddy: Running) -> None:
    sites = [
        {"hostname": "a.example.com", "path": "^/old/(.*)", "redirect": "https://b.example.com/{re.path.1}"},
        {"hostname": "a.example.com", "root": "/srv/x"},
        {"hostname": "c.example.com", "path": "^/u/([^/]+)", "caddyfile": 'rewrite * /{re.1}\nrespond "{uri}"'},
    ]  # fmt: skip

    answers = asked(
        caddy, prod, sites, "/old/{env.SECRET_TOKEN}", "/old/{file./etc/hostname}", "/old/x"
    )
    answers += asked(caddy, prod, sites, "/u/{env.SECRET_TOKEN}", host="c.example.com")

    assert SECRET not in str(answers)
    assert answers[2] == (302, "https://b.example.com/x")


def test_a_guarded_path_is_not_walked_round_and_hidden_files_are_not_served(
    prod: dict[str, Any], caddy: Running, tmp_path: Path
) -> None:
    root = tmp_path / "site"
    for name in ("private/s.html", ".git/config", ".env", "index.html"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(SECRET)
    sites = [
        {"hostname": "a.example.com", "path": "^/private/", "caddyfile": f"respond guard 401\nroot * {root}"},
        {"hostname": "a.example.com", "root": str(root)},
    ]  # fmt: skip
    spellings = ("/private/s.html", "//private/s.html", "/./private/s.html", "/x/../private/s.html", "/x/%2e%2e/private/s.html", "/.git/config", "/.env")  # fmt: skip

    answers = asked(caddy, prod, sites, *spellings, "/")

    assert answers[0][0] == 401
    assert answers[-1] == (200, SECRET)
    assert SECRET not in str(answers[:-1])


def test_no_letter_case_of_a_hostname_walks_round_its_site(
    prod: dict[str, Any], caddy: Running
) -> None:
    sites = [
        {"hostname": "s.example.com", "caddyfile": "respond guard 403"},
        {"hostname": "*.example.com", "caddyfile": "respond wild"},
    ]

    for host in ("s.example.com", "S.example.com", "s.EXAMPLE.com"):
        assert asked(caddy, prod, sites, "/", host=host) == [(403, "guard")]


def test_a_rule_for_everybody_takes_no_path_that_leads_out_of_it(
    prod: dict[str, Any], caddy: Running
) -> None:
    access = {"required": True, "teamName": "team", "audTag": ["a" * 64]}
    nobody = f"127.0.0.1:{free_port()}"
    sites: list[dict[str, Any]] = [
        {"hostname": "a.example.com", "path": "^/public", "proxy": nobody},
        {"hostname": "a.example.com", "proxy": nobody, "originRequest": {"access": access}},
    ]

    answers = asked(caddy, prod, sites, "/public/x", "/public/../admin", "/public/%2e%2e/admin", "//public/../admin")  # fmt: skip

    assert [status for status, _ in answers] == [502, 404, 404, 404]


def test_the_metrics_are_not_where_every_other_cloudflared_looks_first() -> None:
    port = int(METRICS.rpartition(":")[2])

    assert port not in range(20240, 20246)
