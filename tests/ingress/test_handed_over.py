"""What is left of the rules where the last one stands for others takes each request as all of them do."""

from hypothesis import given
from hypothesis import strategies as st

from cloudflared import Router, Rule, leave_out_handed_over

HOSTNAMES = (
    "",
    "example.com",
    "a.example.com",
    "b.a.example.com",
    "*.example.com",
    "*.a.example.com",
)
HOSTS = (
    "example.com",
    "a.example.com",
    "A.example.com",
    "b.a.example.com",
    "x.example.com",
    "x.a.example.com",
    "y.net",
)
PATHS = ("/", "/api", "/x")
LAST = "http://caddy"
MADE = st.lists(
    st.tuples(
        st.sampled_from(HOSTNAMES),
        st.sampled_from(("", "^/api")),
        st.sampled_from((LAST, LAST, "http://a", "http_status:403")),
    ),
    max_size=8,
)


def service(rules: list[Rule], host: str, path: str) -> str:
    """What takes a request."""
    index = Router(rules).find_first(host, path)
    assert index is not None
    return rules[index].service


@given(made=MADE)
def test_each_request_is_taken_by_what_took_it_before(made: list[tuple[str, str, str]]) -> None:
    rules = [Rule(hostname=name, path=path, service=taker) for name, path, taker in made]
    rules.append(Rule(service=LAST))

    found = leave_out_handed_over(rules, [rule.service == LAST for rule in rules])

    for host in HOSTS:
        for path in PATHS:
            assert service(found, host, path) == service(rules, host, path), (host, path)


def test_sites_of_the_last_one_need_no_rule_unless_another_one_would_take_them() -> None:
    rules = [
        Rule(hostname=name, service=taker)
        for name, taker in (
            ("a.example.com", LAST),
            ("b.example.net", LAST),
            ("*.example.com", "http://a"),
            ("c.example.com", LAST),
            ("*.example.org", LAST),
            ("", LAST),
        )
    ]

    found = leave_out_handed_over(rules, [rule.service == LAST for rule in rules])

    assert [rule.hostname for rule in found] == ["a.example.com", "*.example.com", ""]
