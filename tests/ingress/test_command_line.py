"""`python -m ingress`, as somebody types it, and the document about it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ingress.__main__ import main
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


Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Typed:
    """The status of a command in the folder of the file, and what it prints as output and as errors."""
    monkeypatch.chdir(config.parent)
    return lambda *words: (main(words), *capsys.readouterr())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            [],
            [
                "usage: python -m ingress [-h] {check,rule,import} ...",
                "For configuration files of cloudflared: `python -m ingress check|rule|import`; ",
                "check what cloudflared refuses, and the traps",
                "rule which rule takes a request",
                "import the stack file that does the same",
            ],
        ),
        (
            ["check"],
            [
                "usage: python -m ingress check [-h] [--json] [--strict] FILE [FILE ...]",
                "--json a list with an object for each file",
                "--strict status 1 for warnings too",
            ],
        ),
        (["rule"], ["usage: python -m ingress rule [-h] FILE URL"]),
        (["import"], ["usage: python -m ingress import [-h] FILE"]),
    ],
)
def test_each_command_says_how_it_is_typed_and_what_it_does(
    words: list[str],
    said: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    with pytest.raises(SystemExit):
        main([*words, "--help"])

    found = f" {' '.join(capsys.readouterr().out.split())} "
    assert [each for each in said if f" {each.strip()} " not in found] == []


def test_without_a_command_it_says_that_one_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])

    assert ended.value.code == 2
    assert "the following arguments are required: command" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "lines"),
    [
        (
            "https://www.example.com/admin/x",
            [
                "Matched rule #0",
                "\thostname: www.example.com",
                "\tpath: /admin",
                "\tservice: http://localhost:8081",
            ],
        ),
        (
            "https://www.example.com/",
            ["Matched rule #1", "\thostname: *.example.com", "\tservice: http://localhost:8080"],
        ),
        ("https://example.org", ["Matched rule #3", "\tservice: http_status:404"]),
    ],
)
def test_the_rule_that_takes_a_request_is_shown_as_cloudflared_shows_it(
    typed: Typed, url: str, lines: list[str]
) -> None:
    status, out, err = typed("rule", "config.yml", url)

    assert (status, err) == (0, "")
    assert out.splitlines() == ["Using rules from config.yml", *lines]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["check", "nowhere.yml"], "nowhere.yml: No such file or directory"),
        (["import", "nowhere.yml"], "nowhere.yml: No such file or directory"),
        (["rule", "nowhere.yml", "https://a.example.com"], "nowhere.yml: No such file or directory"),
        (
            ["rule", "config.yml", "www.example.com"],
            "found 'www.example.com', expected a URL, which has no such thing as a URL without a host; does it lack its "
            "'https://'?",
        ),
    ],
)  # fmt: skip
def test_what_is_in_the_way_is_said_as_an_error_and_nothing_else(
    typed: Typed, command: list[str], said: str
) -> None:
    _, out, err = typed(*command)

    assert (out, err) == ("", f"{said}\n")


@pytest.mark.parametrize("command", [["rule", "https://a.example.com"], ["import"]])
def test_why_cloudflared_refuses_a_file_is_said_line_by_line(
    config: Path, typed: Typed, command: list[str]
) -> None:
    config.write_text(REFUSED)

    status, out, err = typed(command[0], "config.yml", *command[1:])

    assert (status, out) == (1, "")
    assert [line.partition(" ")[:2] for line in err.splitlines()] == [("config.yml:", " ")] * 2
    assert [line.split()[1] for line in err.splitlines()] == ["ingress[0]:", "ingress[0].service:"]


def test_what_only_other_commands_of_cloudflareds_take_is_looked_at_where_they_are_meant(
    config: Path, typed: Typed
) -> None:
    """`url` beside rules, which `ingress rule` takes; one service without rules, which `tunnel run` does."""
    config.write_text(f"url: http://localhost:1\n{CONFIG}")
    asked = typed("rule", "config.yml", "https://app.example.com")
    moved = typed("import", "config.yml")
    config.write_text("url: http://localhost:3000\n")
    refused = typed("rule", "config.yml", "https://app.example.com")
    old_form = typed("import", "config.yml")

    assert [asked[0], moved[0], refused[0], old_form[0]] == [0, 0, 1, 0]


def test_json_is_laid_out_for_people_too(config: Path, typed: Typed) -> None:
    config.write_text("ingress:\n  - service: http_status:404\n")

    _, out, _ = typed("check", "--json", "config.yml")

    assert out.splitlines()[:3] == ["[", "  {", '    "file": "config.yml",']


def test_strict_makes_a_warning_count(config: Path, typed: Typed) -> None:
    config.with_name("clean.yml").write_text("ingress:\n  - service: http_status:404\n")
    statuses = [
        typed("check", *words)[0]
        for words in (["config.yml"], ["--strict", "config.yml"], ["--strict", "clean.yml"])
    ]

    assert statuses == [0, 1, 0]


def test_a_file_may_have_a_name_that_is_no_text(config: Path) -> None:
    name = config.parent / os.fsdecode(b"\xff.yml")
    name.write_text(CONFIG)

    ran = subprocess.run(
        [sys.executable, "-m", "ingress", "check", name],
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        timeout=300,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.endswith(b"/\xff.yml: cloudflared takes it\n")


def test_a_python_without_the_packages_says_which_one_has_them(config: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "ingress", "check", str(config)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"This Python ({sys.executable}) has no package yaml. Use ")


def test_the_status_is_1_for_a_file_that_cloudflared_refuses_and_2_for_one_that_is_not_there(
    config: Path, typed: Typed
) -> None:
    config.with_name("refused.yml").write_text(REFUSED)

    statuses = [
        typed("check", *files)[0]
        for files in (["config.yml"], ["config.yml", "refused.yml"], ["nowhere.yml", "refused.yml"])
    ]

    assert statuses == [0, 1, 2]
    assert typed("rule", "refused.yml", "https://a.example.com")[0] == 1
    assert typed("rule", "nowhere.yml", "https://a.example.com")[0] == 2
    assert typed("rule", "config.yml", "www.example.com")[0] == 1
    assert typed("import", "refused.yml")[0] == 1
    assert typed("import", "nowhere.yml")[0] == 2


def test_what_is_imported_is_the_output_and_what_is_not_carried_over_an_error(
    typed: Typed,
) -> None:
    status, out, err = typed("import", "config.yml")

    assert status == 0
    assert out.startswith("# Set what is not here, ")
    assert out.endswith("\n")
    assert not out.endswith("\n\n")
    assert err.splitlines()
    assert {line[:30] for line in err.splitlines()} == {"config.yml: not carried over: "}


def test_a_trap_is_a_warning_with_its_line_and_place(typed: Typed) -> None:
    status, out, _ = typed("check", "config.yml")

    *warnings, verdict = out.splitlines()
    assert (status, verdict) == (0, "config.yml: cloudflared takes it")
    assert warnings
    assert [line for line in warnings if not re.match(r"config\.yml:\d+: warning: \w", line)] == []
