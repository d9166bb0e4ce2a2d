"""A laboratory, and a place for the times that are shown and not judged."""

from collections.abc import Iterator

import pytest

from bench.lab import Lab

_TIMES: list[str] = []


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two servers and the three programs; nothing is deployed by itself."""
    lab = Lab(tmp_path_factory.mktemp("lab"), 2)
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def times() -> list[str]:
    """Lines that are shown after the tests."""
    return _TIMES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows the times."""
    if _TIMES:
        terminalreporter.section("times, which are not judged here: make bench")
        for line in _TIMES:
            terminalreporter.line(line)
