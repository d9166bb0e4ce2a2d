"""The router against the rules asked one after another."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloudflared import Router, Rule
from cloudflared.go.regexp import PatternError
from settings.reading.build import build

HOSTNAMES = ("", "*", "a.b.c", "b.c", "*.b.c", "*.c", "*.a.b.c", "*.", "bücher.c", "xn--bcher-kva.c", "*.bücher.c", "A.b.c", "a_b.c")  # fmt: skip
ASKED = ("a.b.c", "b.c", "c", "x.a.b.c", ".b.c", "*.b.c", "bücher.c", "xn--bcher-kva.c", "x.xn--bcher-kva.c", "x.bücher.c", "A.b.c", "a_b.c", "a.", "", "..")  # fmt: skip
PATHS = ("", "^/a", "a$", "(")


def takes(rule: Rule, hostname: str, path: str) -> bool:
    try:
        return rule.takes(hostname, path)
    except PatternError:
        return False


@given(
    st.lists(st.tuples(st.sampled_from(HOSTNAMES), st.sampled_from(PATHS)), max_size=8),
    st.sampled_from(ASKED),
    st.sampled_from(("/", "/a", "/b/a")),
)
@example([("*.bücher.c", "")], "x.bücher.c", "/")
def test_the_first_rule_is_found_that_takes_the_request(
    rules: list[tuple[str, str]], hostname: str, path: str
) -> None:
    made = [Rule(hostname=name, path=text, service="http_status:404") for name, text in rules]
    one_by_one = [index for index, rule in enumerate(made) if takes(rule, hostname, path)]
    assert Router(made).find_first(hostname, path) == next(iter(one_by_one), None)


@pytest.mark.parametrize("count", [50, 500])
def test_a_stack_asks_few_rules_for_each_redirect_and_health_url_however_many_there_are(
    prod: dict[str, Any], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    asked = 0
    takes = Rule.takes

    def counted(rule: Rule, hostname: str, path: str) -> bool:
        nonlocal asked
        asked += 1
        return takes(rule, hostname, path)

    monkeypatch.setattr(Rule, "takes", counted)
    names = [f"d{number}.example.com" for number in range(count)]
    prod["sites"] = [
        site
        for name in names
        for site in (
            {"hostname": f"www.{name}", "proxy": "127.0.0.1:3000"},
            {"hostname": name, "redirect": f"https://www.{name}{{uri}}"},
        )
    ]
    prod["health"] = {"urls": [f"https://www.{name}/" for name in names]}
    build(prod, deployment="argoweb/prod")
    assert asked == 2 * count
