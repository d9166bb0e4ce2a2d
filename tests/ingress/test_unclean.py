"""Which paths are refused where paths choose the site, by the expression that cloudflared and Caddy get."""

import pytest

from cloudflared.go.regexp import Pattern
from cloudflared.unclean import UNCLEAN


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
