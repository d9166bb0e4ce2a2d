"""For configuration files of cloudflared: `python -m ingress check|rule|import`; `docs/ingress.md` has examples.

Exit status: 0 it is clean, 1 cloudflared refuses it, 2 it cannot be read.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cloudflared.go.urls import UrlError
from importing.file import ONLY_URL, URL_CLASH, File, read
from importing.stack_file import write_stack_file
from values.findings import Kind, make_printable

CLEAN, REFUSED, UNREADABLE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that the words name, and gives its exit code."""
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    given = _make_parser().parse_args(arguments)
    try:
        match given.command:
            case "check":
                return _check(given.files, as_json=given.json, strict=given.strict)
            case "rule":
                return _choose_rule(given.file, given.url)
            case _:
                return _import(given.file)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return UNREADABLE


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingress", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="what cloudflared refuses, and the traps")
    check.add_argument("files", nargs="+", metavar="FILE", type=Path)
    check.add_argument("--json", action="store_true", help="a list with an object for each file")
    check.add_argument("--strict", action="store_true", help="status 1 for warnings too")
    rule = commands.add_parser("rule", help="which rule takes a request")
    rule.add_argument("file", metavar="FILE", type=Path)
    rule.add_argument("url", metavar="URL")
    move = commands.add_parser("import", help="the stack file that does the same")
    move.add_argument("file", metavar="FILE", type=Path)
    return parser


def _check(paths: list[Path], *, as_json: bool, strict: bool) -> int:
    files: dict[Path, File | OSError] = {}
    for path in paths:
        try:
            files[path] = read(path.read_bytes())
        except OSError as error:
            files[path] = error
    if as_json:
        print(json.dumps([_as_json(path, file) for path, file in files.items()], indent=2))
    else:
        for path, file in files.items():
            _print(path, file)
    return max(_judge(file, strict) for file in files.values())


def _judge(file: File | OSError, strict: bool) -> int:
    if isinstance(file, OSError):
        return UNREADABLE
    return REFUSED if file.refused or (strict and file.problems) else CLEAN


def _print(path: Path, file: File | OSError) -> None:
    if isinstance(file, OSError):
        print(f"{path}: {file.strerror}", file=sys.stderr)
        return
    for problem in file.problems:
        severity = "error" if problem.is_error else "warning"
        line = f":{problem.line}" if problem.line else ""
        print(f"{path}{line}: {severity}: {make_printable(str(problem))}")
    verdict = "refuses" if file.refused else "takes"
    print(f"{path}: cloudflared {verdict} it")


def _as_json(path: Path, file: File | OSError) -> dict[str, object]:
    if isinstance(file, OSError):
        return {"file": str(path), "unreadable": file.strerror}
    problems = [problem.as_json() for problem in file.problems]
    return {"file": str(path), "valid": not file.refused, "problems": problems}


def _import(path: Path) -> int:
    file = read(path.read_bytes())
    if _refuses(path, file, but=(URL_CLASH, ONLY_URL)):
        return REFUSED
    made = write_stack_file(file)
    for text in made.left:
        print(f"{path}: not carried over: {text}", file=sys.stderr)
    print(made.write(), end="")
    return CLEAN


def _refuses(path: Path, file: File, *, but: Sequence[Kind] = (URL_CLASH,)) -> bool:
    refused = [problem for problem in file.refused if problem.kind not in but]
    if refused:
        lines = (f"{path}: {make_printable(str(problem))}" for problem in refused)
        print("\n".join(lines), file=sys.stderr)
    return bool(refused)


def _choose_rule(path: Path, url: str) -> int:
    file = read(path.read_bytes())
    if _refuses(path, file):
        return REFUSED
    try:
        index = file.match(url)
    except UrlError as error:
        print(f"found '{url}', expected a URL, which has no such thing as {error}", file=sys.stderr)
        return REFUSED
    rule, service = file.rules[index], file.services[index]
    print(f"Using rules from {path}")
    print(f"Matched rule #{index}")
    for name, value in (("hostname", rule.hostname), ("path", rule.path)):
        if value:
            print(f"\t{name}: {value}")
    print(f"\tservice: {service and service.shown}")
    return CLEAN


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads the output may have had enough
    sys.exit(main())
