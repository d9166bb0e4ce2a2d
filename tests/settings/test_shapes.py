"""Each kind of value of a stack file and of cloudflared's: what it takes, what it says of another, and whose words it knows."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from cloudflared.flags import FILE
from settings.keys.stack import STACK
from values.findings import Findings
from values.kinds import Either, ListOf, MapOf, Shape
from values.tables import Short, Table

READ_LAST = Path(__file__).with_name("shapes.txt")
UUID = "6b0f4b1e-0000-4000-8000-00000000000a"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
TRIED: tuple[object, ...] = (
    None, True, 0, 5, -1, 443, 65536, 2**31, 1.5, [], ["a"], [5], {}, {"a": 1},
    "", "a", "web-1", "Web_1", "1.2", "-x", "a b", " a", "a:b", "x" * 32, "x" * 64, "x" * 101, "two\nlines", "a\tb", "\x00", "\ud800", "é",
    "true", "Yes", "off", "30s", "1h30m", "5", "0", "US", "us", "sorted", "info", "auto", "http2", "2026.8.2", "v1/x",
    "/", "/srv/www", "/srv/www/index.html", "/srv/a b", "/srv/%h", "/srv/../x", "srv/www", "~/x", "/run/app.sock", "^/x", "x.service",
    "127.0.0.1", "10.0.0.0/8", "::1", "[::1]", "127.0.0.1:3000", "[::1]:80", ":8080", "localhost:99999", "127.0.0.1:1, 127.0.0.1:2",
    "http://127.0.0.1", "http://127.0.0.1:80/x", "http://x:443", "https://x:80", "h2c://x:443", "https://ü.example/x", "https://www.example.com{uri}",
    "unix:/run/app.sock", "unix//run/app.sock", "http+unix:///run/x", "tcp://x:1", "ssh://git@example.com/x", "github:a/b#web1", "{$HOME}",
    "example.com", "*.example.com", "www.Example.com.", "ann@example.com", "EXAMPLE\\alice", "argoweb-x", "http_status:404", "socks-proxy",
    "0" * 32, "F" * 32, "a" * 64, UUID, UUID.upper(), f"sha256-{'A' * 43}=", KEY, KEY[:-4], "ssh-ed25519 AAAA", "ssh-dss AAAA",
)  # fmt: skip


def walk(shape: Shape, place: str) -> Iterator[tuple[str, Shape]]:
    """A kind of value and all that is in it, each with its place."""
    yield place, shape
    match shape:
        case Table():
            for name, key in shape.keys.items():
                yield from walk(key.shape, f"{place}.{name}")
        case MapOf():
            yield f"{place}.<name>", shape.key
            yield from walk(shape.item, f"{place}.*")
        case ListOf():
            yield from walk(shape.item, f"{place}[]")
        case Either():
            yield from walk(shape.other, place)
        case Short():
            yield from walk(shape.table, place)


def said(shape: Shape, value: object) -> str:
    findings = Findings()
    shape.read(value, "", findings)
    texts = [f"{it.place} {it.text}".lstrip() for it in (*findings.errors, *findings.warnings)]
    return "; ".join(text.rpartition("expected ")[2] for text in texts) or "taken"


def described(shape: Shape) -> str:
    lines: dict[str, list[str]] = {}
    for value in TRIED:
        if not (isinstance(shape, Table) and isinstance(value, Mapping)):
            shown = value if not isinstance(value, str) or len(value) < 100 else "x" * 101
            lines.setdefault(said(shape, value), []).append(ascii(shown))
    taken = lines.pop("taken", [])
    text = f"  takes {' '.join(taken) or 'none of these'}\n"
    text += "".join(f"  {it} [{len(of)}, as {of[0]}]\n" for it, of in lines.items())
    if isinstance(shape, Table):
        words: dict[str, list[str]] = {}
        for name in (*shape.misused, *sorted(shape.words)):
            words.setdefault(shape.say_wrong(name), []).append(name)
        text += "".join(f"  {it} [{' '.join(of)}]\n" for it, of in words.items())
    return text


def test_what_each_kind_of_value_takes_and_says_is_what_was_read_last() -> None:
    shapes = [*walk(STACK, "argoweb"), *walk(FILE, "cloudflared.yml")]
    shown = {id(shape): described(shape) for shape in {id(it): it for _, it in shapes}.values()}
    places: dict[str, list[str]] = {}
    for place, shape in shapes:
        places.setdefault(shown[id(shape)], []).append(place)
    text = "".join(f"{' '.join(of)}\n{about}" for about, of in places.items())

    if "WRITE" in os.environ:  # as `make messages` does
        READ_LAST.write_text(text)
    assert text == READ_LAST.read_text(), "run `make messages` and read what has changed"
