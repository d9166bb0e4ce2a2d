"""Finds sites for everybody at which an Access application of somebody else asks for a login."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from existing.access.lost import list_uris
from settings.looked_up import ACCESS_FOREIGN
from settings.model.access import EVERYBODY, Application, find_wildcard_above
from settings.model.stack import Site
from values.findings import Findings
from values.remedies import SetKey


def check_foreign(
    sites: Sequence[Site],
    made: Sequence[Application],
    others: Collection[Mapping[str, Any]],
    findings: Findings,
) -> set[str]:
    """Warns of each site for everybody at which somebody else's application asks for a login; gives their hostnames.

    `made` are the stack's applications: one of a hostname stands before another's of the wildcard above. `others` are those
    of the account that the stack has not made.
    """
    own = {each.uri for each in made}
    places = {
        site.hostname: site.place
        for site in sites
        if site.is_public and not site.path and site.hostname not in own
    }
    foreign = list(_list_asking(others))
    found = set()
    for hostname, place in places.items():
        exact = [(uri, it) for uri, it in foreign if uri.partition("/")[0] == hostname]
        above = [(uri, it) for uri, it in foreign if uri == find_wildcard_above(hostname)]
        for uri, application in exact or above:
            found.add(hostname)
            name, id = application["name"], application["id"]
            findings.add(
                ACCESS_FOREIGN,
                place,
                f"'{hostname}' is for everybody, but at '{uri}' the Access application {name!r} ({id}) asks for a login, and the "
                "server takes what comes without its token.",
                (
                    "Take the hostname out of it in the dashboard (Zero Trust, Access), or have the server ask for its token: ",
                    SetKey(f"{place}.access.application", id),
                ),
            )
    return found


def _list_asking(others: Collection[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for each in others:
        decisions = {policy.get("decision") for policy in each.get("policies") or ()}
        if each.get("type") == "self_hosted" and decisions != {EVERYBODY.decision}:
            yield from ((uri, each) for uri in list_uris(each))
