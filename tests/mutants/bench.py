"""A copy of the project in which one file at a time is wrong."""

import itertools
import json
import math
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import SequenceMatcher
from pathlib import Path

from coverage import Coverage
from coverage.numbits import num_in_numbits
from coverage.parser import PythonParser

from tests.mutants import contexts, lines, warm
from tests.mutants.mutant import Mutant
from tests.mutants.rooms import PYTHON, TESTS, room_of

_FIRST, _ALL = 6.0, 90.0
"""How many seconds of tests are run before the others, and in all, by how long each took when it was measured. Of what
runs in no Python all are run: the tests that look at it from its beginning to its end are slow ones."""
_SEES_MOST = re.compile("_read_last|_as_go_reads_it")
"""What is in the name of a test that compares all that is said with what was read last, or by Go."""
_SLOWER = 10
"""How many times slower a run may be than that before it counts as one that never ends."""
_STARTS = 120.0
"""How many seconds a run may take to begin."""


class Bench:
    """The copy, and what each test of it is known to run.

    `measured` is a folder for what was measured, which is taken as it is for the very same files, and with `stale` for
    any. `tests` are all that may be run; `first` those that are run before all others of each mutant.
    """

    def __init__(
        self,
        root: Path,
        folder: Path,
        measured: Path,
        tests: list[str],
        first: list[str],
        *,
        stale: bool,
    ) -> None:
        self._folder, self._measured, self._first_of_all = folder, measured, first
        for file in _run(["git", "ls-files", "-co", "--exclude-standard"], root).splitlines():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / file, folder / file)
        _run(["git", "init", "-q"], folder)
        _run(["git", "add", "-A"], folder)
        self._measure(tests, _run(["git", "write-tree"], folder), stale=stale)
        told = [json.loads(it.read_text()) for it in measured.glob("*.json")]
        self._seconds: dict[str, float] = {k: v for it in told for k, v in it["seconds"].items()}
        self._functions: dict[str, set[str]] = {
            k: set(v) for it in told for k, v in it["functions"].items()
        }
        if stale:
            self._leave_out_renamed(tests)
        self._lines = sqlite3.connect(measured / "lines")
        self._warm = subprocess.Popen(
            [sys.executable, "-W", "ignore", warm.__file__, str(measured.resolve())],
            cwd=folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._times = itertools.count(int((folder / "Makefile").stat().st_mtime) + 1)

    def survives(self, mutant: Mutant) -> bool:
        """Whether all tests pass that run the changed line."""
        tests = self._tests(mutant)
        # What sees most is always run: it takes long only where it is measured.
        sums = list(
            itertools.accumulate(0 if _SEES_MOST.search(it) else self._seconds[it] for it in tests)
        )
        limits = _FIRST, _ALL if mutant.file.endswith(".py") else math.inf
        first, end = (sum(it <= limit for it in sums) for limit in limits)
        with self._changed(mutant):
            parts = (self._first_of_all, tests[:first], tests[first : max(end, 1)])
            return all(self._pass(part) for part in parts if part)

    def must_pass(self, file: str) -> None:
        """Tries a test of a file as it is.

        Raises:
            SystemExit: if it fails, so that no mutant of it could survive.
        """
        tests = [*self._first_of_all, *self._tests(Mutant(file, "", "", "", 0))[:1]]
        if not tests:
            sys.exit(f"{file}: no test of it is known: measure again, without STALE")
        if not self._pass(tests):
            sys.exit(f"{file}: a test fails without any mutant, see {self._measured / 'last'}")

    def close(self) -> None:
        """Ends the process that runs the tests."""
        self._warm.communicate()

    def _tests(self, mutant: Mutant) -> list[str]:
        """Those that run the line or its function, else those of its room; first what sees most, then quick ones."""
        found = set[str]()
        if mutant.file.endswith(".py"):
            found = self._of_python(mutant)
        elif mutant.file.endswith(".sh"):
            found = self._of_shell(mutant)
        found &= self._seconds.keys()
        rooms = TESTS[room_of(mutant.file)]
        return sorted(
            found or (it for it in self._seconds if it.startswith(rooms)),
            key=lambda it: (not _SEES_MOST.search(it), self._seconds[it]),
        )

    def _of_python(self, mutant: Mutant) -> set[str]:
        rows = self._lines.execute(
            "SELECT context.context, numbits FROM line_bits JOIN context ON context.id = context_id"
            " JOIN file ON file.id = file_id WHERE file.path = ?",
            (mutant.file,),
        ).fetchall()
        before = (self._measured / mutant.file).read_text()
        after, place = mutant.text.splitlines(), mutant.line - 1
        parts = SequenceMatcher(None, before.splitlines(), after, autojunk=False).get_opcodes()
        parser = PythonParser(text=before)
        parser.parse_source()
        # Of a table of constants Python runs the first line alone.
        changed = {
            run
            for kind, begin, end, now_begin, now_end in parts
            if kind != "equal" and now_begin <= place <= now_end
            for line in range(begin + 1, end + 1)
            for run in (line, parser.first_line(line))
        }
        found = {test for test, bits in rows if any(num_in_numbits(line, bits) for line in changed)}
        if not found or "" in found:
            return set()  # it runs when it is imported: any test of the room may tell
        # What a process of Python runs is not known: it may be any line of the room.
        its = TESTS[room_of(mutant.file)]
        started = {test for test in self._of(contexts.PROCESS) if test.startswith(its)}
        return started | found

    def _of_shell(self, mutant: Mutant) -> set[str]:
        """Those that run the line, as far as lines are known; else those that run its function."""
        function = lines.function_of(mutant.text, mutant.line) or Path(mutant.file).name
        found = self._of(function) | self._of(f"{function}: {mutant.was}")
        return found or {
            test
            for test, its in self._functions.items()
            if any(it.startswith(f"{function}: ") for it in its)
        }

    def _of(self, command: str) -> set[str]:
        return {test for test, its in self._functions.items() if command in its}

    def _pass(self, tests: list[str]) -> bool:
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        seconds = _STARTS + _SLOWER * sum(self._seconds.get(it, 1.0) for it in tests)
        print(json.dumps({"tests": tests, "seconds": seconds}), file=self._warm.stdin, flush=True)
        return bool(json.loads(self._warm.stdout.readline()))

    @contextmanager
    def _changed(self, mutant: Mutant) -> Iterator[None]:
        """The copy with the mutant; each text has a time of its own, by which Python knows what it has compiled."""
        file = self._folder / mutant.file
        before, status = file.read_text(), file.stat()
        file.write_text(mutant.text)
        now = next(self._times)
        os.utime(file, (now, now))
        try:
            yield
        finally:
            file.write_text(before)
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _measure(self, tests: list[str], files: str, *, stale: bool) -> None:
        """Runs the tests, unless it is known what they run."""
        files = " ".join([*tests, files])
        known = self._measured / "files"
        if known.exists() and (stale or known.read_text() == files):
            return
        shutil.rmtree(self._measured, ignore_errors=True)
        self._measured.mkdir(parents=True)
        print("measuring which test runs which line: takes as long as the tests", flush=True)
        options = ["-q", "-n", "2", "-p", "no:cacheprovider", "-p", "tests.mutants.contexts"]
        subprocess.run(
            [sys.executable, "-m", "pytest", *options, "-m", "not engine and not long", *tests],
            cwd=self._folder,
            env={**os.environ, contexts.FOLDER: str(self._measured.resolve())},
            stdout=(self._measured / "log").open("w"),
            check=False,
        )
        measured = Coverage(data_file=str(self._measured / "lines"), config_file=False)
        measured.combine([str(self._measured)])
        measured.save()
        for file in _run(["git", "ls-files", "--", *PYTHON], self._folder).splitlines():
            (self._measured / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self._folder / file, self._measured / file)
        known.write_text(files)

    def _leave_out_renamed(self, tests: list[str]) -> None:
        """Forgets the tests that are not there any more, which no mutant could fail.

        Raises:
            SystemExit: if pytest cannot read all of them, so that no mutant could survive.
        """
        options = ["-q", "--collect-only", "-p", "no:cacheprovider", "-p", "no:xdist"]
        listed = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if listed.returncode:
            sys.exit(f"the tests cannot be read without any mutant:\n{listed.stdout}")
        self._seconds = {
            it: self._seconds[it] for it in listed.stdout.splitlines() if it in self._seconds
        }


def _run(words: list[str], folder: Path) -> str:
    return subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout
