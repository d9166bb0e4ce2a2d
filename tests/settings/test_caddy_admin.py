"""Where Caddy's admin interface is, each check takes from one place."""

from typing import Any

import pytest

from settings import FindingsError
from settings.reading.build import build

MOVED = {"globalOptions": "admin localhost:9180"}


def errors(prod: dict[str, Any], **changed: Any) -> list[str]:
    try:
        build({**prod, **changed}, deployment="argoweb/prod")
    except FindingsError as error:
        return [f"{each.code} {each.place}" for each in error.findings]
    return []


@pytest.mark.parametrize(
    ("key", "at_the_port", "code"),
    [
        ("metrics", lambda port: {"address": f"127.0.0.1:{port}"}, "metrics-port argoweb:metrics.address"),
        ("cloudflared", lambda port: {"metrics": f"127.0.0.1:{port}"}, "port-taken argoweb:cloudflared.metrics"),
    ],
)  # fmt: skip
def test_a_moved_one_is_in_the_way_where_it_is_and_not_where_it_was(
    prod: dict[str, Any], key: str, at_the_port: Any, code: str
) -> None:
    assert errors(prod, **{key: at_the_port(2019)}) == [code]
    assert errors(prod, **{key: at_the_port(9180)}) == []

    assert errors(prod, caddy=MOVED, **{key: at_the_port(2019)}) == []
    assert errors(prod, caddy=MOVED, **{key: at_the_port(9180)}) == [code]


def test_one_that_is_off_or_at_a_socket_is_in_the_way_of_nothing(prod: dict[str, Any]) -> None:
    for given in ("off", "unix//run/caddy/admin.socket|0200"):
        caddy = {"globalOptions": f"admin {given}"}
        assert errors(prod, caddy=caddy, metrics={"address": "127.0.0.1:2019"}) == []


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        (["127.0.0.9", "::1"], "http://127.0.0.9:8080"),
        (["::1"], "http://[::1]:8080"),
        (["0.0.0.0"], "http://127.0.0.1:8080"),
        (["::"], "http://[::1]:8080"),
    ],
)
def test_cloudflared_reaches_caddy_where_it_listens_first(
    prod: dict[str, Any], bind: list[str], url: str
) -> None:
    prod["caddy"] = {"bind": bind}

    assert build(prod, deployment="argoweb/prod").caddy.url == url
