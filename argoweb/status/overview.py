"""Looks at a whole stack at once: Cloudflare, the servers, and what visitors get."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from argoweb.cloud import CloudSeen, look_at_cloudflare
from argoweb.report import observe
from argoweb.server import ServerSeen, look_at_servers
from argoweb.stack import Stack
from argoweb.status import edge
from argoweb.status.edge import Seen
from argoweb.status.strangers import find_strangers
from edge import find_hostname, find_path
from settings import Site
from values.findings import Finding

_SUCCEEDED = "succeeded"
_REFUSED = (401, 403)
_WRONG = 500
"""The first status that means that a site does not serve."""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What was found of a stack."""

    stack: Stack
    cloud: CloudSeen
    servers: Sequence[ServerSeen]
    edge: Mapping[tuple[str, str], Seen]
    """By hostname and path."""

    @property
    def lines(self) -> list[Finding]:
        """Everything that is wrong."""
        lines = [*_judge_update(self.stack), *self.cloud.lines]
        lines += find_strangers(self.cloud.connectors, self.servers)
        lines += [line for server in self.servers for line in server.lines]
        for (hostname, _), seen in self.edge.items():
            if seen.code is not None:
                lines.append(observe(seen.code, hostname, seen.text))
        for site in self.stack.settings.sites:
            shown = self.find_edge(site)
            if shown is not None and site.passed and not is_guarded(shown):
                said = f"{site.path or 'it'} answers {shown.status} without a login"
                lines.append(observe("access-open", site.hostname, said))
        for server in self.servers:
            for index, answer in server.origins.items():
                if not answer.status or answer.status >= _WRONG:
                    site = self.stack.settings.sites[index]
                    said = f"{site.hostname}{site.path} {f'gives {answer.status}' if answer.status else 'does not answer'} on the server"
                    lines.append(observe("origin-error", server.name, said))
        return lines

    def find_edge(self, site: Site) -> Seen | None:
        """Gives what a visitor sees of a site; `None` where nobody can ask."""
        hostname, path = find_hostname(site), find_path(site)
        return None if hostname is None or path is None else self.edge.get((hostname, path))


def _judge_update(stack: Stack) -> Iterator[Finding]:
    """Finds whether the last update came to its end."""
    update = stack.last_update or {}
    if update.get("result", _SUCCEEDED) != _SUCCEEDED:
        said = f"the last {update.get('kind', 'update')} ended on {update.get('endTime')} with: {update['result']}"
        yield observe("update-failed", "stack", said)
    for what in stack.state.pending:
        said = f"an update was cut off while it was {what}; nobody knows whether that was done"
        yield observe("update-failed", "stack", said)


def is_guarded(seen: Seen) -> bool:
    """Whether a visitor without a login was refused, or sent to one, or got no answer at all."""
    return seen.login or not seen.status or seen.status in _REFUSED or seen.code is not None


def look_at(stack: Stack, *, edge_url: str | None) -> Overview:
    """Asks Cloudflare, the servers and the edge at the same time; `edge_url` as in `edge.ask`."""
    asked = [
        (hostname, path)
        for site in stack.settings.sites
        if (hostname := find_hostname(site)) and (path := find_path(site))
    ]
    with ThreadPoolExecutor(2) as pool:
        cloud = pool.submit(look_at_cloudflare, stack)
        visitors = pool.submit(edge.ask, asked, edge_url)
        servers = asyncio.run(look_at_servers(stack, sites=True))
    return Overview(stack=stack, cloud=cloud.result(), servers=servers, edge=visitors.result())
