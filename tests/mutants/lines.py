"""The mutants of a shell program or a Nix file: each changes one line."""

import re
import subprocess
from collections.abc import Callable
from functools import partial

from tests.mutants.mutant import Mutant, mutant

_Edit = tuple[str, str | Callable[[re.Match[str]], str]]


def _more(found: re.Match[str]) -> str:
    return str(int(found[0]) + 1)


_SHELL: tuple[_Edit, ...] = (
    (r"&&", "||"),
    (r"\|\|(?! true\b)", "&&"),  # what fails before `&&` ends nothing either
    (r"(?<=\s)==(?=\s)", "!="),
    (r"(?<=\s)!=(?=\s)", "=="),
    (r"(?<=\[\[ )-[nz](?=\s)", lambda found: "-z" if found[0] == "-n" else "-n"),
    (r"(?<=\[\[ )(?=-[a-zA-Z] )", "! "),
    (r"(?<=\[\[ )! ", ""),
    (r"(?<=\bif )(?! )", "! "),
    (r"(?<=\bif )! ", ""),
    (r"(?<=\s)<=(?=\s)|(?<=\s)>=(?=\s)", lambda found: found[0][0]),
    (r"(?<=\(\().* ([<>]) (?=.*\)\))", lambda found: found[0].rstrip() + "= "),
    (r"\b(return|exit) [1-9]\d*\b", lambda found: f"{found[1]} 0"),
    (r"\b(return|exit) 0\b", lambda found: f"{found[1]} 1"),
    (r"(?<![\w.$/{-])0?[0-7]00\b", "777"),
    (r"(?<!return )(?<![\w.$/{#%:-])[1-9]\d*(?![\w.>])", _more),  # any number but 0 is a failure
    (r" --?[a-zA-Z][\w-]*(=\S+)?(?= )(?!.*\]\])", ""),
    (r" \|\| true\b", ""),
    (r" 2?>/dev/null", ""),
)
_NIX: tuple[_Edit, ...] = (
    (r"&&", "||"),
    (r"\|\|", "&&"),
    (r"(?<=\s)==(?=\s)", "!="),
    (r"(?<=\s)!=(?=\s)", "=="),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"(?<=\bif )", "! "),
    (r"(?<![\w.$/{#%:-])[1-9]\d*(?![\w.])", _more),
    (r'"((?:[^"\\]|\\.)+)"', lambda found: f'"mutant {found[1]}"'),
)  # fmt: skip
_SHELL_CHECK, _NIX_CHECK = (
    ["bash", "-n"],
    ["nix-instantiate", "--store", "dummy://", "--parse", "-"],
)
_IDLE = ("#", "description =", "defaultText =")
"""What no test could see: comments, and what the manual of a module says."""
_COMMENT = re.compile(r"""(?:[^'"]|'[^']*'|"(?:[^"\\]|\\.)*")*?(?=\s#\s)""")
_OPENS = re.compile(r"(\\|&&|\|\||\||\bthen|\bdo|\belse|[({\[=]|\bin)$")
_STRUCTURE = re.compile(
    r"^(if|elif|else|fi|then|for|while|until|do|done|case|esac|local [\w ]+$|[)}\];]|\w+\(\) *[({])|\)$|;;$"
)
_FUNCTION = re.compile(r"(\w+)\(\) *[{(]( *#.*)?")


def mutants(file: str, text: str) -> list[Callable[[], Mutant]]:
    """Those of each edit at each place, and those without one line; what its language cannot read is left out."""
    nix = file.endswith(".nix")
    edits, nothing, check = (_NIX, "", _NIX_CHECK) if nix else (_SHELL, ":", _SHELL_CHECK)
    lines = text.splitlines()
    found: dict[str, Callable[[], Mutant]] = {}
    for number, line in enumerate(lines):
        if not line.strip() or line.strip().startswith(_IDLE):
            continue
        before_comment = _COMMENT.match(line)
        end = before_comment.end() if before_comment else len(line)
        changed = [
            _edited(line, it, now)
            for what, now in edits
            for it in re.finditer(what, line)
            if it.start() < end
        ]
        begun = number and _OPENS.search(lines[number - 1].rstrip())
        if not (_STRUCTURE.search(line.strip()) or _OPENS.search(line) or (begun and nix)):
            changed.append(nothing)
        for now in changed:
            made = "\n".join([*lines[:number], now, *lines[number + 1 :]]) + "\n"
            if made != text and _is_read(check, made):
                found[made] = partial(mutant, file, text, made)
    return [*found.values()]


def function_of(text: str, line: int) -> str | None:
    """The shell function in which a line stands, counted from 1."""
    lines = text.splitlines()
    for number in range(line - 1, -1, -1):
        found = _FUNCTION.match(lines[number])
        if found and (number == line - 1 or lines[number] == found[0]):
            return found[1]
        if number < line - 1 and lines[number] in {"}", ")"}:
            return None
    return None


def _is_read(check: list[str], text: str) -> bool:
    """Whether the language's own reader takes the text, where it is here."""
    try:
        return (
            subprocess.run(
                check, input=text, text=True, capture_output=True, check=False
            ).returncode
            == 0
        )
    except FileNotFoundError:
        return True


def _edited(line: str, found: re.Match[str], now: str | Callable[[re.Match[str]], str]) -> str:
    return (
        line[: found.start()] + (now if isinstance(now, str) else now(found)) + line[found.end() :]
    )
