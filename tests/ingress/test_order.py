"""Rules that hide each other, found without comparing every pair."""

import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudflared import Router, Rule, check_order, put_specific_first
from cloudflared.go.inclusion import covers
from cloudflared.go.regexp import Pattern, PatternError
from values.findings import Findings

HOSTNAMES = ("", "*", "a.b.c", "b.c", "c", "*.b.c", "*.c", "*.a.b.c", "x.b.c")
PATHS = (
    "", "/", "^/a", "^/ab", "^/ab$", "^/a|c", "^/ab?", "/a", "^/b", "^/.*", "^/[a-c]+$", "(?i)^/A", r"b\b", "c$", "/[^/]*$", "^/x/.*",
)  # fmt: skip
REQUESTS = list(
    product(
        ("a.b.c", "b.c", "c", "x.a.b.c", "x.b.c", "y.c", "z"),
        ("/", "/a", "/ab", "/abc", "/ac", "/b", "/bc", "/c/a", "/x/ab"),
    )
)
RULES = st.lists(
    st.builds(
        Rule,
        hostname=st.sampled_from(HOSTNAMES),
        path=st.sampled_from(PATHS),
        service=st.just("http_status:404"),
    ),
    max_size=8,
)


def hidden(rules: list[Rule]) -> dict[int, int]:
    """The rules that are said to be hidden, each with the one that is said to hide it."""
    findings = Findings()
    check_order(rules, [str(index) for index in range(len(rules))], findings)
    found = [[each.place, each.message] for each in findings.errors + findings.warnings]
    return {int(place): int(text.split()[3]) for place, text in found}


@given(RULES)
def test_a_rule_that_is_called_hidden_takes_no_request_and_the_named_one_takes_all_of_its(
    rules: list[Rule],
) -> None:
    for index, cover in hidden(rules).items():
        taken = [request for request in REQUESTS if rules[index].takes(*request)]
        assert all(rules[cover].takes(*request) for request in taken)
        assert cover < index
        assert not any(Router(rules).find_first(*request) == index for request in taken)


@given(RULES)
def test_a_rule_with_the_same_or_a_wider_hostname_and_path_before_it_is_called_hidden(
    rules: list[Rule],
) -> None:
    found = hidden(rules)

    for index, later in enumerate(rules):
        covers = [
            earlier
            for earlier in rules[:index]
            if not earlier.catches_all
            and earlier.path in ("", "/", later.path)
            and (
                earlier.hostname in ("", "*", later.hostname)
                or (earlier.hostname[:2] == "*." and later.hostname.endswith(earlier.hostname[1:]))
            )
        ]
        assert (index in found) >= bool(covers)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("^/api/.*", "^/api/v2"),
        ("^/static/.*", "^/static/x/.*"),
        ("/v2", "^/api/v2"),
        (r"\.(jpg|png)$", r"\.png$"),
        ("^/[a-z]+", "^/abc"),
        ("(?i)^/api", "^/api"),
        ("^/api/[a-z0-9]+", "^/api/v2"),
        ("^/(a|b)", "^/b/c"),
        (r"^/a\b", "^/a/"),
        ("^/a{2}", "^/aaa$"),
    ],
)
def test_a_rule_is_hidden_by_an_earlier_one_whose_path_says_more_and_not_the_other_way_round(
    earlier: str, later: str
) -> None:
    rules = [Rule(hostname="a.b", path=path, service="x") for path in (earlier, later)]

    assert hidden(rules) == {1: 0}
    assert hidden(rules[::-1]) == {}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("^/api", "(?i)^/api"),
        ("^/api$", "^/api"),
        ("^/a[0-9]", "^/a"),
        ("^/[a-z]+$", "^/a-b"),
        (r"\.png$", r"\.(jpg|png)$"),
        (r"^/a\b", "^/ab"),
        ("^/api", "^api"),  # found in no path, which is another mistake
        (r"^/\p{L}", "^/a"),  # not known
        ("^/(.*a.{9}b|x)", "^/(.*a.{12}b.)"),  # too long to tell
        ("(", "^/a"),
    ],
)
def test_nothing_is_claimed_where_a_request_could_pass_the_earlier_rule_or_nothing_is_known(
    earlier: str, later: str
) -> None:
    assert not hidden([Rule(hostname="a.b", path=path, service="x") for path in (earlier, later)])


