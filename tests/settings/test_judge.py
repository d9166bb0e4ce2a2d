"""A stack file judged by itself says what a preview says, with lines."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings.judge import judge
from tests.conftest import ROOT
from tests.settings.messages import _ABSENT as ABSENT
from tests.settings.messages import ROWS, changed, findings

CREDENTIALS = {"CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "SSH_AUTH_SOCK"}
SECRET = {"secure": "v1:AAAA:BBBB"}


def as_file(values: dict[str, Any], **more: Any) -> bytes:
    config = {key if ":" in key else f"argoweb:{key}": value for key, value in values.items()}
    return yaml.safe_dump({"config": config, **more}, sort_keys=False).encode()


def messages(data: bytes) -> list[str]:
    return [str(finding) for finding in judge(data, "prod", Path())]


def check(
    *words: str, module: str = "settings", folder: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    bare = {key: value for key, value in os.environ.items() if key not in CREDENTIALS}
    return subprocess.run(
        [sys.executable, "-m", module, "check", *words],
        cwd=folder,
        env={**bare, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


NESTED = [row for row in ROWS if "." in row["place"]][::3]
"""Every third one: how a file is read is the same for all."""


@pytest.mark.parametrize("row", NESTED, ids=range(len(NESTED)))
def test_a_mistake_earns_what_the_preview_says(prod: dict[str, Any], row: dict[str, Any]) -> None:
    file = as_file(changed(prod, row["place"], row.get("value", ABSENT)))

    assert messages(file) == list(map(str, findings(row)))


@pytest.mark.parametrize(
    "value", ["00000000000000000000000000000000", "01234567890123456789012345678901"]
)
def test_digits_alone_are_a_text_as_they_are_for_pulumi(prod: dict[str, Any], value: str) -> None:
    text = as_file(prod).replace(prod["accountId"].encode(), value.encode(), 1)

    assert messages(text) == []


def test_what_is_encrypted_is_not_asked_for_and_not_missed(prod: dict[str, Any]) -> None:
    secrets = {"cloudflare:apiToken": SECRET, "sshPrivateKey": SECRET, "tunnelSecret": SECRET}

    assert messages(as_file({**prod, **secrets})) == []


def test_secrets_in_clear_and_what_has_to_be_clear_are_told_without_their_value(
    prod: dict[str, Any],
) -> None:
    prod["sites"].append({"hostname": "a.example.com", "caddyfile": SECRET})
    found = messages(as_file({**prod, "cloudflare:apiToken": "T" * 40, "sshPrivateKey": "hidden"}))

    assert {message.partition(",")[0].partition(".")[0] for message in found} >= {
        "argoweb:sites: holds an encrypted value",
        "argoweb:sshPrivateKey: found it in clear",
        "cloudflare:apiToken: found it in clear",
    }
    assert "T" * 40 not in "".join(found)
    assert "hidden" not in "".join(found)


def test_each_finding_has_the_line_of_its_value(prod: dict[str, Any]) -> None:
    prod["sites"][1]["hostname"] = "www.example.net"
    prod["tunnel"]["nam"] = "x"
    data = as_file(prod)

    lines = {finding.place: finding.line for finding in judge(data, "prod", Path())}

    text = ["", *data.decode().splitlines()]
    assert "www.example.net" in text[lines["argoweb:sites[1].hostname"]]
    assert "nam: x" in text[lines["argoweb:tunnel.nam"]]


def test_what_an_environment_may_set_is_not_missed(prod: dict[str, Any]) -> None:
    del prod["accountId"]

    assert len(messages(as_file(prod))) == 1
    assert messages(as_file(prod, environment=["ours"])) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "this is no YAML"),
        ("", "found no mapping `config`"),
        ("config: 5", "found no mapping `config`"),
        ("- config", "found no mapping `config`"),
        ("config:\n  argoweb:zones: &a [*a]", "this is no YAML"),
    ],
)
def test_what_is_no_stack_file_is_unreadable(text: str, expected: str) -> None:
    found = judge(text.encode(), "prod", Path())

    assert expected in str(found[0])


SITES = """
- hostname: one.example.com
  root: /srv/one
