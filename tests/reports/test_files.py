"""Files of cloudflared's and of others', kind by kind: what `check` and `import` say of each."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloudflared import words as of_cloudflared
from cloudflared.flags import FILE, SETTINGS
from cloudflared.go.regexp import Pattern
from cloudflared.keys import ACCESS, IP_RULE, ORIGIN_REQUEST, RULE
from ingress.__main__ import main
from settings.keys.stack import STACK
from tests.ingress.told import write_told
from values.kinds import Either, ListOf, MapOf, Shape
from values.tables import Table, find_like

KINDS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "files.yaml").read_text(encoding="utf-8")
)
TOLD = Path(__file__).with_name("told.txt")
FILES: list[tuple[str, dict[str, Any]]] = [
    (case.get("id") or f"{kind['kind']}-{number}", case)
    for kind in KINDS
    for number, case in enumerate(kind["files"])
]


def text_of(case: dict[str, Any]) -> str:
    """The file of a case, which may give one key of a rule alone."""
    if "config" in case:
        given = case["config"]
        return given if isinstance(given, str) else yaml.safe_dump(given)
    rule = {"hostname": "a.example.com", "service": "http://localhost:3000"}
    rule |= {name: case[name] for name in ("hostname", "path", "service") if name in case}
    more = {"originRequest": {case["key"]: True}} if "key" in case else {}
    return yaml.safe_dump({"ingress": [rule | more, {"service": "http_status:404"}]})


def printed(command: str, path: Path, capfd: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What a command prints, on standard output and on standard error."""
    main([command, str(path)])
    found = capfd.readouterr()
    return found.out, found.err


@pytest.mark.parametrize("case", [case for _, case in FILES], ids=[name for name, _ in FILES])
def test_what_check_and_import_say(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], case: dict[str, Any]
) -> None:
    path = tmp_path / "config.yml"
    path.write_text(text_of(case), encoding="utf-8")
    checked, _ = printed("check", path, capfd)
    stack, errors = printed("import", path, capfd)
    same = case.get("same", [])

    for text in (*case.get("check", ()), *same):
        assert text in checked
    for text in case.get("import", ()):
        assert text in stack
    for text in same:
        assert text in stack + errors
    for text in case.get("not", ()):
        assert text not in checked + stack + errors
    if "stack" in case:
        config = yaml.safe_load(stack)["config"]
        assert {key.removeprefix("argoweb:"): value for key, value in config.items()} == case[
            "stack"
        ]


def test_what_is_said_of_each_file_is_what_was_read_last() -> None:
    text = write_told((name.replace(" ", "-"), text_of(case)) for name, case in FILES)

    if "WRITE" in os.environ:  # as `make messages` does
        TOLD.write_text(text, encoding="utf-8")
    assert text == TOLD.read_text(encoding="utf-8"), "run `make messages` and read what has changed"


@pytest.mark.parametrize(
    "path",
    ["/*.(jpg|php)", "/v1/*", "api", "api/.*", "2024", ".(jpg|png)", "[.]php", "api|web", "api|/web", r"\.json|\.xml", "/api/*", "wp-(admin|login)", r"/v\d+"],
)  # fmt: skip
@pytest.mark.parametrize("tail", ["", "/", "/x", "x.php", "/a.jpg", ".xml"])
@pytest.mark.parametrize("head", ["/api", "/web", "/2024", "/a.png", "/x/api", "/wp-admin", "/v1"])
def test_a_suggested_pattern_takes_nothing_that_the_old_one_did_not(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], path: str, head: str, tail: str
) -> None:
    file = tmp_path / "config.yml"
    file.write_text(text_of({"path": path}))
    checked, _ = printed("check", file, capfd)
    (suggested,) = re.findall(r"write '(.*?)' for its", checked)

    if Pattern(suggested).is_found_in(head + tail):
        assert Pattern(path).is_found_in(head + tail)
    elif "beginning" in checked:
        begins = Pattern(f"^/?(?:{path})").is_found_in(head + tail)
        assert not begins


def tables(shape: Shape) -> list[Table]:
    """All tables of keys in a shape."""
    if isinstance(shape, (ListOf, MapOf)):
        return tables(shape.item)
    if isinstance(shape, Either):
        return tables(shape.other)
    if not isinstance(shape, Table):
        return []
    inner = [table for key in shape.keys.values() for table in tables(key.shape)]
    return [shape, *inner]


def test_a_suggested_key_exists() -> None:
    found = [*tables(STACK), *tables(FILE), SETTINGS, ORIGIN_REQUEST, RULE, ACCESS, IP_RULE]

    assert of_cloudflared.ORIGIN_REQUEST in [table.words for table in found]
    for table in found:
        assert {find_like(word, table.keys, table.words) for word in table.words} <= {
            None,
            *table.keys,
        }
        assert not [word for word in table.words if re.search("[-_ A-Z]", word)]
