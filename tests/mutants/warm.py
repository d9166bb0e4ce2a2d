"""Runs tests, each time in a fork of a process that has imported what they need of others.

Its argument is a folder for what the tests print. It reads orders, a JSON a line: `{"tests": [...], "seconds": 60}`. Of
each it says whether the tests passed, as JSON. No module of the product or its tests is imported here, and nothing of
gRPC has begun, which does not survive a fork.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

_PASS = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


class _Chosen:
    """Leaves the chosen tests, in the order in which they were chosen, each by its name or its file.

    Of one whose arguments are others with the mutant, and so its name, all are run.
    """

    def __init__(self, tests: list[str]) -> None:
        self._places = {test: place for place, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        found = {it.nodeid for it in items}
        named = {
            it.partition("[")[0]: place for it, place in self._places.items() if it not in found
        }
        known = named | self._places
        places = [_place_of(it.nodeid, known) for it in items]
        chosen = [n for n, place in enumerate(places) if place is not None]
        items[:] = [items[n] for n in sorted(chosen, key=lambda n: places[n] or 0)]


def _place_of(test: str, known: dict[str, int]) -> int | None:
    names = test, test.partition("[")[0], test.partition("::")[0]
    return next((known[it] for it in names if it in known), None)


class Warm:
    """The process, which remembers what was imported."""

    def __init__(self, folder: Path) -> None:
        self._log, self._imported = folder / "last", folder / "imported"
        sys.path.insert(0, os.getcwd())

    def passed(self, tests: list[str], seconds: float) -> bool:
        """Whether all of these tests pass within this time; where there is none of them, nothing fails."""
        child = os.fork()
        if not child:
            self._run(tests)
        watched = os.pidfd_open(child)
        ended, _, _ = select.select([watched], [], [], seconds)
        os.close(watched)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what the tests have left, or all of it
        _, status = os.waitpid(child, 0)
        return bool(ended) and os.waitstatus_to_exitcode(status) in _PASS

    def remember(self) -> None:
        """Imports what the last run has imported and is neither the product's nor a test."""
        for name in json.loads(self._imported.read_text()):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        gc.freeze()

    def _run(self, tests: list[str]) -> None:
        status = 1
        try:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            files = sorted({test.partition("::")[0] for test in tests})
            options = [
                "-x",
                "-q",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:xdist",
                "--hypothesis-seed=1",
            ]
            options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what is imported
            status = int(pytest.main([*options, *files], plugins=[_Chosen(tests)]))
            here = f"{os.getcwd()}{os.sep}"
            names = [
                name
                for name, module in [*sys.modules.items()]
                if (file := getattr(module, "__file__", None)) and not file.startswith(here)
            ]
            self._imported.write_text(json.dumps(names))
        finally:
            os._exit(status)


def main() -> None:
    """Until there are no more orders; the first one of each file is the one to learn from."""
    warm, seen = Warm(Path(sys.argv[1])), set[str]()
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        print(json.dumps(warm.passed(order["tests"], order["seconds"])), flush=True)
        files = {test.partition("::")[0] for test in order["tests"]}
        if not files <= seen:
            seen |= files
            warm.remember()


if __name__ == "__main__":
    main()
