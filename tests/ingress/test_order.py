"""Rules that hide each other, found without comparing every pair."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from ingress import Findings, Rule, check_order
from ingress.rules import first_match

HOSTNAMES = ("", "*", "a.b.c", "b.c", "c", "*.b.c", "*.c", "*.a.b.c", "x.b.c")
PATHS = ("", "/", "^/a", "^/ab", "^/ab$", "^/a|c", "^/ab?", "/a", "^/b", "^/.*")
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
    found = [text.split(": ", 1) for text in findings.errors + findings.warnings]
    return {int(place): int(text.split()[3]) for place, text in found}


@given(RULES)
def test_a_rule_that_is_called_hidden_takes_no_request_and_the_named_one_takes_all_of_its(
    rules: list[Rule],
) -> None:
    for index, cover in hidden(rules).items():
        taken = [request for request in REQUESTS if rules[index].takes(*request)]
        assert all(rules[cover].takes(*request) for request in taken)
        assert cover < index
        assert not any(first_match(rules, *request) == index for request in taken)


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
