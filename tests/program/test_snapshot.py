"""Everything that the engine is asked for, as it was read last."""

import os

import pytest

from tests.existing.conftest import Cloudflare
from tests.program.conftest import Program
from tests.program.snapshot import SNAPSHOT, as_text, everything, taken_over


def test_what_is_asked_for_is_what_was_read_last(
    program: Program, cloudflare: Cloudflare, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Program(cloudflare, monkeypatch)
    first, second = everything(program), taken_over(other, cloudflare)
    tunnel, record = second["tunnel-tunnel"], second["records-www.example.com"]
    ids = {
        tunnel["importId"].partition("/")[2]: "<tunnel>",
        record["importId"].partition("/")[2]: "<record>",
    }

    texts = (
        as_text(first, program.of_components, {}),
        as_text(second, other.of_components, ids),
    )
    text = "---\n".join(texts)

    if "WRITE" in os.environ:  # as `make messages` does
        SNAPSHOT.write_text(text)
    assert text == SNAPSHOT.read_text(), "run `make messages` and read what has changed"


def test_the_state_gets_no_callers_in_the_code_of_this_machine(program: Program) -> None:
    asked = everything(program)

    told = {name for name, it in asked.items() if it.get("stackTrace") or it.get("sourcePosition")}
    assert told <= {"argoweb-prod"}, "which Pulumi registers before the program begins"
