"""The stack's configuration as Pulumi hands it over."""

import json
import shlex
from collections.abc import Sequence
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pulumi
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pulumi.runtime import set_all_config

from settings import FindingsError, Settings, load_settings

KEY = (
    Ed25519PrivateKey.generate()
    .private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    .decode()
)
SECRETS = ("argoweb:sshPrivateKey", "cloudflare:apiToken")


def problems(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], *, encrypted: Sequence[str] = SECRETS
) -> tuple[str, ...]:
    context = copy_context()
    context.run(set_all_config, values, list(encrypted))  # as Pulumi's language host does
    monkeypatch.setattr(pulumi, "get_project", lambda: "argoweb")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    with pytest.raises(FindingsError) as refused:
        context.run(load_settings)
    return refused.value.problems


def loaded(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> Settings:
    context = copy_context()
    context.run(set_all_config, values, list(SECRETS))
    monkeypatch.setattr(pulumi, "get_project", lambda: "argoweb")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    settings, _ = context.run(load_settings)
    return settings


def as_pulumi_has_it(prod: dict[str, Any]) -> dict[str, str]:
    """The example: tables and lists are JSON."""
    given = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in prod.items()
    }
    return {f"argoweb:{key}": text for key, text in given.items()} | {
        "cloudflare:apiToken": "T" * 40,
        "argoweb:sshPrivateKey": KEY,
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
        "argoweb:accountId: found 'x', expected 32 lower-case hexadecimal digits.",
        "argoweb:zones: found 'example.com', expected a list.",
        "argoweb:nixos: found '{', expected a mapping with allowUnfree, configDir, dataDir, instances.",
    )


def test_what_has_to_be_secret_is_refused_in_clear_and_what_is_written_in_clear_is_refused_as_a_secret(
    prod: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    prod["caddy"] = {"globalOptions": "acme_dns cloudflare marked-token"}

    encrypted = ["argoweb:accountId", "argoweb:caddy", "argoweb:sites"]
    found = problems(monkeypatch, as_pulumi_has_it(prod), encrypted=encrypted)

    assert found == (
        "argoweb:accountId: holds an encrypted value, which would be plain in the state and on the servers. "
        "Write it in clear.",
        *(
            f"argoweb:{key}: holds an encrypted value, which would be plain in the state and on the servers. "
            "Write it in clear, or let Caddy read it there: '{env.NAME}', with services.caddy.environmentFile."
            for key in ("sites", "caddy")
        ),
        "argoweb:sshPrivateKey: found it in clear, expected it encrypted. "
        "Set it again: pulumi config set --secret argoweb:sshPrivateKey",
        "cloudflare:apiToken: found it in clear, expected it encrypted. "
        "Set it again: pulumi config set --secret cloudflare:apiToken",
    )


def test_without_an_ssh_key_there_has_to_be_an_agent(
    prod: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    values = as_pulumi_has_it(prod)
    del values["argoweb:sshPrivateKey"]

    assert problems(monkeypatch, values) == (
        "argoweb:sshPrivateKey: missing, and there is no SSH agent (SSH_AUTH_SOCK). "
        "Set it with: pulumi config set --secret argoweb:sshPrivateKey < ~/.ssh/id_ed25519",
    )


@pytest.mark.parametrize("key", ["tunnel.protect", "zones[0].name", "servers.web1.address"])
def test_a_key_that_was_set_without_path_is_told_the_two_commands(
    prod: dict[str, Any], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    values = as_pulumi_has_it(prod) | {f"argoweb:{key}": "x"}

    assert problems(monkeypatch, values) == (
        f"argoweb:{key}: was set without --path. Run: pulumi config rm {shlex.quote(f'argoweb:{key}')}, "
        f"then: pulumi config set --path {shlex.quote(f'argoweb:{key}')} <value>",
    )


def test_sites_of_a_file_follow_those_of_the_stack_file(
    prod: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sites.json").write_text('[{"hostname": "last.example.com", "root": "/srv/www"}]')
    values = as_pulumi_has_it(prod) | {"argoweb:sitesFile": "sites.json"}

    hostnames = loaded(monkeypatch, values).hostnames

    assert hostnames[-1] == "last.example.com"
    assert len(hostnames) == 1 + len(loaded(monkeypatch, as_pulumi_has_it(prod)).hostnames)


def test_an_unknown_key_is_told_the_nearest_one(
    prod: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = as_pulumi_has_it(prod) | {"argoweb:site.hostname": "x", "argoweb:server": "x"}

    first, second = problems(monkeypatch, values)
    assert first.startswith(
        "argoweb:site.hostname: unknown key. Known: accept, access, accountId, "
    )
    assert second == "argoweb:server: unknown key. Did you mean 'servers'?"


def test_a_stack_file_that_pulumi_can_hardly_hand_over_is_warned_of(
    prod: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {}
    for size in (90_000, 100_000):
        monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"": "x" * (size - 8)}))
        warnings = loaded(monkeypatch, as_pulumi_has_it(prod)).warnings
        told[size] = [each.message for each in warnings if each.code == "nearly-too-large"]

    assert told == {
        90_000: [],
        100_000: [
            "the stack's configuration takes 100000 bytes, and Pulumi can hand over some 131072: with more it ends with "
            "'argument list too long'. Write them into a file of their own (argoweb:sitesFile), "
            "or those that differ in their hostname alone as one: hostname: [a.example.com, b.example.com]."
        ],
    }
