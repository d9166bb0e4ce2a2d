"""What `make mutants` changes, and that the list of those that may live is up to date."""

import textwrap

import pytest

from tests.conftest import ROOT
from tests.mutants import lines, python_code
from tests.mutants.mutant import Mutant
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


def test_a_shell_program_that_bash_does_not_read_is_no_mutant() -> None:
    assert ("then a", ":") not in changes("a.sh", "if b\nthen a\nfi\n")


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
