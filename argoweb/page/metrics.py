"""Asks over SSH what cloudflared and Caddy count; no port is opened on the server for it."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from argoweb.connection import NoConnection, run_program
from argoweb.programs import write_metrics_program
from argoweb.stack import Stack
from settings import Server

_ADMIN = "localhost:2019"
"""Caddy's admin endpoint."""
_LINE = re.compile(r"(\w+)(?:\{(.*)\})? ([0-9.eE+-]+|NaN|\+Inf)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_DURATION = "caddy_http_request_duration_seconds"
_REQUESTS = "cloudflared_tunnel_total_requests"
_OUTER = "subroute"
"""The handler around all of a site's: the ones inside of it count the same requests again."""
_SLOW = 0.95
Sample = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """A site's requests in the last seconds."""

    requests: float
    """Requests a second."""
    errors: float
    """Answers with a status from 500 on, a second."""
    slow: float | None
    """Seconds within which 95 of 100 were answered; `None` without requests."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The numbers of a server in the last seconds."""

    sites: Mapping[str, Numbers]
    """By hostname."""
    requests: float | None
    """Requests that came by its tunnel, a second; `None`: not told."""


async def count(stack: Stack) -> dict[str, Counted]:
    """Asks each server for its numbers, which are given by its name; leaves out servers that do not answer."""
    found = await asyncio.gather(*(_count(stack, server) for server in stack.settings.servers))
    names = [server.name for server in stack.settings.servers]
    return {name: each for name, each in zip(names, found, strict=True) if each is not None}


async def _count(stack: Stack, server: Server) -> Counted | None:
    program = write_metrics_program(*(each.metrics for each in stack.settings.instances), _ADMIN)
    try:
        text, _ = await run_program(server, stack.private_key, program)
    except NoConnection:
        return None
    return compare_samples(text)


def compare_samples(text: str) -> Counted | None:
    """Computes the numbers from the two samples of counters that the server program has printed."""
    times, samples = list[float](), list[Sample]()
    address = ""
    current: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for line in text.splitlines():
        kind, _, rest = line.partition("\t")
        if kind == "sample":
            times.append(float(rest.replace(",", ".")))
            current = {}
            samples.append(current)
        elif kind == "from":
            address = rest
        elif found := _LINE.fullmatch(line):
            labels = tuple(sorted((*_LABEL.findall(found[2] or ""), ("from", address))))
            current[found[1], labels] = float(found[3])
    if len(samples) != 2 or times[1] <= times[0]:
        return None
    seconds = times[1] - times[0]
    # A counter that has become smaller began anew after a restart: it counts as no growth.
    grown = {key: max(value - samples[0].get(key, 0.0), 0.0) for key, value in samples[1].items()}
    requests = [value for (name, _), value in grown.items() if name == _REQUESTS]
    return Counted(
        sites=_count_by_site(grown, seconds), requests=sum(requests) / seconds if requests else None
    )


def _count_by_site(grown: Sample, seconds: float) -> dict[str, Numbers]:
    count: dict[str, float] = defaultdict(float)
    errors: dict[str, float] = defaultdict(float)
    buckets: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for (name, labels), value in grown.items():
        of = dict(labels)
        host = of.get("host", "")
        if not host or of.get("handler") != _OUTER:
            continue
        if name == f"{_DURATION}_count":
            count[host] += value
            errors[host] += value if of.get("code", "").startswith("5") else 0.0
        elif name == f"{_DURATION}_bucket":
            buckets[host][float(of["le"])] += value
    return {
        host: Numbers(
            requests=total / seconds,
            errors=errors[host] / seconds,
            slow=_estimate_quantile(sorted(buckets[host].items())),
        )
        for host, total in count.items()
    }


def _estimate_quantile(buckets: Sequence[tuple[float, float]]) -> float | None:
    """Estimates the time within which 95 % of requests were answered, from the counts of a histogram's buckets."""
    if not buckets or not buckets[-1][1]:
        return None
    wanted = _SLOW * buckets[-1][1]
    below, before = 0.0, 0.0
    for bound, total in buckets:
        if total >= wanted:
            if bound == float("inf"):
                return below
            return below + (bound - below) * (wanted - before) / max(total - before, 1e-9)
        below, before = bound, total
    return below
