"""The shell programs that run on a server."""

import subprocess
from pathlib import Path

import pytest

from components.remote_programs import SERVER_PROGRAM

REMOTE = Path(__file__).resolve().parents[2] / "remote"


@pytest.mark.parametrize("script", ["stage.sh", "launch.sh", "server program"])
def test_a_shell_program_is_clean_for_shellcheck(script: str) -> None:
    text = SERVER_PROGRAM if script == "server program" else (REMOTE / script).read_text()

    result = subprocess.run(
        ["shellcheck", "--shell=bash", "-"], input=text, text=True, capture_output=True, check=False
    )

    assert result.returncode == 0, result.stdout


def stage(*words: str, stdin: str = "") -> None:
    subprocess.run(
        ["bash", "-c", (REMOTE / "stage.sh").read_text(), "stage.sh", *words],
        input=stdin,
        text=True,
        check=True,
    )


def test_a_staged_file_is_whole_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    target = tmp_path / "staging" / "a file"

    stage("put", str(target), "0", stdin="text with 'quotes' and\nlines\n")

    assert target.read_text() == "text with 'quotes' and\nlines\n"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["a file"]


def test_a_dropped_file_takes_its_empty_folder_with_it_and_may_be_gone_already(
    tmp_path: Path,
) -> None:
    target = tmp_path / "staging" / "file"
    other = tmp_path / "other"
    other.touch()
    stage("put", str(target), stdin="x")

    stage("drop", str(target))
    stage("drop", str(target))

    assert list(tmp_path.iterdir()) == [other]
