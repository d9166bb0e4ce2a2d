"""What a site's `access` becomes, and what is refused of it."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from cloudflared import Router
from sandbox.cloudflare.access.destinations import parsed
from settings import FindingsError
from settings.model.access import is_within
from settings.model.stack import Site
from settings.reading.access_paths import translate_path
from settings.reading.build import build

GROUPS = {"staff": {"emails": "ann@example.com"}, "ci": {"serviceTokens": "deploy"}}
ID = "11111111-1111-4111-8111-111111111111"
TOKEN = {"access": {"required": True, "teamName": "t", "audTag": ["a" * 64]}}


def refused(prod: dict[str, Any], *sites: dict[str, Any], **access: Any) -> list[str]:
    """What is wrong with these sites."""
    prod["access"] = {"team": "t", "groups": GROUPS, **access}
    prod["sites"] = [{"hostname": "www.example.com", "root": "/srv/www", **site} for site in sites]
    with pytest.raises(FindingsError) as error:
        build(prod, deployment="argoweb/prod")
    return list(error.value.problems)


@pytest.mark.parametrize(
    ("access", "message"),
    [
        ("nobody", ": 'nobody' is no group of argoweb:access.groups (staff, ci)."),
        (["staff", "public"], ": found 'public' beside others, expected it alone."),
        ([], ": found a list of 0, expected at least 1."),
        (True, ": found true, expected a text in quotes."),
        ({"groups": "staff", "application": ID}, ".application: found it beside groups or policies"),
        ({"policies": ["x"]}, ".policies[0]: found 'x', expected a UUID in lower case."),
        ({"groups": "public", "except": "^/x/"}, ".except: belongs to a site that is not for everybody."),
        ({"groups": "staff", "bypass": "^/x/"}, ".bypass: unknown key. Did you mean 'except'?"),
        ({"session": "1h"}, ".groups: missing. Name those of argoweb:access.groups that may come in."),
    ],
)  # fmt: skip
def test_an_access_that_cannot_be_is_refused_at_its_place(
    prod: dict[str, Any], access: Any, message: str
) -> None:
    (problem,) = refused(prod, {"access": access})
    assert problem.startswith(f"argoweb:sites[0].access{message}")


def in_group(prod: dict[str, Any], value: str, kind: str) -> str:
    """What is wrong with one visitor of a group."""
    prod["sites"][0]["access"] = "one"
    prod["access"] = {"team": "t", "groups": {"one": {kind: value}}}
    try:
        build(prod, deployment="argoweb/prod")
    except FindingsError as error:
        (problem,) = error.problems
        return problem
    return ""


@pytest.mark.parametrize(
    "email",
    [
        "ann@example.com", "Ann@Example.COM", "o'brien+x@example.com", "ann@exämple.com", "{{.}}@example.com",
        "${a}@example.com", "a%00&=/?#|`!^~@example.com", "ñandú@例え.jp", "a" * 242 + "@example.com",
    ],
)  # fmt: skip
def test_an_address_may_have_odd_characters(prod: dict[str, Any], email: str) -> None:
    assert in_group(prod, email, "emails") == ""


@pytest.mark.parametrize(
    "email",
    [
        "ann", "@example.com", "ann@example", "ann@@example.com", "*@example.com", "ann@*.com", '"ann b"@example.com',
        "ann@example.com,eve@example.com", "<ann@example.com>", "mailto:ann@example.com", "ann@[192.0.2.1].x",
        "ann@example..com", "ann@-example.com", "ann@example.com ", " ann@example.com", "ann\n@example.com",
        "ann@example.com\r\nX: y", "ann@example.com\x00", "an\u200bn@example.com", "\u202eann@example.com",
        "ann@exam\u00adple.com", "ann@example.com\ufeff", "\ud800@example.com", "a" * 243 + "@example.com",
    ],
)  # fmt: skip
def test_what_nobody_can_have_as_an_address_is_refused_once(
    prod: dict[str, Any], email: str
) -> None:
    problem = in_group(prod, email, "emails")

    assert problem.startswith("argoweb:access.groups.one.emails: found ")
    assert "expected an e-mail address of at most 254 visible characters" in problem
    assert problem.isprintable()


@pytest.mark.parametrize("address", ["fe80::1%eth0", "192.0.2.1/24", "01.2.3.4", "192.0.2.1-9"])
def test_what_is_no_address_or_network_is_refused(prod: dict[str, Any], address: str) -> None:
    assert "expected an IP address, or a network" in in_group(prod, address, "ips")


@pytest.mark.parametrize(
    "how",
    [
        {"denyUrl": "https://example.com/a b"},
        {"denyUrl": "https://ann:secret@example.com/"},
        {"denyUrl": "https://example.com/\n"},
        {"denyUrl": "javascript:alert(1)"},
        {"denyText": "two\nlines"},
        {"cors": {"origins": "https://a.example.com#x"}},
        {"cors": {"origins": "https://ann@example.com"}},
        {"cors": {"origins": "https://A.example.com"}},
        {"cors": {"origins": "https://a.example.com\n"}},
        {"except": "/hook/"},
        {"except": "^/hook/\n"},
        {"session": "1h\n"},
    ],
)
def test_what_cloudflare_could_not_take_is_refused_once(
    prod: dict[str, Any], how: dict[str, Any]
) -> None:
    assert len(refused(prod, {"access": {"groups": "staff", **how}})) == 1


@pytest.mark.parametrize(
    "time", ["2026-02-31T18:00:00Z", "2026-12-24T25:00:00Z", "2026-12-24T18:00:00+01:00", "soon"]
)
def test_a_time_that_never_comes_is_refused(prod: dict[str, Any], time: str) -> None:
    tokens = {"deploy": {"secretVersion": 2, "oldSecretUntil": time}}

    (problem,) = refused(prod, {"access": "ci"}, serviceTokens=tokens)

    assert "expected a time of UTC such as '2026-12-24T18:00:00Z'" in problem


def test_what_has_no_application_or_two_readings_is_refused(prod: dict[str, Any]) -> None:
    everything = {"hostname": "*", "access": "staff"}
    by_hand = {"originRequest": TOKEN, "access": "staff"}
    outside = {"path": "^/a/", "access": {"groups": "staff", "except": "^/b/"}}

    (no_application,) = refused(prod, everything)
    (twice,) = refused(prod, by_hand)
    (both,) = refused(prod, {"originRequest": TOKEN, "access": "public"})
    (elsewhere,) = refused(prod, outside)

    assert no_application.startswith(
        "argoweb:sites[0].hostname: '*' can have no Access application."
    )
    assert twice.startswith("argoweb:sites[0].originRequest.access: is written by argoweb")
    assert both.startswith("argoweb:sites[0].access: 'public' does not go with the site's `origin")
    assert (
        elsewhere
        == "argoweb:sites[0].access.except: found '^/b/', expected a path within the site's own, '^/a/'."
    )


def test_without_a_team_there_is_no_protection(prod: dict[str, Any]) -> None:
    prod["sites"][0]["access"] = "staff"
    prod["sites"][1]["access"] = "staff"
    with pytest.raises(FindingsError) as error:
        build(prod, deployment="argoweb/prod")

    assert list(error.value.problems) == [
        "argoweb:access.team: missing. Set it with: pulumi config set --path argoweb:access.team <the name before "
        ".cloudflareaccess.com>"
    ]


def test_a_path_whose_visitors_differ_has_to_be_one_of_access(prod: dict[str, Any]) -> None:
    (problem,) = refused(prod, {"path": "^/a.*b$", "access": "staff"}, {"access": "public"})

    assert problem.startswith(
        "argoweb:sites[0].path: found '^/a.*b$', expected one that Access can have too"
    )
    assert problem.endswith("since who may come in differs from other paths of 'www.example.com'.")


def test_paths_that_agree_need_not_be_ones_of_access(prod: dict[str, Any]) -> None:
    prod["access"] = {"team": "t", "groups": GROUPS, "default": "staff"}
    site = {"hostname": "www.example.com", "root": "/srv/www"}
    prod["sites"] = [{**site, "path": "^/a.*b$"}, site]

    settings = build(prod, deployment="argoweb/prod")

    assert settings.access is not None
    assert [it.uri for it in settings.access.applications] == ["www.example.com"]
    assert [it.passed for it in settings.sites] == [("www.example.com",)] * 2


HOST = "www.example.com"


@pytest.mark.parametrize(
    ("sites", "policies", "passed"),
    [
        (
            [("^/x$", "public"), ("^/x/", "ci"), ("", "staff")],
            {HOST: ["staff"], f"{HOST}/x": ["public"], f"{HOST}/x/*": ["ci/tokens"]},
            [(), (f"{HOST}/x/*",), (HOST,)],
        ),
        (
            [("^/x/", "ci"), ("^/x$", "public"), ("", "staff")],
            {HOST: ["staff"], f"{HOST}/x": ["public"], f"{HOST}/x/*": ["ci/tokens"]},
            [(f"{HOST}/x/*",), (), (HOST,)],
        ),
        (
            [("^/x$", "public"), ("^/x", "ci"), ("", "staff")],
            {HOST: ["staff"], f"{HOST}/x": ["public"], f"{HOST}/x*": ["ci/tokens"], f"{HOST}/x/*": ["ci/tokens"]},
            [(), (f"{HOST}/x*", f"{HOST}/x/*"), (HOST,)],
        ),
        (
            [("^/x$", "staff"), ("", "public")],
            {f"{HOST}/x": ["staff"], f"{HOST}/x/*": ["public"]},
            [(f"{HOST}/x",), ()],
        ),
        (
            [("^/a/b/", "staff"), ("^/a/", "public"), ("", "staff")],
            {HOST: ["staff"], f"{HOST}/a/b/*": ["staff"], f"{HOST}/a/*": ["public"]},
            [(f"{HOST}/a/b/*",), (), (HOST,)],
        ),
    ],
)  # fmt: skip
def test_each_path_is_for_the_visitors_of_its_own_rule_whatever_stands_before_it(
    prod: dict[str, Any],
    sites: list[tuple[str, str]],
    policies: dict[str, list[str]],
    passed: list[tuple[str, ...]],
) -> None:
    prod["access"] = {"team": "t", "groups": GROUPS}
    prod["siteOrder"] = "written"
    prod["sites"] = [
        {"hostname": HOST, "root": "/srv/www", "access": access, **({"path": path} if path else {})}
        for path, access in sites
    ]

    settings = build(prod, deployment="argoweb/prod")

    assert settings.access is not None
    made = {it.uri: [policy.key for policy in it.policies] for it in settings.access.applications}
    assert made == policies
    assert [it.passed for it in settings.sites] == passed


@pytest.mark.parametrize(
    ("sites", "passed"),
    [
        # The hostname has paths alone, and a wildcard takes its other ones.
        (
            [(HOST, "^/x/", "ci"), ("*.example.com", "", "staff")],
            [(f"{HOST}/x/*",), (HOST, "*.example.com")],
        ),
        (
            [(HOST, "^/x/", "public"), ("*.example.com", "", "staff")],
            [(), (HOST, "*.example.com")],
        ),
        ([(HOST, "^/x/", "staff"), ("*.example.com", "", "public")], [(f"{HOST}/x/*",), ()]),
        ([(HOST, "^/x/", "staff"), ("*", "", "public")], [(f"{HOST}/x/*",), ()]),
        # A path of a wildcard stands before the hostname.
        (
            [("*.example.com", "^/x/", "ci"), (HOST, "", "staff")],
            [("*.example.com", f"{HOST}/x/*"), (HOST,)],
        ),
        (
            [("*.example.com", "^/x/", "staff"), ("*.example.com", "", "public"), (HOST, "^/y/", "public")],
            [("*.example.com/x/*", f"{HOST}/x/*"), (), ()],
        ),
        # What lies below an exact path.
        (
            [(HOST, "^/x$", "public"), (HOST, "^/x/y/", "staff"), (HOST, "", "staff")],
            [(), (f"{HOST}/x/y/*",), (HOST, f"{HOST}/x/*")],
        ),
        ([(HOST, "^/x$", "staff"), (HOST, "^/x", "public"), (HOST, "", "ci")], [(f"{HOST}/x",), (), (HOST,)]),
        (
            [(HOST, "^/.*z$", "staff"), (HOST, "^/x$", "public"), (HOST, "", "staff")],
            [(HOST, f"{HOST}/x/*"), (), (HOST, f"{HOST}/x/*")],
        ),
    ],
)  # fmt: skip
def test_each_site_takes_the_tokens_of_all_applications_that_stand_before_its_requests(
    prod: dict[str, Any], sites: list[tuple[str, str, str]], passed: list[tuple[str, ...]]
) -> None:
    prod["access"] = {"team": "t", "groups": GROUPS}
    prod["siteOrder"] = "written"
    prod["sites"] = make_sites(sites)

    found = build(prod, deployment="argoweb/prod").sites

    assert [{*it.passed} for it in found] == [{*uris} for uris in passed]


def test_a_site_that_another_one_hides_is_closed_all_the_same(prod: dict[str, Any]) -> None:
    prod["access"] = {"team": "t", "groups": GROUPS}
    prod["siteOrder"] = "written"
    hidden = [("*.example.com", "", "public"), (HOST, "", "staff"), (HOST, "^/x/", "ci")]
    prod["sites"] = make_sites(hidden)

    settings = build(prod, deployment="argoweb/prod")

    assert settings.access is not None
    assert [it.passed for it in settings.sites] == [(), (HOST,), (f"{HOST}/x/*",)]
    assert {it.uri for it in settings.access.applications} == {HOST, f"{HOST}/x/*"}


def make_sites(sites: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    return [
        {"hostname": hostname, "root": "/srv/www", "access": access, **({"path": path} if path else {})}
        for hostname, path, access in sites
    ]  # fmt: skip


PATHS = ("", "", "^/x/", "^/x$", "^/x", "^/x(?:/|$)", "^/x/y/", "^/x/y$", "^/z")
ASKED = ("/", "/x", "/x/", "/x/a", "/xa", "/x/y", "/x/y/", "/x/y/b", "/z", "/zz/x", "/w")
HOSTS = (HOST, "a.example.com", "b.a.example.com", "q.a.example.com", "example.com")
SOME_SITES = st.lists(
    st.tuples(
        st.sampled_from((HOST, "*.example.com", "*.a.example.com", "b.a.example.com", "*")),
        st.sampled_from(PATHS),
        st.sampled_from(("public", "staff", "ci", "^/x/", "^/x$", "^/x/y/")),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda site: site[:2],
)


@given(chosen=SOME_SITES, order=st.sampled_from(("written", "sorted")))
@bounds(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
def test_the_edge_asks_for_what_the_server_asks_for_whatever_sites_there_are(
    prod: dict[str, Any], chosen: list[tuple[str, str, str]], order: str
) -> None:
    """A path in the place of a group is open within a site of staff's."""
    prod["access"] = {"team": "t", "groups": GROUPS}
    prod["siteOrder"] = order
    prod["sites"] = make_sites(chosen)
    for site in prod["sites"]:
        if site["access"].startswith("^"):
            site["access"] = {"groups": "staff", "except": site["access"]}
    try:
        settings = build(prod, deployment="argoweb/prod")
    except FindingsError:
        return
    assert settings.access is not None
    assert all(bool(it.passed) == bool(it.access) for it in settings.sites)
    if any("never reached" in str(it) for it in settings.warnings):
        return
    applications = {it.uri: it for it in settings.access.applications}
    router = Router(settings.rules)
    for hostname, path in itertools.product(HOSTS, ASKED):
        index = router.find_first(hostname, path)
        if index is None or index == len(settings.sites):
            continue
        site = settings.sites[index]
        before = [uri for uri in applications if parsed(uri).covers(hostname, path)]
        first = max(before, key=lambda uri: parsed(uri).rank, default=None)
        asked = applications[first].protection if first else None
        # Access's wildcard stands for one label, and the server refuses what comes by more.
        if not (site.access and first is None and hostname.count(".") > site.hostname.count(".")):
            assert asked == site.access, (hostname, path)
            assert (first in site.passed) == (site.access is not None), (hostname, path)


