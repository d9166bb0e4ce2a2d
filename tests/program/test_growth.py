"""Twice as many sites take twice as many steps of the program."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.existing.conftest import ZONE, Cloudflare
from tests.program.conftest import PROJECT, ROOT, STACK, Program

_FEW = 50
_NEARLY = 2.1
_BY_CHANCE = 200
"""Steps that a run may take more than another one, as those of one more attempt where an answer is slow; what takes the
square has thousands more."""
_RECORD = "cloudflare:index/dnsRecord:DnsRecord"


@cache
def _file_of_ours(name: str) -> str | None:
    path = Path(name)
    if not path.is_relative_to(ROOT) or {".venv", "tests"} & {*path.parts}:
        return None
    return str(path.relative_to(ROOT))


@contextmanager
def steps() -> Iterator[dict[str, int]]:
    """Counts the lines of each of the product's files that run, each turn of a loop anew."""
    found: dict[str, int] = defaultdict(int)

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        name = _file_of_ours(frame.f_code.co_filename)
        if name is None:
            return None

        def count(_frame: FrameType, _event: str, _argument: object) -> Any:
            found[name] += 1
            return count

        return count

    sys.settrace(trace)
    try:
        yield found
    finally:
        sys.settrace(None)


def plain(number: int) -> list[dict[str, str]]:
    """A hostname, of cloudflared's and of Caddy's in turn."""
    backends = {"service": "http://127.0.0.1:3000"}, {"proxy": "127.0.0.1:3001"}
    return [{"hostname": f"s{number}.example.com", **backends[number % 2]}]


def of_every_kind(number: int) -> list[dict[str, str]]:
    """A hostname with paths, and a wildcard below it."""
    name = f"s{number}.example.com"
    return [
        {"hostname": name, "path": "^/api", "proxy": "127.0.0.1:3001"},
        {"hostname": name, "path": "^/status$", "service": "http://127.0.0.1:3000"},
        {"hostname": name, "root": "/srv/www"},
        {"hostname": f"*.{name}", "redirect": f"https://{name}{{uri}}"},
    ]


def add(program: Program, cloudflare: Cloudflare, tunnel: str, sites: list[dict[str, str]]) -> None:
    """More sites of a stack, and what an update has made of them."""
    program.values["sites"] += sites
    records = [
        {
            "zone_id": ZONE,
            "name": hostname,
            "type": "CNAME",
            "content": f"{tunnel}.cfargotunnel.com",
            "proxied": True,
            "comment": f"argoweb {PROJECT}/{STACK}",
        }
        for hostname in {site["hostname"] for site in sites}
    ]
    cloudflare.control("/seed", {"records": records})
    for record in cloudflare.control("/dump")["records"]:
        urn = f"urn:pulumi:{STACK}::{PROJECT}::argoweb:index:Records${_RECORD}::records-{record['name']}"
        outputs = {**record, "zoneId": ZONE, "tags": []}
        program.state[urn] = {"type": _RECORD, "outputs": outputs}


@pytest.mark.parametrize("routing", ["cloudflared", "caddy"])
@pytest.mark.parametrize("kind", [plain, of_every_kind])
def test_twice_as_many_sites_take_no_more_than_twice_the_steps(
    program: Program,
    cloudflare: Cloudflare,
    routing: str,
    kind: Callable[[int], list[dict[str, str]]],
) -> None:
    tunnel = program.in_use()
    program.values |= {"sites": [], "routing": routing}
    counted = []
    for numbers in (range(_FEW), range(_FEW, 2 * _FEW)):
        add(program, cloudflare, tunnel, [site for number in numbers for site in kind(number)])
        with steps() as found:
            asked = program.run(preview=True)
        hostnames = {site["hostname"] for site in program.values["sites"]}
        assert sum(each["type"] == _RECORD for each in asked.values()) == len(hostnames)
        counted.append(found)

    few, many = counted
    assert {
        name: (few[name], taken)
        for name, taken in many.items()
        if taken > _NEARLY * few[name] + _BY_CHANCE
    } == {}
