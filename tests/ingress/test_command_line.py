"""`python -m ingress`, as somebody types it, and the document about it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.engine.documents import blocks

DOCUMENT = ROOT / "docs" / "ingress.md"
CONFIG = """\
tunnel: 6ff42ae2-765d-4adf-8112-31c55c1551ef
credentials-file: /var/lib/argoWeb/6ff42ae2-765d-4adf-8112-31c55c1551ef.json

ingress:
  - hostname: www.example.com
    path: /admin
    service: http://localhost:8081

  - hostname: "*.example.com"
    service: http://localhost:8080

  - hostname: app.example.com
    service: https://localhost:8443
    originRequest: {noTlsVerify: true}

  - service: http_status:404
"""
REFUSED = "ingress:\n  - hostname: a.example.com\n    service: localhost:8000\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    path.write_text(CONFIG)
    return path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ingress", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def printed_examples() -> list[str]:
    """What the document says the commands print, in its order."""
    found = re.findall(r"^```(.*?)\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return [text for language, text in found if not language]


def test_the_documents_commands_print_what_it_says(config: Path) -> None:
    commands = [shlex.split(line) for block in blocks(DOCUMENT) for line in block]
    ran: dict[str, list[subprocess.CompletedProcess[str]]] = {}
    for python, dash_m, package, *arguments in commands:
        assert (python, dash_m, package) == ("python", "-m", "ingress")
        ran.setdefault(arguments[0], []).append(run(config.parent, *arguments))

    check, strict = ran["check"]
    (rule,) = ran["rule"]
    (moved,) = ran["import"]
    assert [check.stdout, rule.stdout, moved.stdout] == printed_examples()
    assert [ran.returncode for ran in (check, strict, rule, moved)] == [0, 1, 0, 0]
    assert moved.stderr.startswith("config.yml: not carried over: ingress[2].originRequest.noTlsV")
    assert json.loads(strict.stdout)[0]["valid"] is True


def test_the_status_is_1_for_a_file_that_cloudflared_refuses_and_2_for_one_that_is_not_there(
    config: Path,
) -> None:
    config.with_name("refused.yml").write_text(REFUSED)

    statuses = [
        run(config.parent, "check", *files).returncode
        for files in (["config.yml"], ["config.yml", "refused.yml"], ["nowhere.yml", "refused.yml"])
    ]

    assert statuses == [0, 1, 2]
    assert run(config.parent, "rule", "refused.yml", "https://a.example.com").returncode == 1
    assert run(config.parent, "rule", "nowhere.yml", "https://a.example.com").returncode == 2
    assert run(config.parent, "rule", "config.yml", "www.example.com").returncode == 1
    assert run(config.parent, "import", "refused.yml").returncode == 1
    assert run(config.parent, "import", "nowhere.yml").returncode == 2


def test_each_problem_is_said_with_its_file_line_and_place(config: Path) -> None:
    config.write_text(REFUSED)

    said = run(config.parent, "check", "config.yml")

    assert said.stdout.splitlines() == [
        "config.yml:2: error: ingress[0]: is the last rule, which has to take every request. "
        "Add one without hostname and path.",
        "config.yml:3: error: ingress[0].service: found 'localhost:8000', expected a service: "
        "http(s)://host:port, unix:/path, unix+tls:/path, tcp://, ssh://, rdp://, smb://, "
        "http_status:404, hello_world, bastion or socks-proxy; perhaps 'http://localhost:8000'.",
        "config.yml: cloudflared refuses it",
    ]
    assert said.stderr == ""


def test_json_has_every_file_with_its_problems(config: Path) -> None:
    config.with_name("refused.yml").write_text("ingress: [\n")

    said = json.loads(
        run(config.parent, "check", "--json", "refused.yml", "nowhere.yml", "config.yml").stdout
    )

    assert said[0] == {
        "file": "refused.yml",
        "valid": False,
        "problems": [
            {
                "severity": "error",
                "code": "unreadable",
                "line": 2,
                "where": "",
                "text": "expected the node content, but found '<stream end>'.",
                "remedy": "",
            }
        ],
    }
    assert said[1] == {"file": "nowhere.yml", "unreadable": "No such file or directory"}
    assert said[2]["valid"]
    assert {problem["severity"] for problem in said[2]["problems"]} == {"warning"}


def test_a_reader_that_has_had_enough_is_no_news(config: Path) -> None:
    reads, writes = os.pipe()
    os.close(reads)

    ran = subprocess.run(
        [sys.executable, "-m", "ingress", "check", str(config)],
        env={"PYTHONPATH": str(ROOT)},
        stdout=writes,
        stderr=subprocess.PIPE,
        timeout=300,
        check=False,
    )
    os.close(writes)

    assert (ran.stderr, ran.returncode) == (b"", -signal.SIGPIPE)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "tunnel: a\ntunnel: b\n",
            ["config.yml:2: error: tunnel: is there twice, first in line 1. Remove one of them."],
        ),
        (
            "ingress:\n  - service:http_status:404\n",
            [
                "config.yml:2: error: ingress[0]: found 'service:http_status:404', expected a mapping with hostname, originRequest, path, service."
            ],
        ),
        (
            "url: http://localhost:3000\n",
            [
                "config.yml:1: error: ingress: missing: the file is of the old form for one service, which `tunnel run` "
                "takes and `ingress validate` does not. Write the service as a rule, `- service: …` below `ingress`; in a "
                "stack as a site with its `hostname`.",
            ],
        ),
    ],
)
def test_of_what_cannot_be_read_the_cause_is_said_and_not_what_is_missing_for_it(
    config: Path, text: str, problems: list[str]
) -> None:
    config.write_text(text)

    said = run(config.parent, "check", "config.yml")

    assert said.stdout.splitlines() == [*problems, "config.yml: cloudflared refuses it"]
