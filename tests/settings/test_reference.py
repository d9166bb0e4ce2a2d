"""What is written about the stack file is what the code reads."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import FindingsError, reference
from settings.keys.stack import SECRETS, STACK
from settings.reading.build import build
from tests.settings.messages import ROWS, changed
from values.findings import Findings
from values.kinds import Shape
from values.tables import Key

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("file", "made"),
    [("configuration.md", reference.write_markdown), ("stack.schema.json", reference.write_schema)],
)
def test_the_committed_reference_is_what_the_code_makes(file: str, made: Any) -> None:
    assert (ROOT / "docs" / file).read_text() == made()


def test_pulumi_yaml_declares_exactly_the_keys_that_are_read() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]

    assert set(declared) == {*STACK.keys, *SECRETS}
    assert {name for name, key in declared.items() if key.get("secret")} == set(SECRETS)


def test_no_type_is_declared_with_which_the_engine_would_refuse_a_value_before_ours_names_its_place() -> (
    None
):
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]

    assert {name for key in declared.values() for name in key} == {
        "description",
        "default",
        "secret",
    }


def test_no_declared_key_is_required_by_the_engine_so_that_ours_names_all_of_them() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]

    assert [name for name, key in declared.items() if "default" not in key] == []


def takes(values: dict[str, Any]) -> tuple[bool, bool]:
    """Whether the schema takes a stack file, and whether the code does."""
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft7Validator(json.loads(reference.write_schema()))
    config = {f"argoweb:{key}": value for key, value in values.items()}
    try:
        build(values, deployment="argoweb/prod")
    except FindingsError:
        return validator.is_valid({"config": config}), False
    return validator.is_valid({"config": config}), True


def test_the_example_satisfies_the_schema_and_unknown_keys_do_not(prod: dict[str, Any]) -> None:
    assert takes(prod) == (True, True)
    unknown = {
        row["place"]: row["value"]
        for row in ROWS
        if row["found"][0].startswith("unknown-key ") and "value" in row
    }
    # cloudflared's own keys may be those of a newer one.
    ours = [place for place in unknown if not re.match(r"cloudflared|.*originRequest", place)]
    assert ours
    assert [place for place in ours if takes(changed(prod, place, unknown[place]))[0]] == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("caddy", None),
        ("caddy", {"port": None, "bind": "127.0.0.1"}),
        ("sites.0.path", None),
        ("sites.0.proxy", None),
        ("cloudflared.protocol", None),
        ("cloudflared.originRequest", {"httpHostHeader": ""}),
        ("servers.web1", {"address": "::1", "insecureHostKey": True}),
        ("servers.web1.insecureHostKey", False),
        ("servers.web1.rebuild", {"flake": "github:example/servers#web1"}),
        ("sites.0.access", "public"),
        ("access", {"team": "t", "groups": {"a": {"emails": "a@example.com"}}, "default": "a"}),
        (
            "access",
            {"team": "t", "default": {"policies": ["1" * 8 + "-1111-4111-8111-" + "1" * 12]}},
        ),
    ],
)
def test_what_the_code_takes_the_schema_takes_too(
    prod: dict[str, Any], place: str, value: Any
) -> None:
    assert takes(changed(prod, place, value)) == (True, True)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("sites.0.hostname", ""),
        ("sites.0", {"hostname": "a.example.com"}),
        ("sites.0", {"hostname": "a.example.com", "root": None}),
        ("sites.0.proxy", "127.0.0.1:1"),
        ("servers.web1", {"address": "::1"}),
        ("servers.web1", {"address": "::1", "insecureHostKey": False}),
        ("servers.web1.bastion", {"address": "::1"}),
        ("servers.web1.insecureHostKey", True),
        ("servers.web1.rebuild", {"flake": ".#web1"}),
        ("accountId", None),
        ("nixos", {"dataDir": "/"}),
        ("sites.0.access", []),
        ("sites.0.access", {"except": 5}),
        ("access", {"groups": {}}),
        ("access", {"team": "t", "groups": {"public": {"everyone": True}}}),
    ],
)
def test_what_the_code_refuses_by_its_shape_the_schema_refuses_too(
    prod: dict[str, Any], place: str, value: Any
) -> None:
    assert takes(changed(prod, place, value)) == (False, False)


def keys_of(shape: Shape, example: object, place: str) -> Iterator[tuple[str, Key, object]]:
    """Each key of a table without keys of its own, with the example that the reference gives it."""
    table = reference._find_table(shape)
    for name, key in table.keys.items() if table else ():
        found = reference._find_example(name, example)
        if reference._find_table(key.shape) is None:
            yield f"{place}.{name}", key, found
        yield from keys_of(key.shape, found, f"{place}.{name}")


EXAMPLES = [*keys_of(STACK, reference._read_examples(), "stack")]


@pytest.mark.parametrize(("place", "key", "example"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_each_key_has_an_example_that_it_takes_and_a_sentence(
    place: str, key: Key, example: object
) -> None:
    findings = Findings()
    key.shape.read(example, place, findings)

    assert example is not None
    assert findings.errors == []
    assert re.fullmatch(r"[A-Z`*].*\.", key.doc)
    assert key.unit or not re.search(r"[Ss]econds|[Bb]ytes", key.doc)


def test_each_line_of_the_page_has_a_type_a_default_or_a_star_and_an_example() -> None:
    page = reference.write_markdown()
    lines = re.findall(r"(?m)^( *)- `([^`]+)`( \*)?: .*?\. \*(.+)\*$", page)
    assert len(lines) == len(re.findall("(?m)^ *- ", page)) > 200

    for (indent, name, must, facts), (following, *_) in zip(
        lines, [*lines[1:], ("",)], strict=True
    ):
        if len(following) > len(indent):
            continue  # a table, whose keys have them
        kind = facts.partition("; ")[0]
        assert kind, name
        assert "example" in facts, name
        assert must or "default" in facts or not kind.startswith("true or false"), name
        assert "the number" not in facts, name


def written_in_documents() -> Iterator[tuple[str, Key, str]]:
    """Each setting that a document gives between backticks, with the keys of that name that it may belong to."""
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    text = "\n".join(document.read_text() for document in documents)
    for name, value in sorted(set(re.findall(r"`(?:argoweb:)?([A-Za-z.]+): ([^`…]+)`", text))):
        for place, key, _ in EXAMPLES:
            if f".{place}".endswith(f".{name}"):
                yield f"{place}: {value}", key, value


WRITTEN = [*written_in_documents()]


@pytest.mark.parametrize(("place", "key", "value"), WRITTEN, ids=[each[0] for each in WRITTEN])
def test_a_setting_that_a_document_gives_is_taken(place: str, key: Key, value: str) -> None:
    findings = Findings()
    key.shape.read(yaml.safe_load(value), place, findings)

    assert findings.errors == []
