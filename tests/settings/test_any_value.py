"""Whatever stands at a place of the stack file, it is taken or it is refused with its place; the program never breaks."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from cloudflared import ORIGIN_REQUEST, SETTINGS
from settings import FindingsError
from settings.reading import ssh_key
from settings.reading.build import build

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
HASH = "sha256-" + "A" * 43 + "="
WHOLE: dict[str, Any] = {
    "accountId": "0" * 32,
    "tunnel": {"name": "web", "secretVersion": 1, "protect": True},
    "cloudflared": {**dict.fromkeys(SETTINGS.keys), "originRequest": dict.fromkeys(ORIGIN_REQUEST.keys)},
    "zones": [{"name": "example.com", "id": "0" * 32}, {"name": "example.org"}],
    "servers": {
        "web1": {
            "address": "192.0.2.10", "port": 22, "user": "root", "hostKey": KEY, "dialAttempts": 4, "dialTimeout": 10,
            "redeploy": 0, "letGo": False, "bastion": {"address": "192.0.2.1", "port": 22, "user": "me", "hostKey": KEY},
            "rebuild": {"flake": "/etc/nixos#web1", "buildHost": "b", "args": ["--fast"]},
        }
    },
    "sites": [
        {"hostname": "www.example.com", "path": "^/x", "root": "/srv/www", "originRequest": dict.fromkeys(ORIGIN_REQUEST.keys)},
        {"hostname": "a.example.com", "proxy": ["127.0.0.1:3000"], "dns": {"comment": "c", "tags": ["a:b"], "adopt": True}},
        {"hostname": "b.example.com", "redirect": "https://www.example.com{uri}", "dns": False},
        {"hostname": "c.example.com", "caddyfile": "respond hi"},
        {"hostname": "*.example.org", "service": "unix:/run/x"},
        {
            "hostname": "s.example.org", "service": "socks-proxy",
            "originRequest": {"ipRules": [{"prefix": "10.0.0.0/8", "ports": [80], "allow": True}], "access": {"required": True, "teamName": "t", "audTag": ["a"]}},
        },
    ],
    "siteOrder": "sorted",
    "caddy": {
        "bind": ["127.0.0.1"], "port": 8443, "unit": "caddy", "user": "caddy", "group": "www", "manage": True,
        "tls": {"certificate": "/c.pem", "key": "/k.pem", "internal": False, "caPool": "/ca.pem", "noTLSVerify": False, "clientCa": None},
        "globalOptions": "debug", "siteOptions": "log",
    },
    "package": {"url": "https://x/y", "rev": "1", "hash": HASH, "vendorHash": HASH, "version": "1"},
    "nixos": {"allowUnfree": True, "instances": 2, "configDir": "/etc/caddy", "dataDir": "/var/lib/argoWeb"},
    "health": {"timeout": 60, "urls": ["http://www.example.com/x", "http://127.0.0.1:1/"], "edge": True},
    "alerts": {"email": ["a@example.com"], "webhooks": "1" * 32, "pagerduty": "2" * 32, "when": ["down"]},
    "metrics": {"sites": True, "address": "10.0.0.5:9180"},
}  # fmt: skip
Place = tuple[str | int, ...]


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in a value but its own, keys of mappings and items of lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()  # fmt: skip
    for key, inner in items:
        yield (*at, key)
        yield from places(inner, (*at, key))


PIECES = (
    "a", "0", "9" * 5000, "/", ".", ":", "-", "*", "?", "%", "#", "@", "[", "]", "{", "}", "(", ")", "<", ">", "|", "\\", "^",
    "$", "`", "'", '"', ",", ";", "=", "+", "~", " ", "\t", "\n", "\0", "\x85", "\u2028", "\u00b2", "\u0663", "\u0430",
    "\u00df", "\u0130", "\U0001f600", "\ud800", "http://", "https://", "unix:", "tcp://", "xn--", "example.com", "127.0.0.1",
    "::1", "s", "1h", "sha256-", "ssh-rsa ", "10.0.0.0/8", "<<E", "null",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=5).map("".join)
SCALARS = TEXTS | st.none() | st.booleans() | st.integers() | st.floats()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)
CHANGES = st.lists(st.tuples(st.sampled_from(list(places(WHOLE))), VALUES), min_size=1, max_size=3)
_PLACED = re.compile(r"argoweb:\w+")


def changed(value: Any, place: Place, new: Any) -> Any:
    """A copy with another value at a place, where there is still such a place."""
    if not place:
        return new
    first, *rest = place
    if isinstance(value, dict):
        return {**value, first: changed(value.get(first), tuple(rest), new)}
    if isinstance(value, list):
        return [changed(v, tuple(rest), new) if i == first else v for i, v in enumerate(value)]
    return value


def problems(values: dict[str, Any]) -> tuple[str, ...]:
    """Those of a stack file that is refused."""
    try:
        build(values, deployment="argoweb/prod")
    except FindingsError as refused:
        return refused.problems
    return ()


def test_the_whole_file_is_taken() -> None:
    assert problems(WHOLE) == ()


@given(changes=CHANGES)
@example(changes=[(("tunnel",), {"@": None})])
@bounds(max_examples=150)
def test_any_value_at_any_place_is_taken_or_refused_with_its_place(
    changes: list[tuple[Place, Any]],
) -> None:
    values = WHOLE
    for place, value in changes:
        values = changed(values, place, value)

    assert [problem for problem in problems(values) if not _PLACED.match(problem)] == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("cloudflared", "grace-period"), "9" * 5000 + "s"),
        (("cloudflared", "originRequest", "connectTimeout"), "9" * 5000 + "s"),
        (("cloudflared", "metrics"), "127.0.0.1:\u00b2"),
        (("cloudflared", "metrics"), "127.0.0.1:" + "9" * 5000),
        (("sites", 0, "path"), "^/a{" + "9" * 5000 + "}"),
        (("sites", 1, "proxy"), "127.0.0.1:" + "9" * 5000),
        (("sites", 4, "service"), "http://127.0.0.1:" + "9" * 5000),
        (("caddy", "bind"), "9" * 5000),
    ],
)
def test_numbers_too_long_to_be_read_are_refused(place: Place, value: str) -> None:
    assert problems(changed(WHOLE, place, value))


def at(place: Place) -> Any:
    """What stands at a place of the whole file."""
    value = WHOLE
    for key in place:
        value = value[key]  # type: ignore[index]
    return value


@pytest.mark.parametrize("place", list(places(WHOLE)), ids=lambda place: ".".join(map(str, place)))
def test_half_a_character_is_refused_at_any_place_in_words_that_can_be_shown(place: Place) -> None:
    old = at(place)
    texts = ["\ud800", "http://a\udfff:1", *([f"{old}\ud800"] if isinstance(old, str) else [])]
    new: list[Any] = [*texts, ["\ud800"], {"\ud800": "x", "x": "\ud800"}]
    if isinstance(old, dict):
        new += [{**old, "\ud800": "x"}, {**old, "a-newer-key": {"x": ["\ud800"]}}]

    for value in new:
        found = problems(changed(WHOLE, place, value))
        assert found
        assert [problem for problem in found if not problem.isprintable()] == []


@pytest.mark.parametrize("character", ["\xe9", "\ufeff", "\ud800", "\0"])
def test_a_key_with_a_character_that_no_key_has_is_refused(character: str) -> None:
    for text in (f"{KEY[:40]}{character}{KEY[40:]}", KEY + character):
        assert problems(changed(WHOLE, ("servers", "web1", "hostKey"), text))
        pem = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n"
        assert ssh_key.find_problem(pem)
