"""argoWeb.yml, read back by a YAML reader and judged by cloudflared where it is present."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from render import render_cloudflared_yml
from settings.reading.build import build
from tests.real import real_cloudflared

UUID = "6ff42ae2-765d-4adf-8112-31c55c1551ef"


def rendered(values: dict[str, Any]) -> str:
    return render_cloudflared_yml(build(values, deployment="argoweb/test"), UUID)


def test_the_file_has_the_tunnel_its_credentials_the_rules_and_the_catch_all(
    prod: dict[str, Any],
) -> None:
    document = yaml.safe_load(rendered(prod))

    assert document["tunnel"] == UUID
    assert document["credentials-file"] == f"/var/lib/argoWeb/{UUID}.json"
    assert [rule.get("hostname") for rule in document["ingress"]] == [
        *(site["hostname"] for site in prod["sites"]),
        None,
    ]
    assert document["ingress"][-1] == {"service": "http_status:404"}


def test_an_audience_stands_once_in_a_rule_for_several_applications(prod: dict[str, Any]) -> None:
    application = "11111111-1111-4111-8111-111111111111"
    prod["access"] = {"team": "t", "groups": {"ci": {"serviceTokens": "deploy"}}}
    prod["sites"] = [
        {"hostname": "www.example.com", "path": "^/x/", "root": "/srv/www", "access": "ci"},
        {"hostname": "*.example.com", "root": "/srv/www", "access": {"application": application}},
    ]
    audiences = {
        "www.example.com": "a" * 64,
        "*.example.com": "a" * 64,
        "www.example.com/x/*": "b" * 64,
    }

    settings = build(prod, deployment="argoweb/test")
    document = yaml.safe_load(render_cloudflared_yml(settings, UUID, audiences))

    assert document["ingress"][-2]["originRequest"]["access"]["audTag"] == ["a" * 64]


def test_values_keep_their_types(prod: dict[str, Any]) -> None:
    prod["cloudflared"] = {
        "edge-ip-version": "4",
        "retries": 7,
        "post-quantum": True,
        "label": "no",
        "tag": ["a=1"],
    }

    document = yaml.safe_load(rendered(prod))

    assert {key: document[key] for key in prod["cloudflared"]} == prod["cloudflared"]


@pytest.mark.parametrize(
    "text",
    ["yes", "0x1f", "1e3", "1_000", "0o17", "2026-11-24", "a: b", "- a", "#x", "&a", "*a", "!x",
     "'q'", '"d"', "back\\slash", "${HOME}", "{x}", "[x]", "é", "\U0001f600", " lead", "trail ", "%",
     "@x", "`x`", "?", "|", ">", "~", "null", ".inf", "<<", "="],
)  # fmt: skip
def test_a_text_comes_back_as_it_was_written(prod: dict[str, Any], text: str) -> None:
    prod["cloudflared"] = {"label": text}

    assert yaml.safe_load(rendered(prod))["label"] == text


def test_the_example_is_valid_for_cloudflared(prod: dict[str, Any], tmp_path: Path) -> None:
    program = real_cloudflared("argoWeb.yml of the example")
    file = tmp_path / "argoWeb.yml"
    file.write_text(rendered(prod))

    result = subprocess.run(
        [program, "tunnel", "--config", file, "ingress", "validate"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "OK"), result.stderr


HOT: list[dict[str, Any]] = [
    {"hostname": "a.example.com", "root": "/srv/a"},
    {"hostname": "b.example.com", "path": "^/api", "service": "http://127.0.0.1:3000"},
    {"hostname": "b.example.com", "root": "/srv/b"},
    {"hostname": "c.example.com", "proxy": "127.0.0.1:1", "originRequest": {"noTLSVerify": True}},
]
INTERNAL = {"internal": True, "noTLSVerify": True}
FILES = {"certificate": "/c", "key": "/k", "noTLSVerify": True}


def rules(values: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """The rules of a stack whose Caddy chooses."""
    found: list[dict[str, Any]] = yaml.safe_load(rendered({**values, "routing": "caddy", **more}))[
        "ingress"
    ]
    return found


def test_where_caddy_chooses_it_gets_all_but_what_has_a_rule_of_its_own(
    prod: dict[str, Any],
) -> None:
    found = rules(prod, sites=HOT)

    assert [(rule.get("hostname"), rule["service"]) for rule in found] == [
        ("b.example.com", "http_status:404"),  # unclean paths
        ("b.example.com", "http://127.0.0.1:3000"),
        ("c.example.com", "http://127.0.0.1:8080"),
        (None, "http://127.0.0.1:8080"),
    ]


def test_there_a_site_of_caddys_changes_nothing_in_the_file(prod: dict[str, Any]) -> None:
    more = [
        {"hostname": "new.example.com", "root": "/srv/new"},
        {"hostname": "a.example.com", "path": "^/x", "redirect": "https://example.com"},
    ]

    assert rules(prod, sites=[*more, *HOT]) == rules(prod, sites=HOT[1:])


@pytest.mark.parametrize(
    ("tls", "reached"),
    [
        (INTERNAL, {"originServerName": "argoweb.internal", "noTLSVerify": True}),
        (FILES, {"matchSNItoHost": True, "noTLSVerify": True}),
    ],
)
def test_there_one_rule_reaches_caddy_by_tls_for_every_hostname(
    prod: dict[str, Any], tls: dict[str, Any], reached: dict[str, Any]
) -> None:
    (rule,) = rules(prod, sites=HOT[:1], caddy={"tls": tls})

    assert rule == {"service": "https://127.0.0.1:8080", "originRequest": reached}


def test_there_a_site_of_cloudflareds_for_all_hostnames_leaves_caddy_nothing_and_that_is_said(
    prod: dict[str, Any],
) -> None:
    prod["sites"] = [*HOT[:1], {"hostname": "*", "service": "http://127.0.0.1:3000"}]

    found = rules(prod)

    assert [rule.get("hostname") for rule in found] == ["a.example.com", None]
    warnings = build({**prod, "routing": "caddy"}, deployment="argoweb/test").warnings
    assert any("argoweb:routing changes nothing" in str(warning) for warning in warnings)
