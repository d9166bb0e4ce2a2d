"""Judges stack files as a preview would, without Pulumi, the network or any secret: for editors, pre-commit and CI.

Exit codes: 0 clean, 1 a file has errors (with --strict, warnings too), 2 a file cannot be read.
"""

import argparse
import json
import sys
from pathlib import Path

from settings.judge import UNREADABLE_STACK, judge
from values.findings import Finding, write_count

CLEAN, REFUSED, UNREADABLE = 0, 1, 2
_FILES = "Pulumi.*.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `check`."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        type=Path,
        help=f"stack files; all {_FILES} unless given",
    )
    parser.add_argument("--json", action="store_true", help="a list with an object for each file")
    parser.add_argument("--strict", action="store_true", help="exit code 1 for warnings too")


def run(given: argparse.Namespace) -> int:
    """Prints what is wrong with each stack file, and gives the exit code."""
    paths: list[Path] = given.files or sorted(Path().glob(_FILES))
    if not paths:
        print(f"There is no {_FILES} here, and no FILE was named.", file=sys.stderr)
        return UNREADABLE
    found = {path: _judge(path) for path in paths}
    if given.json:
        print(json.dumps([_as_json(path, each) for path, each in found.items()], indent=2))
    else:
        for path, each in found.items():
            _print(path, each)
    return max(_choose_code(each, strict=given.strict) for each in found.values())


def _judge(path: Path) -> list[Finding] | OSError:
    try:
        return judge(path.read_bytes(), path.stem.partition(".")[2] or path.stem, path.parent)
    except OSError as error:
        return error


def _choose_code(found: list[Finding] | OSError, *, strict: bool) -> int:
    if isinstance(found, OSError) or any(each.kind is UNREADABLE_STACK for each in found):
        return UNREADABLE
    return REFUSED if any(each.is_error or strict for each in found) else CLEAN


def _print(path: Path, found: list[Finding] | OSError) -> None:
    if isinstance(found, OSError):
        print(f"{path}: {found.strerror}", file=sys.stderr)
        return
    for each in found:
        line = f":{each.line}" if each.line else ""
        print(f"{path}{line}: {each.severity.value}: {each} [{each.code}]")
    errors = sum(each.is_error for each in found)
    print(f"{path}: {write_count(errors, 'error')}, {write_count(len(found) - errors, 'warning')}")


def _as_json(path: Path, found: list[Finding] | OSError) -> dict[str, object]:
    if isinstance(found, OSError):
        return {"file": str(path), "unreadable": found.strerror}
    valid = not any(each.is_error for each in found)
    return {"file": str(path), "valid": valid, "problems": [each.as_json() for each in found]}
