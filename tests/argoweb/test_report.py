"""Codes, lines and exit codes."""

import subprocess

import pytest

from argoweb.programs import LOGS_PARTS, REPORT_PARTS, read_source, write_report_program
from argoweb.report import choose_exit_code, observe
from tests.argoweb.shells import shellcheck
from values.findings import KINDS

DIFFERS, UNKNOWN, BROKEN = "file-edited", "server-unreachable", "origin-error"


@pytest.mark.parametrize(
    ("codes", "all_of_it", "differences"),
    [
        ([], 0, 0),
        ([DIFFERS], 1, 1),
        ([UNKNOWN], 2, 2),
        ([UNKNOWN, DIFFERS], 1, 1),
        ([BROKEN], 1, 0),
        (["tunnel-not-made"], 0, 0),
    ],
)
def test_the_exit_code_follows_from_the_lines(
    codes: list[str], all_of_it: int, differences: int
) -> None:
    lines = [observe(code, "web1", "it is so") for code in codes]

    assert choose_exit_code(lines) == all_of_it
    assert choose_exit_code(lines, only_differences=True) == differences


def test_every_code_that_is_not_good_says_what_to_do() -> None:
    assert [it.code for it in KINDS.values() if it.running is not None and not it.remedy] == []


@pytest.mark.parametrize(
    ("parts", "start"), [(REPORT_PARTS, "report"), (LOGS_PARTS, "logs /var/lib/argoWeb no")]
)
def test_a_program_for_servers_is_clean_for_shellcheck(parts: tuple[str, ...], start: str) -> None:
    assert shellcheck(f"{read_source(parts)}\n{start}\n") == ""


def test_of_a_report_program_that_was_cut_off_nothing_runs() -> None:
    text = write_report_program()

    for length in (0, len(text) // 2, len(text) - 3):
        result = subprocess.run(
            ["bash", "-s"], input=text[:length], text=True, capture_output=True, check=False
        )
        assert result.stdout == ""
