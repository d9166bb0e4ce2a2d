"""Which paths are refused where paths choose the site, by the expression that cloudflared and Caddy get."""

import pytest

from cloudflared.go.regexp import Pattern
from cloudflared.rules import Rule
from cloudflared.unclean import UNCLEAN, check_unclean
from values.findings import Findings


@pytest.mark.parametrize(
    "path",
    [
        "", "a", "a/b", "//", "/a//b", "/.", "/..", "/./a", "/../a", "/a/.", "/a/..", "/a/./b", "/a/../b",
        "/a/..;/b", "/a/..;x/b", "/a/.;/b", "/a\\b", "/a/..\\b", "/a\x00", "/a\x1fb", "/a\r\nb", "/a\x7fb",
    ],
)  # fmt: skip
def test_what_somebody_could_read_otherwise_is_refused(path: str) -> None:
    assert Pattern(UNCLEAN).is_found_in(path)


@pytest.mark.parametrize(
    "path",
    ["/", "/a", "/a/", "/a/b", "/.well-known/x", "/.a", "/..a", "/...", "/a..", "/a/b.", "/a;b", "/;", "/a b", "/\u00e9\u00a0", "/a/.b/..c/d"],
)  # fmt: skip
def test_what_everybody_reads_alike_is_not(path: str) -> None:
    assert not Pattern(UNCLEAN).is_found_in(path)


@pytest.mark.parametrize("required", [True, False])
def test_a_token_that_is_not_required_is_as_none(required: bool) -> None:
    access = {"required": required, "teamName": "t", "audTag": ["a"]}
    rules = [Rule(path="^/open", service="x"), Rule(service="x", origin_request={"access": access})]
    findings = Findings()

    check_unclean(rules, ["one", "two"], findings)

    assert [it.code for it in findings.warnings] == ["path-bypass"] * required
