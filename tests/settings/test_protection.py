"""What a site's `access` becomes, and what is refused of it."""

from typing import Any

import pytest

from settings import FindingsError
from settings.access_paths import access_path
from settings.build import build

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


def test_what_has_no_application_or_two_readings_is_refused(prod: dict[str, Any]) -> None:
    everything = {"hostname": "*", "access": "staff"}
    by_hand = {"originRequest": TOKEN, "access": "staff"}
    outside = {"path": "^/a/", "access": {"groups": "staff", "except": "^/b/"}}

    (no_application,) = refused(prod, everything)
    (twice,) = refused(prod, by_hand)
    (elsewhere,) = refused(prod, outside)

    assert no_application.startswith(
        "argoweb:sites[0].hostname: '*' can have no Access application."
    )
    assert twice.startswith("argoweb:sites[0].originRequest.access: is written by argoweb")
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
    assert access_path(path) == expected
