"""The schema against the keys that the code reads; schema.json is for a review to read what changes for programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from package.keys import OF_SITES
from package.schema import SITES, make_schema
from settings.keys.stack import SECRETS, SITES_FILE, STACK

FILE = Path(__file__).with_name("schema.json")
WRITTEN: dict[str, Any] = json.loads(FILE.read_text())
SITE = WRITTEN["types"]["argoweb:index:Site"]["properties"]


def test_it_is_what_the_code_makes() -> None:
    assert FILE.read_text() == make_schema(), "run `make messages`"


def test_each_key_of_the_stack_file_is_an_argument_and_the_secrets_are_secret() -> None:
    arguments = WRITTEN["resources"][SITES]["inputProperties"]

    assert set(arguments) == {*STACK.keys, *SECRETS} - {SITES_FILE}
    assert {name for name, each in arguments.items() if each.get("secret")} == set(SECRETS)
    assert all(each["description"] for each in arguments.values())


def test_each_type_that_is_named_is_there() -> None:
    named = {
        text.removeprefix("#/types/")
        for text in json.dumps(WRITTEN).split('"')
        if text.startswith("#/types/")
    }
    assert named == set(WRITTEN["types"])


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("root", {"type": "string"}),
        ("hiddenFiles", {"type": "boolean"}),
        ("redirectStatus", {"type": "integer"}),
        ("proxy", {"$ref": "pulumi.json#/Any"}),
        (
            "originRequest",
            {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}},
        ),
    ],
)
def test_a_key_has_the_type_of_what_it_takes(key: str, kind: dict[str, Any]) -> None:
    assert {name: part for name, part in SITE[key].items() if name != "description"} == kind


def test_each_key_is_one_of_the_servers_or_one_of_a_stack_as_a_whole() -> None:
    of_a_stack = {"tunnel", "zones", "servers", "alerts", "rollout"}

    assert OF_SITES | of_a_stack | {SITES_FILE} == set(STACK.keys)


def test_two_kinds_of_values_have_no_type_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("package.schema._TYPES", {"zones": "Server", "servers": "Server"})

    with pytest.raises(ValueError, match="two tables have the type argoweb:index:Server"):
        make_schema()