- hostname: two.example.com
  path: ^/x
"""


def of_file(prod: dict[str, Any], folder: Path, text: str) -> list[tuple[str, str]]:
    """What is found in a stack whose sites are in a file: codes and texts."""
    (folder / "sites.yaml").write_text(text)
    del prod["sites"]
    data = as_file(prod | {"sitesFile": "sites.yaml"})
    return [(it.code, f"{it}") for it in judge(data, "prod", folder)]


def test_what_is_wrong_with_a_site_of_a_file_of_its_own_is_found_there(
    prod: dict[str, Any], tmp_path: Path
) -> None:
    found = of_file(prod, tmp_path, SITES)

    assert ("backend", "sites.yaml[1]") in [(code, text.partition(":")[0]) for code, text in found]


def test_a_missing_key_of_such_a_site_is_written_by_hand(
    prod: dict[str, Any], tmp_path: Path
) -> None:
    ((code, text),) = of_file(prod, tmp_path, "[{root: /srv/one}]")

    assert code == "missing-key"
    assert text.endswith("Set it with: `hostname: <value>` at sites.yaml[0]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sites: []", "sites.yaml has no list."),
        ("", "sites.yaml has no list."),
        ("[", "sites.yaml is no YAML, in line 1"),
    ],
)
def test_a_file_of_sites_that_is_none_is_named(
    prod: dict[str, Any], tmp_path: Path, text: str, said: str
) -> None:
    ((code, found),) = of_file(prod, tmp_path, text)

    assert code == "sites-file"
    assert found.startswith(f"argoweb:sitesFile: {said}")


def test_a_file_of_sites_that_is_not_there_is_named(prod: dict[str, Any], tmp_path: Path) -> None:
    (found,) = judge(as_file(prod | {"sitesFile": "no.yaml"}), "prod", tmp_path)

    assert str(found) == "argoweb:sitesFile: no.yaml cannot be read: No such file or directory."


def test_a_key_that_is_there_twice_is_told_alone() -> None:
    found = judge(b"config:\n  argoweb:zones: []\n  argoweb:zones: []\n", "prod", Path())

    assert [(each.kind.code, each.line) for each in found] == [("key-twice", 3)]


@pytest.mark.parametrize("module", ["settings", "argoweb"])
def test_the_example_is_clean_by_either_command_whatever_the_shell_has(module: str) -> None:
    found = check("Pulumi.prod.yaml", module=module, CLOUDFLARE_API_TOKEN="in no form")

    assert (found.returncode, found.stdout) == (0, "Pulumi.prod.yaml: 0 errors, 0 warnings\n")
    assert found.stderr == ""


def test_errors_give_1_and_what_cannot_be_read_gives_2(
    prod: dict[str, Any], tmp_path: Path
) -> None:
    doubtful = changed(
        changed(prod, "servers.web1.insecureHostKey", True), "servers.web1.hostKey", ABSENT
    )
    files = {"good": prod, "bad": changed(prod, "tunnel.name", 5), "doubtful": doubtful}
    for name, values in files.items():
        (tmp_path / f"Pulumi.{name}.yaml").write_bytes(as_file(values))
    (tmp_path / "Pulumi.broken.yaml").write_text("a: [")

    def code(*words: str) -> int:
        return check(*words, folder=tmp_path).returncode

    assert [code(f"Pulumi.{name}.yaml") for name in (*files, "broken", "none")] == [0, 1, 0, 2, 2]
    assert code("--strict", "Pulumi.doubtful.yaml") == 1
    assert code() == 2  # all of them


def test_json_has_each_file_with_the_codes_of_its_findings(
    prod: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.a.yaml").write_bytes(as_file(changed(prod, "tunnel.nam", "x")))

    found = check("--json", folder=tmp_path)

    (file,) = json.loads(found.stdout)
    (problem,) = file["problems"]
    assert (file["file"], file["valid"]) == ("Pulumi.a.yaml", False)
    assert (problem["code"], problem["severity"], problem["where"]) == (
        "unknown-key", "error", "argoweb:tunnel.nam"
    )  # fmt: skip
    assert problem["line"] > 0
