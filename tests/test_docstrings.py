"""A docstring can be read by itself: its first sentence is whole, and that of a function says what it does."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "argoweb", "cloudflared", "components", "edge", "existing", "importing", "ingress", "package", "render", "settings",
    "values",
)  # fmt: skip
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_GOES_ON = re.compile(
    r"(?:Also|And|As above|But|Else|It|Its|Never|Nor|Of|Or|So|That|The others?|The same|Them|Then|These|They|This|Those) "
)
"""What only continues another sentence, or points to something outside of the docstring."""
_VERBS = {
    "Adds", "Asks", "Awaits", "Brings", "Builds", "Calls", "Checks", "Chooses", "Computes", "Connects", "Copies",
    "Counts", "Decides", "Declares", "Describes", "Draws", "Encodes", "Ends", "Estimates", "Fetches", "Finds",
    "Gives", "Hands", "Has", "Joins", "Judges", "Leaves", "Lists", "Looks", "Makes", "Names", "Opens", "Prints",
    "Puts", "Raises", "Reads", "Refuses", "Registers", "Renders", "Rewords", "Runs", "Says", "Scans", "Sends",
    "Serves", "Sets", "Shows", "Sorts", "Splits", "Takes", "Tells", "Tries", "Warns", "Whether", "Writes",
}  # fmt: skip
"""What functions do; `Whether` begins that of one which answers yes or no."""
Described = tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]


def _inner(name: str, node: ast.Module | ast.ClassDef) -> Iterator[Described]:
    for each in node.body:
        if isinstance(each, (ast.ClassDef, *_FUNCTION)):
            yield f"{name}.{each.name}", each
        if isinstance(each, ast.ClassDef):
            yield from _inner(f"{name}.{each.name}", each)


def described() -> Iterator[Described]:
    """Everything in the product's rooms that can have a docstring, with its name."""
    for file in [
        ROOT / "__main__.py",
        *(file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))),
    ]:
        name, module = str(file.relative_to(ROOT)), ast.parse(file.read_text())
        yield name, module
        yield from _inner(name, module)


ALL = list(described())
WITH_TEXT = [(name, node, text) for name, node in ALL if (text := ast.get_docstring(node))]


def _is_property(node: ast.AST) -> bool:
    return isinstance(node, _FUNCTION) and any(
        "property" in ast.unparse(each) for each in node.decorator_list
    )


def said_of_values() -> Iterator[tuple[str, str]]:
    """What stands below each constant and attribute, with its name."""
    for name, node in ALL:
        for value, text in pairwise(getattr(node, "body", [])):
            if (
                isinstance(value, (ast.Assign, ast.AnnAssign))
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            ):
                called = value.targets[0] if isinstance(value, ast.Assign) else value.target
                yield f"{name}.{ast.unparse(called)}", text.value.value


def test_what_is_said_of_a_value_does_not_continue_another_sentence() -> None:
    said = list(said_of_values())

    assert len(said) > 400
    assert [f"{name}: {text}" for name, text in said if _GOES_ON.match(text)] == []


def test_the_first_sentence_is_whole() -> None:
    assert len(WITH_TEXT) > 500
    broken = [
        f"{name}: {first}"
        for name, _, text in WITH_TEXT
        if not (first := text.partition("\n\n")[0]).endswith((".", "…")) or _GOES_ON.match(first)
    ]
    assert broken == []


def test_what_a_function_does_begins_with_a_verb() -> None:
    functions = [
        (name, text.split("\n")[0])
        for name, node, text in WITH_TEXT
        if isinstance(node, _FUNCTION) and not _is_property(node) and not node.name.startswith("__")
    ]
    wrong = [f"{name}: {first}" for name, first in functions if first.split()[0] not in _VERBS]
    assert wrong == []