def test_two_paths_that_are_one_to_access_are_for_the_same_visitors(prod: dict[str, Any]) -> None:
    exact, more = {"path": "^/x$", "access": "ci"}, {"path": "^/x(?:/|$)", "access": "staff"}

    (problem,) = refused(prod, exact, more, {"access": "public"})

    assert problem == (
        "argoweb:sites[1].path: Access has one application for 'www.example.com/x', which is that of argoweb:sites[0], for "
        "other visitors. Let both be for the same ones, or write another path."
    )


FULL: dict[str, Any] = {
    "groups": ["staff"],
    "policies": [ID],
    "session": "1h",
    "denyText": "no",
    "denyUrl": "https://www.example.com/no",
    "sameSite": "strict",
    "bindingCookie": True,
    "loginMethods": [ID],
    "appLauncher": False,
    "cors": {"origins": "https://app.example.com"},
}
OTHERWISE: dict[str, Any] = {
    "session": "2h",
    "denyText": "not you",
    "denyUrl": "https://www.example.com/not-you",
    "sameSite": "lax",
    "bindingCookie": False,
    "loginMethods": [ID, ID.replace("1", "2")],
    "appLauncher": True,
    "cors": {"origins": "https://other.example.com"},
}


def protected(prod: dict[str, Any], default: Any, access: Any) -> Site:
    """A site with its own `access` beside a default."""
    prod["access"] = {"team": "t", "groups": GROUPS, "default": default}
    prod["sites"] = [{"hostname": HOST, "root": "/srv/www", "access": access}]
    return build(prod, deployment="argoweb/prod").sites[-1]


