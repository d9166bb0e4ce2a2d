"""What of a site a visitor can ask for."""

from typing import Any

import pytest

from edge import list_asked, list_urls
from settings.reading.build import build

OWN = {"hostname": "www.example.com"}


@pytest.mark.parametrize(
    ("site", "url"),
    [
        ({"root": "/srv/www"}, "https://www.example.com/"),
        ({"proxy": "127.0.0.1:1"}, "https://www.example.com/"),
        ({"service": "http://127.0.0.1:1"}, "https://www.example.com/"),
        ({"service": "https://127.0.0.1:1"}, "https://www.example.com/"),
        ({"service": "unix:/run/app.sock"}, "https://www.example.com/"),
        ({"service": "unix+tls:/run/app.sock"}, "https://www.example.com/"),
        ({"service": "http_status:404"}, "https://www.example.com/"),
        ({"service": "hello_world"}, "https://www.example.com/"),
        ({"service": "ssh://127.0.0.1:22"}, None),
        ({"service": "tcp://127.0.0.1:5432"}, None),
        ({"service": "bastion"}, None),
        ({"root": "/srv/www", "path": "^/blog$"}, "https://www.example.com/blog"),
        ({"root": "/srv/www", "path": r"^/feed\.xml"}, "https://www.example.com/feed.xml"),
        ({"root": "/srv/www", "path": "/api"}, "https://www.example.com/api"),
        ({"root": "/srv/www", "path": "^/[a-z]+"}, None),
        ({"root": "/srv/www", "path": "^/blog", "hostname": "*.example.com"}, "https://*.example.com/blog"),
        ({"root": "/srv/www", "hostname": "*"}, None),
    ],
)  # fmt: skip
def test_a_site_of_the_web_is_asked_for_by_the_path_that_it_takes(
    prod: dict[str, Any], site: dict[str, Any], url: str | None
) -> None:
    first = {"hostname": "first.example.com", "root": "/srv/first"}
    settings = build({**prod, "sites": [first, OWN | site]}, deployment="shop/dev")

    urls = [url] if url else []
    assert list_urls(settings) == ["https://first.example.com/", *urls]
    asked = [f"https://{hostname}{path}" for _, hostname, path in list_asked(settings)]
    assert asked[1:] == [url.replace("*", "argoweb-asks") for url in urls]
