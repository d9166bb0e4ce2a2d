"""argoWeb.yml, read back by a YAML reader and judged by cloudflared where it is present."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from render import cloudflared_yml
from settings.build import build
from tests.real import real_cloudflared

UUID = "6ff42ae2-765d-4adf-8112-31c55c1551ef"


def rendered(values: dict[str, Any]) -> str:
    return cloudflared_yml(build(values, deployment="argoweb/test"), UUID)


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
