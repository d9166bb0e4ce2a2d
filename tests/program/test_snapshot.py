"""Everything that the engine is asked for, as it was read last."""

import os

import pytest

from tests.existing.conftest import Cloudflare
from tests.program.conftest import Program
from tests.program.snapshot import SNAPSHOT, as_text, everything, taken_over


def test_what_is_asked_for_is_what_was_read_last(
    program: Program, cloudflare: Cloudflare, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = everything(program)
    second = taken_over(Program(cloudflare, monkeypatch), cloudflare)
    tunnel, record = second["tunnel-tunnel"], second["records-www.example.com"]
    ids = {
        tunnel["importId"].partition("/")[2]: "<tunnel>",
        record["importId"].partition("/")[2]: "<record>",
    }

    text = as_text(first, {}) + "---\n" + as_text(second, ids)

    if "WRITE" in os.environ:  # as `make messages` does
        SNAPSHOT.write_text(text)
    assert text == SNAPSHOT.read_text(), "run `make messages` and read what has changed"
