"""Finds what takes the requests for a hostname before the stack's record does: a Worker, a load balancer, other name servers."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from argoweb.report import observe
from existing.api import Api, ApiError
from existing.zone import check_delegated
from settings import Zone
from values.findings import Finding, Findings


def find_shadows(
    api: Api,
    path: str,
    zone: Zone,
    records: Collection[Mapping[str, Any]],
    hostnames: Collection[str],
) -> Iterator[Finding]:
    """Finds them in a zone, whose path in the API is `path`; leaves out what the token may not see, which it need not."""
    findings = Findings()
    check_delegated(zone, records, hostnames, findings)
    for found in findings.warnings:
        yield observe("record-shadowed", zone.name, found.text)
    for route in _look(api, f"{path}/workers/routes"):
        pattern = str(route["pattern"]).partition("://")[2] or str(route["pattern"])
        for hostname in hostnames:
            # A route without a Worker exempts its requests from the Workers of wider routes.
            if route.get("script") and _takes(pattern.partition("/")[0].lower(), hostname):
                said = (
                    f"the Worker '{route['script']}' takes requests first, by its route {pattern}"
                )
                yield observe("record-shadowed", hostname, said)
    balancers = {
        str(it["name"]).lower()
        for it in _look(api, f"{path}/load_balancers")
        if it.get("enabled", True)
    }
    for hostname in hostnames:
        if hostname in balancers:
            said = "a load balancer of that name takes its requests"
            yield observe("record-shadowed", hostname, said)


def _takes(pattern: str, hostname: str) -> bool:
    """Whether the hostname of a Worker's route matches a hostname: `*` at its beginning stands for any text."""
    if pattern.startswith("*"):
        return hostname.endswith(pattern[1:])
    return hostname == pattern


def _look(api: Api, path: str) -> list[dict[str, Any]]:
    """Gives the items of a list of the API, and none if the token may not see them."""
    try:
        return api.read_list(path, "")
    except ApiError:
        return []