PIECES = ("a", "b", "B", "/", ".", "[ab]", "[^/]", r"\w", r"\b", "(a|b/)", "(?:/a)?", "(?i)", "a{2}")  # fmt: skip
PATTERNS = st.tuples(
    st.sampled_from(("", "^", "^/")),
    st.lists(
        st.tuples(st.sampled_from(PIECES), st.sampled_from(("", "", "*", "+", "?"))), max_size=4
    ),
    st.sampled_from(("", "$")),
).map(lambda parts: parts[0] + "".join(map("".join, parts[1])) + parts[2])
URL_PATHS = st.text(alphabet="abAB/.-0\u017f", max_size=8).map("/{}".format)


@given(wide=PATTERNS, narrow=PATTERNS, paths=st.lists(URL_PATHS, min_size=20, max_size=40))
def test_where_one_path_is_said_to_cover_another_no_request_passes_it(
    wide: str, narrow: str, paths: list[str]
) -> None:
    try:
        patterns = Pattern(wide), Pattern(narrow)
    except PatternError:
        return
    if covers(wide, narrow):
        assert [
            p for p in paths if patterns[1].is_found_in(p) and not patterns[0].is_found_in(p)
        ] == []


def test_of_a_path_that_is_too_long_to_be_compared_that_is_known_in_a_moment() -> None:
    began = time.process_time()

    assert not covers("x" * 10_000, "^/" + "x" * 10_000)

    assert time.process_time() - began < 10


def sorted_rules(rules: list[Rule]) -> list[Rule]:
    return [rules[index] for index in put_specific_first(rules)]


@given(RULES)
def test_sorted_rules_are_the_same_ones_and_stay_as_they_are(rules: list[Rule]) -> None:
    found = sorted_rules(rules)

    assert sorted(map(repr, found)) == sorted(map(repr, rules))
    assert sorted_rules(found) == found


@given(RULES)
def test_of_sorted_rules_none_is_called_hidden_but_by_one_that_takes_exactly_the_same(
    rules: list[Rule],
) -> None:
    found = sorted_rules(rules)

    for index, cover in hidden(found).items():
        for request in REQUESTS:
            assert found[index].takes(*request) == found[cover].takes(*request)


@given(st.lists(st.sampled_from(("*.c", "a.c", "a.c", "*.d", "a.e", "e"))))
def test_only_what_has_a_more_general_rule_before_it_moves(hostnames: list[str]) -> None:
    rules = [Rule(hostname=name, service=str(index)) for index, name in enumerate(hostnames)]
    wildcard = next((rule for rule in rules if rule.hostname == "*.c"), None)
    moved = [rule for rule in rules[rules.index(wildcard) :] if rule.hostname == "a.c"] if wildcard else []  # fmt: skip

    found = sorted_rules(rules)

    assert [rule for rule in found if rule not in moved] == [r for r in rules if r not in moved]
    assert [rule for rule in found if rule.hostname == "a.c"] == [r for r in rules if r.hostname == "a.c"]  # fmt: skip


def test_exact_hostnames_come_before_wildcards_and_long_paths_before_short_ones() -> None:
    given = [("", ""), ("*.c", ""), ("*.b.c", "^/a"), ("a.b.c", "^/.*"), ("a.b.c", "^/ab"), ("a.b.c", "^/abc"), ("x", "")]  # fmt: skip

    found = sorted_rules([Rule(hostname=h, path=p, service="x") for h, p in given])

    assert [(rule.hostname, rule.path) for rule in found] == [
        ("a.b.c", "^/abc"), ("a.b.c", "^/ab"), ("a.b.c", "^/.*"), ("*.b.c", "^/a"), ("*.c", ""), ("x", ""), ("", ""),
    ]  # fmt: skip


def test_a_longer_path_that_takes_more_comes_after_a_shorter_one() -> None:
    paths = ["^/api/v2", "^/api/[a-z0-9]+", "^/blog/2026", "^/b"]

    found = sorted_rules([Rule(hostname="a.b", path=path, service="x") for path in paths])

    assert [rule.path for rule in found].index("^/api/v2") < [rule.path for rule in found].index("^/api/[a-z0-9]+")  # fmt: skip
    assert hidden(found) == {}


def test_a_preference_by_length_that_goes_round_in_a_circle_ends_in_one_order() -> None:
    rules = [Rule(hostname="", path=path, service="x") for path in ("^/[a-c]+$", "^/x/.*", "^/ab$")]

    found = sorted_rules(rules)

    assert [rule.path for rule in found] == ["^/x/.*", "^/ab$", "^/[a-c]+$"]
    assert sorted_rules(found) == found
