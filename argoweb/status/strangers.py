"""Finds cloudflareds that are connected to the stack's tunnel and run on none of its servers."""

import time
from collections.abc import Iterable, Sequence

from argoweb.cloud import Connector
from argoweb.report import observe
from argoweb.server import ServerSeen
from values.findings import Finding

_SETTLED = 120.0
"""Seconds after the start of a unit in which Cloudflare may still know the one of before."""


def find_strangers(connectors: Iterable[Connector], servers: Sequence[ServerSeen]) -> list[Finding]:
    """Finds them by their ids; none while a server does not tell those of its own, or has started one lately."""
    own = {each.connector for server in servers for each in server.cloudflareds}
    if "" in own or not all(server.reached and server.cloudflareds for server in servers):
        return []
    lately = time.time() - _SETTLED
    if any((unit.since or 0) > lately for server in servers for unit in server.units):
        return []
    return [
        observe(
            "connector-unknown",
            "tunnel",
            f"a cloudflared {each.version} is connected that no server of the stack runs ({each.id}, since {each.since})",
        )
        for each in connectors
        if each.id not in own
    ]
