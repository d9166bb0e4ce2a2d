"""The same answers as the real cloudflared, on the corpus of files that was recorded with it."""

import os
from pathlib import Path

import pytest

from cloudflared.go.urls import UrlError
from importing.file import read
from tests.ingress.corpus import Case, cases
from tests.ingress.judge import Judge, find
from tests.ingress.told import write_told

CASES = cases()
TOLD = Path(__file__).with_name("told.txt")
SAMPLE = 8
"""Every n-th case is asked of a cloudflared on PATH again; `python -m tests.ingress.record` asks all."""


def test_the_corpus_is_large_and_has_files_of_both_kinds() -> None:
    accepted = {case.config for case in CASES if case.accepted}
    refused = {case.config for case in CASES if not case.accepted}

    assert len(accepted) >= 300
    assert len(refused) >= 300


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_is_refused_when_and_only_when_cloudflared_refuses_it(case: Case) -> None:
    refused = [str(problem) for problem in read(case.config.encode()).refused]

    assert (not refused) == case.accepted, (case.says, refused)


@pytest.mark.parametrize("case", [c for c in CASES if c.rules], ids=lambda case: case.name)
def test_a_request_is_taken_by_the_rule_that_cloudflared_takes(case: Case) -> None:
    file = read(case.config.encode())

    def index(url: str) -> int | None:
        try:
            return file.match(url)
        except UrlError:
            return None

    found = {url: index(url) for url in case.urls}
    assert found == dict(zip(case.urls, case.rules, strict=True))
    if case.service is not None:
        service = file.services[file.match(case.urls[0])]
        assert service is not None
        assert service.shown == case.service


def test_what_is_said_of_each_file_is_what_was_read_last() -> None:
    text = write_told((case.name, case.config) for case in CASES)

    if "WRITE" in os.environ:  # as `make messages` does
        TOLD.write_text(text)
    assert text == TOLD.read_text(), "run `make messages` and read what has changed"


def test_the_recorded_answers_are_those_of_the_cloudflared_on_path() -> None:
    judge = find()
    if judge is None:
        pytest.skip(
            "wants the real cloudflared on PATH, so this was NOT CHECKED: that the recorded answers are still its own"
        )

    stale = {case.name: now for case in CASES[::SAMPLE] if (now := _now(judge, case)) != _was(case)}

    assert not stale, "record the corpus again: python -m tests.ingress.record"


def _now(judge: Judge, case: Case) -> str:
    return judge.validate(case.config)


def _was(case: Case) -> str:
    return case.says
