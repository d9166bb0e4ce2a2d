"""The stack's configuration as Pulumi hands it over."""

import json
from typing import Any

import pulumi
import pytest

from settings import SettingsError, load


def problems(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> tuple[str, ...]:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(values))
    monkeypatch.setattr(pulumi, "get_project", lambda: "argoweb")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    with pytest.raises(SettingsError) as refused:
        load()
    return refused.value.problems


def as_pulumi_has_it(prod: dict[str, Any]) -> dict[str, str]:
    """The example: tables and lists are JSON."""
    given = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in prod.items()
    }
    return {f"argoweb:{key}": text for key, text in given.items()} | {
        "cloudflare:apiToken": "T" * 40,
        "argoweb:sshPrivateKey": "key",
    }


def test_a_text_where_a_table_or_list_has_to_be_is_reported_with_all_else(
    prod: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = as_pulumi_has_it(prod) | {
        "argoweb:zones": "example.com",
        "argoweb:nixos": "{",
        "argoweb:accountId": "x",
    }

    assert problems(monkeypatch, values) == (
        "argoweb:accountId: found 'x', expected 32 hexadecimal digits.",
        "argoweb:zones: found 'example.com', expected a list.",
        "argoweb:nixos: found '{', expected a mapping with allowUnfree, configDir, dataDir, instances.",
    )
