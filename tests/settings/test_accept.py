"""`argoweb:accept` silences warnings by their codes, and says so."""

from typing import Any

import pytest

from settings import FindingsError, Settings
from settings.reading.build import build
from values.findings import Finding


def settings(prod: dict[str, Any], *accept: str) -> Settings:
    """A stack with two paths that are found anywhere, one of which ends with a slash."""
    sites = [
        {"hostname": "a.example.com", "path": path, "root": "/srv/a"} for path in ("/api", "/web/")
    ]
    values = {**prod, "sites": sites, "accept": [*accept]}
    return build(values, deployment="argoweb/prod")


def refused(prod: dict[str, Any], *accept: str) -> list[Finding]:
    with pytest.raises(FindingsError) as error:
        settings(prod, *accept)
    return [*error.value.findings]


def test_what_is_accepted_is_silent_and_said_in_one_line(prod: dict[str, Any]) -> None:
    assert [each.kind.code for each in settings(prod).warnings] == [
        "path-unanchored",
        "path-unanchored",
        "path-slash",
    ]
    found = settings(prod, "path-unanchored")

    assert [each.kind.code for each in found.warnings] == ["path-slash"]
    assert found.notices == ("Warnings that argoweb:accept silences: path-unanchored (2).",)


def test_a_code_that_silences_nothing_says_nothing(prod: dict[str, Any]) -> None:
    assert settings(prod, "site-loop").notices == ()


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("path-unanchord", "unknown code 'path-unanchord'. Did you mean 'path-unanchored'?"),
        ("tunnel-deletd", "unknown code 'tunnel-deletd'. Did you mean 'tunnel-deleted'?"),
        ("x", "unknown code 'x'. There is none like it."),
        (
            "no-zone",
            "'no-zone' is the code of an error, which cannot be silenced. Leave it out, and mend what it tells of.",
        ),
        (
            "rule-twice",
            "'rule-twice' is the code of an error, which cannot be silenced. Leave it out, and mend what it tells of.",
        ),
    ],
)
def test_only_warnings_can_be_accepted(prod: dict[str, Any], code: str, found: str) -> None:
    (error,) = refused(prod, "path-slash", code)

    assert str(error) == f"argoweb:accept[1]: {found}"


def test_an_error_is_told_whatever_is_accepted(prod: dict[str, Any]) -> None:
    prod["accountId"] = "x"

    assert [each.kind.code for each in refused(prod, "wrong-value")] == [
        "wrong-value",
        "not-acceptable",
    ]