@pytest.mark.parametrize("key", OTHERWISE)
def test_a_site_that_names_nobody_takes_all_of_the_default_but_what_it_says_itself(
    prod: dict[str, Any], key: str
) -> None:
    said = {key: OTHERWISE[key]}

    beside = protected(prod, FULL, said)

    assert beside.access == protected(prod, "ci", {**FULL, **said}).access
    assert beside.access != protected(prod, "ci", FULL).access


def test_a_site_that_names_somebody_takes_nothing_of_the_default(prod: dict[str, Any]) -> None:
    beside = protected(prod, FULL, "ci")

    assert beside == protected(prod, "staff", "ci")


def test_a_site_with_a_check_of_the_users_own_is_opened_by_nothing(prod: dict[str, Any]) -> None:
    prod["access"] = {"team": "t", "groups": {"staff": GROUPS["staff"]}}
    prod["sites"] = [
        {"hostname": "www.example.com", "root": "/srv/www", "originRequest": TOKEN},
        {"hostname": "*.example.com", "root": "/srv/www", "access": "staff"},
    ]

    settings = build(prod, deployment="argoweb/prod")

    assert settings.access is not None
    assert [it.uri for it in settings.access.applications] == ["*.example.com"]


def test_an_open_path_that_an_earlier_site_takes_is_warned_of(prod: dict[str, Any]) -> None:
    prod["access"] = {"team": "t", "groups": GROUPS, "default": "staff"}
    site = {"hostname": "www.example.com", "root": "/srv/www"}
    prod["sites"] = [{**site, "path": "^/a/"}, {**site, "access": {"except": "^/a/b/"}}]

    warnings = [*map(str, build(prod, deployment="argoweb/prod").warnings)]

    assert [it for it in warnings if "never reached" in it] == [
        "argoweb:sites[1].access.except: is never reached: argoweb:sites[0] takes the same requests and stands before it. "
        "Move it up."
    ]


