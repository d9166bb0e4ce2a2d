"""What is written about the stack file is what the code reads."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import reference
from settings.shapes import STACK
from tests.settings.test_rejected import ABSENT, ROWS, changed

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("file", "made"),
    [("configuration.md", reference.markdown), ("stack.schema.json", reference.schema)],
)
def test_the_committed_reference_is_what_the_code_makes(file: str, made: Any) -> None:
    assert (ROOT / "docs" / file).read_text() == made()


def test_pulumi_yaml_declares_exactly_the_keys_that_are_read() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]

    assert set(declared) == set(STACK.keys)


def test_no_declared_key_is_required_by_the_engine_so_that_ours_names_all_of_them() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]

    assert [name for name, key in declared.items() if "default" not in key] == []


def test_the_example_satisfies_the_schema_and_mistakes_do_not(prod: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft7Validator(json.loads(reference.schema()))

    def valid(values: dict[str, Any]) -> bool:
        config = {f"argoweb:{key}": value for key, value in values.items()}
        return bool(validator.is_valid({"config": config}))

    assert valid(prod)
    unknown = [row for row in ROWS if "unknown key" in row[2][0] and row[1] is not ABSENT]
    assert unknown
    assert [row[0] for row in unknown if valid(changed(prod, row[0], row[1]))] == []
