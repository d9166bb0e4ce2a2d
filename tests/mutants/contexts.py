"""A plugin of pytest's that writes down what of the product each test runs, and how long it takes.

Of Python these are lines; of another process than the test's it is seen that there is one. Of shell programs these are
functions, which bash tells of each process that it starts, and of the server's program lines.
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from coverage import Coverage

from tests.mutants.lines import function_of
from tests.mutants.rooms import PYTHON

FOLDER = "MUTANTS_FOLDER"
"""The environment variable that says in which folder to write."""
PROCESS = "a process of Python"
"""What stands among the functions of a test that starts one."""
_TRACE = "MUTANTS_TRACE"
_TOLD = r"""if : 2>/dev/null >>"$MUTANTS_TRACE"; then
  exec 199>>"$MUTANTS_TRACE"
  BASH_XTRACEFD=199 PS4=$'\1${FUNCNAME[0]-${0##*/}} $LINENO ${BASH_SOURCE[0]-} '
  set -x
fi
"""
"""What bash does first, so that it tells each command's function, or its program where it stands in none, and its line.

A bash of another user, who cannot write there, tells nothing, and says nothing of that where a test would read it.
"""
_COMMAND = re.compile(r"^\x01+([\w.-]+) (\d+) (\S*) ", re.MULTILINE)
_PROGRAM = "server.sh"
"""What the server's program is called wherever it runs."""
_Command = tuple[str, str, str]
"""The function of a command, its line and its file."""


def name_commands(commands: Iterable[_Command], program: str) -> set[str]:
    """Each command of the server's program by its function and the text of its line, any other one by its function."""
    known = _name_lines(program)
    return {
        known.get((function, number), function) if Path(file).name == _PROGRAM else function
        for function, number, file in commands
    }


@cache
def _name_lines(program: str) -> dict[tuple[str, str], str]:
    """What each line of a program is called, by its function and number; made once, not for each of 3,000 tests."""
    return {
        (function, str(number)): f"{function}: {text.strip()}"
        for number, text in enumerate(program.splitlines(), start=1)
        if (function := function_of(program, number))
    }


class _Contexts:
    def __init__(self, folder: Path, worker: str) -> None:
        self._folder, self._worker = folder, worker
        self._coverage = Coverage(
            data_file=str(folder / "lines"),
            data_suffix=worker,
            config_file=False,
            include=list(PYTHON),
        )
        self._coverage.set_option("run:relative_files", True)
        self._coverage.start()
        self._seconds: dict[str, float] = {}
        self._commands: dict[str, set[_Command]] = {}
        self._started: set[str] = set()
        self._failed: set[str] = set()
        self._processes = 0
        sys.addaudithook(self._hear)
        told, self._trace = folder / f"{worker}.sh", folder / f"{worker}.trace"
        told.write_text(_TOLD)
        os.environ.update({"BASH_ENV": str(told), _TRACE: str(self._trace)})

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        begun, processes = time.monotonic(), self._processes
        result = yield
        self._seconds[item.nodeid] = time.monotonic() - begun
        self._coverage.switch_context("")
        if self._processes > processes:
            self._started.add(item.nodeid)
        if self._trace.exists():
            told = self._trace.read_text(errors="replace")
            self._commands[item.nodeid] = {*_COMMAND.findall(told)}
            self._trace.unlink()
        return result

    def _hear(self, event: str, of: tuple[object, ...]) -> None:
        if event == "subprocess.Popen" and "python" in Path(str(of[0])).name:
            self._processes += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        self._coverage.save()
        passed = {it: took for it, took in self._seconds.items() if it not in self._failed}
        from components.remote_programs import SERVER_PROGRAM  # only now that nobody measures

        functions = {
            it: sorted(
                name_commands(self._commands.get(it, ()), SERVER_PROGRAM)
                | ({PROCESS} if it in self._started else set())
            )
            for it in passed
        }
        told = {"seconds": passed, "functions": functions}
        (self._folder / f"{self._worker}.json").write_text(json.dumps(told))


def pytest_configure(config: pytest.Config) -> None:
    """Begins before the tests are imported, which import the product."""
    worker = getattr(config, "workerinput", {}).get("workerid")
    if worker:
        config.pluginmanager.register(_Contexts(Path(os.environ[FOLDER]), worker))
