"""The order in which sites are tried: as they are written, or sorted on request."""

from typing import Any

from settings import Settings
from settings.reading.build import build


def site(hostname: str, path: str | None = None) -> dict[str, Any]:
    return {"hostname": hostname, "root": "/srv", **({"path": path} if path else {})}


def ordered(prod: dict[str, Any], order: str, *sites: dict[str, Any]) -> Settings:
    return build({**prod, "sites": [*sites], "siteOrder": order}, deployment="argoweb/prod")


HIDDEN = (
    site("*.example.com"),
    site("example.org", "^/a"),
    site("www.example.com"),
    site("www.example.com", "^/shop"),
)


def test_sites_are_sorted_on_request_and_the_result_is_shown(prod: dict[str, Any]) -> None:
    found = ordered(prod, "sorted", *HIDDEN)

    order = [("www.example.com", "^/shop"), ("www.example.com", ""), ("*.example.com", ""), ("example.org", "^/a")]  # fmt: skip
    assert [(site.hostname, site.path) for site in found.sites] == order
    assert [(rule.hostname, rule.path) for rule in found.rules] == [*order, ("", "")]
    assert found.warnings == ()
    assert found.notices == (
        "argoweb:siteOrder: the sites are tried in this order:\n"
        "  argoweb:sites[3]: www.example.com ^/shop\n"
        "  argoweb:sites[2]: www.example.com\n"
        "  argoweb:sites[0]: *.example.com\n"
        "  argoweb:sites[1]: example.org ^/a",
    )


def test_the_written_order_is_kept_and_warned_about(prod: dict[str, Any]) -> None:
    found = ordered(prod, "written", *HIDDEN)

    assert [site.hostname for site in found.sites] == [site["hostname"] for site in HIDDEN]
    assert found.notices == ()
    assert [warning.place for warning in found.warnings] == ["argoweb:sites[2]", "argoweb:sites[3]"]


def test_an_order_in_which_nothing_is_hidden_stays_without_a_word(prod: dict[str, Any]) -> None:
    sites = [site("b.example.com"), site("*.example.org"), site("a.example.com", "^/a"), site("a.example.com")]  # fmt: skip

    found = ordered(prod, "sorted", *sites)

    assert found == ordered(prod, "written", *sites)
