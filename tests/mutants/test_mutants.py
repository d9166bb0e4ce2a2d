"""What `make mutants` changes, and that the list of those that may live is up to date."""

import json
import shutil
import subprocess
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.mutants import lines, python_code
from tests.mutants.bench import Bench
from tests.mutants.contexts import name_commands
from tests.mutants.mutant import Mutant, mutant
from tests.mutants.rooms import TESTS, list_files
from tests.mutants.survivors import Survivors, listed


def changes(file: str, text: str) -> list[tuple[str, str]]:
    """Of each mutant what is gone and what stands there."""
    return [(it.was, it.now) for it in made(file, textwrap.dedent(text))]


def made(file: str, text: str) -> list[Mutant]:
    """All mutants of a file with this text."""
    makers = (python_code if file.endswith(".py") else lines).mutants(file, text)
    return [make() for make in makers]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f(a, b=1)", "f(a)"),
        ("f(b=c)", "f()"),
        ("f(b=c, d=e)", "f( d=e)"),
        ("x = [a, b]", "x = [a]"),
        ("x = [*a]", "x = []"),
        ('x = {"a": b, "c": d}', 'x = {"a": b}'),
        ("x = {**a, **b}", "x = {**a}"),
        ('x = f(r"a")', 'x = f(r"mutant a")'),
        ('x = f"{a} b"', 'x = f"{a}mutant  b"'),
        ("f(a)", "pass"),
        ("raise A", "pass"),
        ("x = [a for a in b if a]", "x = [a for a in b if True]"),
        ("x = a not in b", "x = a in b"),
        ("x = a in b", "x = a not in b"),
        ("x = a < b", "x = a <= b"),
        ("x = not a", "x =  a"),
        ("x = a and b", "x = a or b"),
        ("x = True", "x = False"),
        ("x = 600", "x = 601"),
    ],
)
def test_a_python_file_is_changed_at_each_place(before: str, after: str) -> None:
    assert (before, after) in changes("a.py", f"{before}\n")


def test_another_error_is_caught_than_the_one_that_is_meant() -> None:
    found = changes("a.py", "try: a\nexcept (b.C, D) as e: c\n")

    assert ("except (b.C, D) as e: c", "except FloatingPointError as e: c") in found


@pytest.mark.parametrize(
    "text",
    [
        '"""A docstring."""\n',
        "x: A[1] | None\n",
        "@a(b=True)\nclass A: ...\n",
        "# 1\n",
        '__all__ = ["A"]\n',
    ],
)
def test_what_no_test_could_see_is_left(text: str) -> None:
    assert [it for it in changes("a.py", text) if not it[0].startswith("@")] == []


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("a.sh", "chmod 600 -- a", "chmod 777 -- a"),
        ("a.sh", "chmod 600 -- a", ":"),
        ("a.sh", "a && b", "a || b"),
        ("a.sh", "if a; then b; fi", "if ! a; then b; fi"),
        ("a.sh", "[[ -n $a ]]", "[[ -z $a ]]"),
        ("a.sh", "a || exit 1", "a || exit 0"),
        ("a.nix", "{ a = true; }", "{ a = false; }"),
        ("a.nix", '{ a = "b"; }', '{ a = "mutant b"; }'),
        ("a.nix", '{ a = "\\"b\\" c"; }', '{ a = "mutant \\"b\\" c"; }'),
    ],
)
def test_a_line_is_changed_or_left_out(file: str, before: str, after: str) -> None:
    assert (before, after) in changes(file, f"{before}\n")


def test_what_may_fail_is_not_changed_into_what_may_fail_as_well() -> None:
    assert [now for _, now in changes("a.sh", "a || true\n")] == ["a", ":"]
    assert ("return 1", "return 2") not in changes("a.sh", "return 1\n")


def test_a_shell_program_that_bash_does_not_read_is_no_mutant() -> None:
    assert ("then a", ":") not in changes("a.sh", "if b\nthen a\nfi\n")


def test_a_comment_behind_a_line_is_left() -> None:
    assert changes("a.sh", "a=2 # it's 3\n") == [
        ("a=2 # it's 3", "a=3 # it's 3"),
        ("a=2 # it's 3", ":"),
    ]
    assert ("a '2 # 3'", "a '2 # 4'") in changes("a.sh", "a '2 # 3'\n")


def test_what_the_manual_of_a_module_says_is_left() -> None:
    assert changes("a.nix", '{\n  description = "a";\n  # b\n}\n') == []


SHELL = """one
f() {
  two
}
three
g() { four; }
h() (
  five
)
"""


@pytest.mark.parametrize(
    ("line", "function"),
    [("one", None), ("  two", "f"), ("three", None), ("g() { four; }", "g"), ("  five", "h")],
)
def test_a_line_is_of_the_shell_function_around_it(line: str, function: str | None) -> None:
    place = SHELL.splitlines().index(line) + 1

    assert lines.function_of(SHELL, place) == function


@pytest.mark.parametrize("file", listed())
def test_what_may_live_is_a_mutant_of_today(file: str) -> None:
    assert Survivors().unknown(made(file, (ROOT / file).read_text())) == []


def test_what_is_no_program_is_not_changed() -> None:
    found = list_files(ROOT, [])

    assert {Path(it).suffix for it in found} == {".py", ".sh", ".nix"}
    assert list_files(ROOT, ["package", "remote/put.sh", "edge/*.sh"]) == [
        it for it in found if it.startswith("package/") or it in {"remote/put.sh", "edge/ask.sh"}
    ]