def test_a_group_that_no_site_names_is_told(prod: dict[str, Any]) -> None:
    prod["access"] = {"team": "t", "groups": GROUPS, "default": "staff"}

    assert [*map(str, build(prod, deployment="argoweb/prod").warnings)] == [
        "argoweb:access.groups.ci: no site names it, so nothing is made of it."
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("^/a/", ("/a/*", False)),
        ("^/a/b-c_d~1", ("/a/b-c_d~1*", False)),
        (r"^/v1\.2/x$", ("/v1.2/x", True)),
        ("^/v1[.]2(?:/|$)", ("/v1.2", False)),
        ("^/a($|/)", ("/a", False)),
        ("(?i)^/a/", ("/a/*", False)),
        *((path, None) for path in (
            "", "^", "^/", "/a/", "a", "^/a.b/", "^/a//b", r"^/\.\./a/", r"^/a/\.$", "^/a/.*", "^/%61", "^/a|^/b",
            "^/a b", "^/é", "^/a/?$", r"^/a\/", "^/a*", "^/(?:a|b)/", "^/a\n",
        )),
    ],
)  # fmt: skip
def test_paths_as_access_has_them(path: str, expected: tuple[str, bool] | None) -> None:
    assert translate_path(path) == expected


@pytest.mark.parametrize(
    ("uri", "around"),
    [
        ("www.example.com/api", "www.example.com"),
        ("www.example.com/api/x", "www.example.com/api"),
        ("www.example.com/api/x", "www.example.com/api/*"),
        ("www.example.com/apis", "www.example.com/api*"),
        ("www.example.com/api", "*.example.com"),
        ("www.example.com", "*.example.com"),
    ],
)
def test_an_application_is_within_the_one_that_took_its_requests_before(
    uri: str, around: str
) -> None:
    assert is_within(uri, around)
    assert not is_within(around, uri)


@pytest.mark.parametrize(
    ("uri", "other"),
    [
        ("www.example.com/api", "www.example.com/api"),
        ("www.example.com/apis", "www.example.com/api"),
        ("www.example.com/apis", "www.example.com/pi"),
        ("www.example.com", "www.example.com/a"),
        ("www.example.com/api", "example.com"),
        ("a.www.example.com", "*.example.com"),
        ("www.example.com/a", "*.example.com/b"),
    ],
)
def test_no_other_application_is_around_it(uri: str, other: str) -> None:
    assert not is_within(uri, other)
