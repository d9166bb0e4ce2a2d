"""Rejected configurations: each row of the table is a change of the example, and the places and codes of what is found."""

from typing import Any

import pytest

from settings import FindingsError
from settings.reading.build import build
from tests.settings.messages import PAGE, ROWS, SNAPSHOT, findings, page, snapshot


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['place']}-{i}" for i, row in enumerate(ROWS)])
def test_a_mistake_earns_these_findings_and_no_other(row: dict[str, Any]) -> None:
    found = findings(row)

    assert [f"{each.kind.code} {each.place}" for each in found] == row["found"] != []


def test_the_messages_are_those_that_were_read_last() -> None:
    assert snapshot() == SNAPSHOT.read_text(), "run `make messages` and read what has changed"


def test_the_page_of_codes_has_them_all() -> None:
    assert page() == PAGE.read_text(), "run `make messages`"


def test_the_table_is_large_and_has_no_row_twice() -> None:
    assert len({(row["place"], repr(row.get("value", ...))) for row in ROWS}) == len(ROWS) >= 200


def test_the_example_itself_is_accepted_without_a_warning(prod: dict[str, Any]) -> None:
    assert build(prod, deployment="argoweb/prod").warnings == ()


def test_all_mistakes_are_reported_at_once(prod: dict[str, Any]) -> None:
    prod["accountId"] = "x"
    prod["sites"][0]["roott"] = "/srv"
    prod["servers"]["web1"]["port"] = 0

    with pytest.raises(FindingsError) as refused:
        build(prod, deployment="argoweb/prod")

    assert {finding.place for finding in refused.value.findings} >= {
        "argoweb:accountId",
        "argoweb:sites[0].roott",
        "argoweb:servers.web1.port",
    }
