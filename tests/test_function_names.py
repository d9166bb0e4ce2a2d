"""Functions are verbs: the first word of a name says what is done, or what is so where the answer is yes or no."""

import ast
import re

import pytest

from tests.test_architecture import parsed
from tests.test_docstrings import ROOMS, ROOT

_VERBS = re.compile(
    "adapt|add|adopt|advise|allow|answer|ask|await|build|check|choose|claim|close|collect|compare|compile|compose|confirm|connect|"
    "construct|count|decide|declare|decode|decrypt|deploy|describe|digest|do|draw|dump|encode|end|escape|estimate|explain|fetch|"
    "fill|find|fit|fold|follow|get|guess|hide|ignore|import|index|join|judge|keep|label|leave|list|load|log|look|make|map|mark|"
    "match|measure|name|need|normalise|notice|observe|open|parse|peek|pick|place|print|protect|push|put|quote|reach|read|refuse|"
    "register|render|renew|repeat|represent|require|reword|run|say|scan|seal|settle|shorten|show|silence|simplify|skip|sort|"
    "split|stage|start|step|suggest|take|tell|translate|try|unescape|unmark|widen|write"
)
_ANSWERS = re.compile(
    "asks|comes|covers|differs|ends|explains|fits|has|have|holds|is|lacks|matches|may|narrows|overlap|passes|reaches|reads|"
    "refuses|says|sends|serves|takes"
)
"""With what the name of a function begins that says whether something is so."""
_OTHERS = re.compile("as|main")
"""`as_json` names a conversion as Python does its own, and `main` is what a command runs."""


def _list_functions() -> list[tuple[str, str, str]]:
    """Each function of the product: where it is, the first word of its name, and what it returns."""
    found = []
    for file in [
        ROOT / "__main__.py",
        *(it for room in ROOMS for it in (ROOT / room).rglob("*.py")),
    ]:
        for node in ast.walk(parsed(file)):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            decorators = " ".join(map(ast.unparse, node.decorator_list))
            if not node.name.startswith("__") and "property" not in decorators:
                returned = "" if node.returns is None else ast.unparse(node.returns)
                word = node.name.strip("_").split("_")[0]
                found.append((f"{file.relative_to(ROOT)}: {node.name}", word, returned))
    return found


@pytest.fixture(scope="module")
def functions() -> list[tuple[str, str, str]]:
    return _list_functions()


def test_the_name_of_a_function_begins_with_a_verb(functions: list[tuple[str, str, str]]) -> None:
    assert len(functions) > 800
    assert [
        where
        for where, word, _ in functions
        if not any(words.fullmatch(word) for words in (_VERBS, _ANSWERS, _OTHERS))
    ] == []


def test_what_says_whether_something_is_so_answers_with_yes_or_no(
    functions: list[tuple[str, str, str]],
) -> None:
    assert [
        where
        for where, word, returned in functions
        if _ANSWERS.fullmatch(word) and returned != "bool" and "TypeGuard" not in returned
    ] == []
