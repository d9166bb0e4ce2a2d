"""A plugin of pytest's that writes down which lines of the product each test runs, and how long it takes.

What runs in another process than the test's is not seen.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import Coverage

from tests.mutants.rooms import PYTHON

FOLDER = "MUTANTS_FOLDER"
"""The environment variable that says in which folder to write."""


class _Contexts:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._coverage = Coverage(
            data_file=str(folder / "lines"), config_file=False, include=list(PYTHON)
        )
        self._coverage.set_option("run:relative_files", True)
        self._coverage.start()
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        begun = time.monotonic()
        result = yield
        self._seconds[item.nodeid] = time.monotonic() - begun
        self._coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        self._coverage.save()
        (self._folder / "seconds.json").write_text(
            json.dumps({it: took for it, took in self._seconds.items() if it not in self._failed})
        )


def pytest_configure(config: pytest.Config) -> None:
    """Begins before the tests are imported, which import the product."""
    config.pluginmanager.register(_Contexts(Path(os.environ[FOLDER])))
