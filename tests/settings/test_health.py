"""Which URLs of a stack's health check are its own sites', and how Caddy is asked for them."""

from typing import Any

import pytest

from settings import FindingsError
from settings.model.stack import Health, SiteUrl
from settings.reading.build import build

SITES = [
    {"hostname": "www.example.com", "path": "^/shop", "proxy": "127.0.0.1:3000"},
    {"hostname": "www.example.com", "path": "^/ssh", "service": "http://127.0.0.1:3001"},
    {"hostname": "*.example.com", "root": "/srv/www", "path": "^/docs", "dns": False},
]
INTERNAL = {"internal": True, "noTLSVerify": True}
FILES = {"certificate": "/c.pem", "key": "/k.pem"}


def health(prod: dict[str, Any], *urls: str, **caddy: Any) -> Health:
    prod |= {"sites": SITES, "health": {"urls": [*urls]}}
    prod["caddy"] = caddy
    return build(prod, deployment="argoweb/prod").health


@pytest.mark.parametrize(
    ("given", "hostname", "asked", "caddy"),
    [
        ("http://www.example.com/shop?a=1#b", "www.example.com", "http://www.example.com/shop?a=1", {}),
        ("https://www.example.com/shop", "www.example.com", "http://www.example.com/shop", {}),
        ("https://WWW.Example.com:8443/shop", "www.example.com", "http://www.example.com/shop", {}),
        ("http://a.example.com/docs/", "a.example.com", "http://a.example.com/docs/", {}),
        ("http://www.example.com/shop", "www.example.com", "https://www.example.com/shop", {"tls": FILES}),
        ("http://www.example.com/shop", "www.example.com", "https://argoweb.internal/shop", {"tls": INTERNAL}),
    ],
)  # fmt: skip
def test_a_url_of_a_site_is_asked_of_caddy_in_the_way_that_it_listens(
    prod: dict[str, Any], given: str, hostname: str, asked: str, caddy: dict[str, Any]
) -> None:
    found = health(prod, given, **caddy)

    assert (found.urls, found.sites) == ([], [SiteUrl(hostname=hostname, url=asked)])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:3000/x",
        "https://www.example.org/shop",
        "http://192.0.2.7:8080/",
        "http://app:8080/",
    ],
)
@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0", "::"])
def test_any_other_url_is_asked_as_it_is(prod: dict[str, Any], url: str, bind: str) -> None:
    found = health(prod, url, bind=bind)

    assert (found.urls, found.sites) == ([url], [])


def test_where_caddy_has_no_site_its_address_is_that_of_another_service(
    prod: dict[str, Any],
) -> None:
    service = "http://127.0.0.1:8080"
    prod |= {
        "sites": [{"hostname": "www.example.com", "service": service}],
        "health": {"urls": [service]},
    }

    assert build(prod, deployment="argoweb/prod").health.urls == [service]


@pytest.mark.parametrize(
    ("url", "caddy", "message"),
    [
        *(
            (url, caddy, "is Caddy's own address, where it answers 404: it finds a site by its hostname. Write the site's URL.")
            for url, caddy in (
                ("http://127.0.0.1:8080/", {"bind": "0.0.0.0"}),
                ("http://[::1]:8080", {"bind": "::"}),
                ("http://192.0.2.7:8080", {"bind": "192.0.2.7"}),
                ("http://localhost/", {"port": 80}),
            )
        ),
        ("http://www.example.com/", {}, "is a page of www.example.com that no site of the stack takes."),
        (
            "http://www.example.com/ssh",
            {},
            "is one of argoweb:sites[1], which Caddy does not serve. Give the URL of its service, as http://127.0.0.1:3001.",
        ),
        (
            "http://www.example.com/shop",
            {"tls": {**FILES, "clientCa": "/ca.pem"}},
            "needs a client certificate (argoweb:caddy.tls.clientCa). Leave it out.",
        ),
    ],
)  # fmt: skip
def test_a_url_that_no_caddy_could_answer_is_refused_at_preview(
    prod: dict[str, Any], url: str, caddy: dict[str, Any], message: str
) -> None:
    with pytest.raises(FindingsError) as refused:
        health(prod, url, **caddy)

    assert refused.value.problems == (f"argoweb:health.urls[0]: {message}",)
