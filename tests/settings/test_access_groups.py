"""The policies of a group: one for its people, and one for its service tokens."""

import pytest

from settings.model.access import SESSION
from settings.reading.access_groups import check_groups, make_policies
from values.findings import Findings

PEOPLE, TOKENS = (
    ("emails", "emailDomains", "loginMethods", "everyone"),
    ("serviceTokens", "anyServiceToken"),
)
BOTH = ("ips", "countries", "externalGroups")  # fmt: skip
_ALL_OF_THEM = ("everyone", "anyServiceToken")


def values(kind: str, *names: str) -> dict[str, object]:
    return {kind: True if kind in _ALL_OF_THEM else [*names]}


@pytest.mark.parametrize("kind", [*PEOPLE, *TOKENS, *BOTH])
def test_who_is_left_out_is_named_where_he_could_come_in(kind: str) -> None:
    group = {"emails": ["ann@example.com"], "serviceTokens": ["ci"], "exclude": values(kind, "x")}

    people, tokens = make_policies("staff", group, SESSION)

    assert [it.kind for it in people.exclude] == ([] if kind in TOKENS else [kind])
    assert [it.kind for it in tokens.exclude] == ([] if kind in PEOPLE else [kind])


@pytest.mark.parametrize("kind", [*PEOPLE, *TOKENS, *BOTH])
@pytest.mark.parametrize("session", [SESSION, "1h"])
def test_a_kind_of_visitor_is_of_people_or_of_tokens(kind: str, session: str) -> None:
    group = {**values(kind, "a", "b", "a"), "require": {"countries": ["AT"]}}

    (policy,) = make_policies("staff", group, session)

    of_tokens, apart = kind in TOKENS, "" if session == SESSION else "/1h"
    assert policy.key == f"staff{'/tokens' if of_tokens else ''}{apart}"
    assert policy.decision == ("non_identity" if of_tokens else "allow")
    named = [""] if kind in _ALL_OF_THEM else ["a", "b"]
    assert [(it.kind, it.value) for it in policy.include] == [(kind, name) for name in named]
    assert [(it.kind, it.value) for it in policy.require] == [("countries", "AT")]
    assert policy.session == session


@pytest.mark.parametrize("kind", ["emails", "emailDomains", "loginMethods", *BOTH, "serviceTokens"])
@pytest.mark.parametrize("members", [{"emails": ["ann@example.com"]}, {"anyServiceToken": True}])
@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b"]])
def test_what_nobody_of_a_group_can_be_is_not_required(
    kind: str, members: dict[str, object], names: list[str]
) -> None:
    findings = Findings()

    check_groups({"groups": {"staff": {**members, "require": {kind: names}}}}, findings)

    expected = ["nobody is all of them"] * (names == ["a", "b"] and kind != "externalGroups")
    expected += ["no service token can meet it"] * ("emails" not in members and kind in PEOPLE)
    assert all(it.place == f"argoweb:access.groups.staff.require.{kind}" for it in findings.errors)
    assert len(findings.errors) == len(expected)
    assert all(text in it.message for text, it in zip(expected, findings.errors, strict=True))