@pytest.mark.parametrize("room", ["cloudflared", "importing", "package", "settings", "values"])
def test_what_a_stack_file_may_be_told_is_asked_of_those_that_are_told_it(room: str) -> None:
    assert "tests/settings/test_rejected.py".startswith(TESTS[room])


def test_a_command_of_the_servers_program_is_known_by_its_line() -> None:
    program = "{\nf() {\n  one\n  two\n}\nf\n} # end\n"

    assert name_commands([("f", "4", "/a/server.sh")], program) == {"f: two"}
    assert name_commands([("f", "4", "/a/b.sh"), ("g", "4", "/a/server.sh")], program) == {"f", "g"}


WORK = "f() {\n  echo one\n  echo two\n}\nf\n"
OF_WORK = """
import subprocess
import pytest
from components.remote_programs import SERVER_PROGRAM

@pytest.mark.parametrize("word", ["one", "two"])
def test_each(tmp_path, word):
    (tmp_path / "server.sh").write_text(SERVER_PROGRAM)
    words = ["bash", tmp_path / "server.sh"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert word in said

def test_nothing():
    pass
"""
TABLE = """
def known():
    return WORDS

WORDS = (
    "one",
    "two",
)
"""
OF_TABLE = """
import subprocess
import sys
from package.table import known

def test_what_is_known_is_what_was_read_last():
    assert known() == ("one", "two")

def test_python():
    subprocess.run([sys.executable, "-c", ""], check=True)
"""
OF_KNOWN = "tests/package/test_table.py"
TOOK = {"what_is_known_is_what_was_read_last": 29.0, "python": 20.0}
ONE, TWO, NOTHING = (
    f"tests/remote/test_work.py::test_{it}" for it in ("each[one]", "each[two]", "nothing")
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a shell program and a test of each of its lines, which were measured."""
    root = tmp_path_factory.mktemp("measured")
    shutil.copytree(ROOT / "tests/mutants", root / "tests/mutants")
    for file, text in {
        "Makefile": "",
        "components/remote_programs.py": 'SERVER_PROGRAM = open("remote/work.sh").read()\n',
        "remote/work.sh": WORK,
        "package/table.py": TABLE,
        "tests/__init__.py": "",
        "tests/conftest.py": "import package.table\n",
        "tests/package/test_table.py": OF_TABLE,
        "tests/remote/test_work.py": OF_WORK,
        "pyproject.toml": '[tool.pytest.ini_options]\nmarkers = ["engine", "long"]\n',
    }.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    with opened(root, tmp_path_factory.mktemp("copy"), stale=False):
        return root


def opened(root: Path, folder: Path, *, stale: bool = True) -> closing[Bench]:
    tests = ["tests/remote", "tests/package"]
    return closing(Bench(root, folder, root / ".mutants", tests, [], stale=stale))


def without(line: str) -> Mutant:
    return mutant("remote/work.sh", WORK, WORK.replace(line, ":"))


class Project:
    """The measured project, of which the tests are known otherwise now."""

    def __init__(self, measured: Path, folder: Path) -> None:
        self.root, self._copy = folder / "project", folder / "copy"
        shutil.copytree(measured, self.root)
        self._copy.mkdir()

    def knows(self, seconds: dict[str, float], names: dict[str, str]) -> None:
        """That each test takes so long, and those that were measured have these names."""
        for file in (self.root / ".mutants").glob("*.json"):
            told = json.loads(file.read_text())
            for key, its in told.items():
                told[key] = {names.get(it, it): value for it, value in its.items()}
            told["seconds"] = {it: seconds.get(it, took) for it, took in told["seconds"].items()}
            file.write_text(json.dumps(told))

    def survives(self, *mutants: Mutant) -> list[bool]:
        with opened(self.root, self._copy) as bench:
            bench.must_pass("remote/work.sh")
            return [bench.survives(it) for it in mutants]


@pytest.fixture
def project(measured: Path, tmp_path: Path) -> Project:
    return Project(measured, tmp_path)


def test_of_what_runs_in_no_python_slow_tests_are_run_too(project: Project) -> None:
    project.knows({ONE: 100.0, TWO: 200.0}, {})

    assert project.survives(without("echo one"), without("echo two")) == [False, False]


def test_of_a_table_those_are_run_that_read_it_the_snapshots_of_them_first(
    project: Project,
) -> None:
    project.knows({f"{OF_KNOWN}::test_{it}": took for it, took in TOOK.items()}, {})
    mutants = made("package/table.py", TABLE)

    assert project.survives(*mutants) == [False] * len(mutants) != []


def test_a_test_that_was_renamed_kills_nothing(project: Project) -> None:
    project.knows({}, {TWO: "tests/remote/test_work.py::test_before", ONE: "tests/gone.py::test"})

    assert project.survives(without("echo one")) == [True]


def test_without_a_test_that_is_known_nothing_is_said_to_be_killed(project: Project) -> None:
    project.knows({}, {it: f"{it}_before" for it in (ONE, TWO, NOTHING)})

    with pytest.raises(SystemExit, match="no test of it is known"):
        project.survives(without("echo one"))


def test_tests_that_cannot_be_read_kill_nothing(project: Project) -> None:
    (project.root / "tests/remote/test_more.py").write_text("import nowhere\n")

    with pytest.raises(SystemExit, match="No module named 'nowhere'"):
        project.survives(without("echo one"))


def test_a_test_whose_argument_is_another_one_with_the_mutant_is_run(project: Project) -> None:
    tests = project.root / "tests/remote/test_work.py"
    tests.write_text(OF_WORK.replace('["one", "two"]', "SERVER_PROGRAM.split()[3:7:2]"))

    assert project.survives(without("echo two")) == [False]
