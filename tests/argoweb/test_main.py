"""The command line itself: help, and what it needs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from argoweb.__main__ import COMMANDS, main
from settings.contract import VERSION
from tests.conftest import ROOT
from values.findings import write_count

HELP = Path(__file__).with_name("help.txt")


def test_the_help_of_all_commands_is_what_was_read_last(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    for words in ([], *([command] for command in COMMANDS)):
        with pytest.raises(SystemExit):
            main([*words, "--help"])

    # Python 3.13 names the value of `-n LINES, --lines LINES` once, so that its line has room for more.
    text = re.sub(r"(-\w) [A-Z]+, --", r"\1, --", capsys.readouterr().out)
    text = re.sub(r" {3,}", "  ", re.sub(r"\n {20,}", "  ", text))
    if "WRITE" in os.environ:  # as `make messages` does
        HELP.write_text(text)
    assert text == HELP.read_text(), "run `make messages` and read what has changed"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_has_its_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert "Exit codes:" in text
    assert "--json" in text or command == "ssh"


def test_the_document_has_a_chapter_for_every_command() -> None:
    text = (ROOT / "docs/commands.md").read_text()

    assert [command for command in COMMANDS if f"\n## {command}\n" not in text] == []


def test_the_version_is_said_and_the_list_of_changes_begins_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    heading = next(
        line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")
    )
    assert (ended.value.code, capsys.readouterr().out) == (0, f"argoweb {VERSION}\n")
    assert heading.startswith(f"## {VERSION}")


@pytest.mark.parametrize("words", [["nothing"], ["drift", "--stakc", "x"], []])
def test_what_is_no_command_ends_with_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 errors"), (1, "1 error"), (2, "2 errors"), (21, "21 errors")]
)
def test_one_of_a_thing_has_no_plural(number: int, text: str) -> None:
    assert write_count(number, "error") == text


def without_packages(*words: str) -> subprocess.CompletedProcess[str]:
    hidden = "import sys; sys.modules.update(dict.fromkeys(('asyncssh', 'rich', 'questionary')))"
    program = f"{hidden}; from argoweb.__main__ import main; sys.exit(main({[*words]!r}))"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_check_needs_none_of_the_packages_that_the_others_name() -> None:
    missing, check = without_packages("drift"), without_packages("check", "Pulumi.prod.yaml")

    assert missing.returncode == 2
    assert missing.stderr == (
        "This command needs asyncssh: .venv/bin/pip install -r requirements-cli.txt\n"
    )
    assert check.returncode == 0
