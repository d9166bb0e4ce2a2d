"""The hostnames of the stack against the records that are there."""

import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pulumi

from lookup import permissions
from lookup.api import PER_PAGE, Api, ApiError
from lookup.errors import LookupFailed
from lookup.imported_tunnel import import_problem
from lookup.state import OwnState
from lookup.tunnel_name import name_problem
from lookup.zone import crowded, shadowed
from settings import Access, Settings, Site, Zone, comment_of, owner_mark

_AT_ONCE = 8
"""Requests that wait for an answer at the same time."""
_EXCLUSIVE = ("A", "AAAA", "CNAME")
"""Types of record that leave no room for a CNAME of the same name."""
_MARK = re.compile(r"(?:^|\()argoweb ([\w.-]+/[\w.-]+)\)?$")
"""How the comment of each stack's record ends."""
_Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A hostname whose record is the stack's, or shall be."""

    hostname: str
    """Fully qualified, lower case, punycode, no trailing dot: what the API gives back."""
    zone_id: str
    comment: str
    """Ends with whose the record is."""
    tags: Sequence[str]
    found: bool
    """Whether visitors find something at it already, by a record of its own or by a wildcard's; below a wildcard
    hostname, at any name."""
    adopted: str | None
    """The id of a record that is there, but not in the stack's state, and becomes the stack's."""


def claims(settings: Settings, access: Access, own: OwnState) -> list[Claim]:
    """The claim to each hostname that gets a record. Each zone is listed once.

    Raises:
        LookupFailed: a hostname has a record of somebody else's, the tunnel cannot be imported or made, or the API does not tell.
    """
    api = Api(access)
    tunnel = (import_problem(settings, api, own), name_problem(settings, api, own))
    problems = [problem for problem in tunnel if problem]
    records = _all_records(settings, api, problems)
    found: list[Claim] = []
    for hostname, site in settings.named.items():
        zone = settings.zone_of(hostname).name
        if zone not in records:
            continue
        zone_id, by_name = records[zone]
        try:
            found.append(_decide(site, zone_id, by_name, settings.deployment, own))
        except _Clash as clash:
            problems.append(str(clash))
    if problems:
        raise LookupFailed(problems)
    return found


def _is_found(hostname: str, names: Collection[str]) -> bool:
    labels = hostname.split(".")
    around = {hostname, *(".".join(["*", *labels[count:]]) for count in range(1, len(labels)))}
    below = hostname.removeprefix("*") if hostname.startswith("*.") else None
    return not around.isdisjoint(names) or (
        below is not None and any(name.endswith(below) for name in names)
    )


class _Clash(Exception):
    """A hostname has a record of somebody else's; the text says whose, and what to do."""


_Records = tuple[str, dict[str, list[_Record]]]
"""A zone's id and its records by hostname, of those that exclude a CNAME."""


def _all_records(settings: Settings, api: Api, problems: list[str]) -> dict[str, _Records]:
    """By the names of the zones that hold a hostname; a zone that cannot be read is a problem and left out."""
    zones = {zone.name: zone for zone in map(settings.zone_of, settings.named)}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = {
            name: pool.submit(_records_of, api, settings, zone) for name, zone in zones.items()
        }
    records: dict[str, _Records] = {}
    for name, future in asked.items():
        try:
            records[name] = future.result()
        except ApiError as error:
            problems.append(str(error))
    return records


def _records_of(api: Api, settings: Settings, zone: Zone) -> _Records:
    try:
        found = {"id": zone.id} if zone.id else _looked_up(api, settings.account_id, zone.name)
        zone_id = str(found["id"])
        listed = api.listed(f"zones/{zone_id}/dns_records", permissions.DNS, per_page=PER_PAGE)
    except ApiError as error:
        raise ApiError(f"{zone.place}: {error}") from None
    records: dict[str, list[_Record]] = {}
    for record in listed:
        if zone.id and not f".{record['name'].lower()}".endswith(f".{zone.name}"):
            raise ApiError(
                f"{zone.place}.id: is that of another zone: it has a record '{record['name']}'. Correct it, or leave it out."
            )
        if record["type"] in _EXCLUSIVE:
            records.setdefault(record["name"].lower(), []).append(record)
    hostnames = [name for name in settings.named if settings.zone_of(name).name == zone.name]
    for warning in shadowed(zone, listed, hostnames):
        pulumi.log.warn(warning)
    if notice := crowded(zone, found, listed, hostnames):
        pulumi.log.info(notice)
    return zone_id, records


def _looked_up(api: Api, account_id: str, name: str) -> dict[str, Any]:
    found = api.listed("zones", permissions.ZONE, **{"name": name, "account.id": account_id})
    if not found:
        raise ApiError(
            f"the account {account_id} has no zone '{name}' that the token may see. Add it at Cloudflare, or write its `id`."
        )
    return found[0]


def _decide(
    site: Site,
    zone_id: str,
    by_name: Mapping[str, Sequence[_Record]],
    deployment: str,
    own: OwnState,
) -> Claim:
    """The claim to a hostname.

    Raises:
        _Clash: somebody else has it.
    """
    adopted = None
    there = by_name.get(site.hostname, [])
    recorded = own.records.get((zone_id, site.hostname))
    foreign = [record for record in there if record["id"] != recorded]
    if recorded is None and [record["type"] for record in foreign] == ["CNAME"]:
        found, owner = foreign[0]["id"], _owner(foreign[0])
        # With our mark it was made by an update that was cut off before it could note it. Where the state does not tell,
        # it may be in it: the engine would import it as another one, and delete "the old one", which is the same.
        wanted = own.known if owner == deployment else owner is None and site.dns.adopt
        if wanted and found not in own.records.values():
            adopted, foreign = found, []
        elif owner == deployment and not own.known:
            pulumi.log.warn(_perhaps_ours(site))
            foreign = []
    if recorded is not None and not there:
        pulumi.log.warn(
            f"{site.place}.hostname: the record of '{site.hostname}' that this stack made is gone at Cloudflare. "
            "Run `pulumi refresh`, then `pulumi up`."
        )
    if foreign:
        raise _Clash(_clash(site, foreign, deployment, gone=recorded is not None))
    return Claim(
        hostname=site.hostname,
        zone_id=zone_id,
        comment=comment_of(site, owner_mark(deployment)),
        tags=site.dns.tags,
        found=_is_found(site.hostname, by_name),
        adopted=adopted,
    )


def _owner(record: _Record) -> str | None:
    """The stack that a record's comment names, as `project/stack`."""
    found = _MARK.search(record.get("comment") or "")
    return found and found[1]


def _clash(site: Site, foreign: Sequence[_Record], deployment: str, *, gone: bool) -> str:
    shown = " and ".join(_shown(record) for record in foreign)
    owners = [owner for owner in map(_owner, foreign) if owner not in (None, deployment)]
    if owners:
        way = f"Take the site out of the stack {owners[0]} and run `pulumi up` there first."
    elif [record["type"] for record in foreign] == ["CNAME"]:
        way = f"Remove it there, or take it over with: pulumi config set --path '{site.place}.dns.adopt' true"
    else:
        way = "Remove it there; only a CNAME can be taken over."
    first = (
        "Run `pulumi refresh`, since the record that this stack made is gone. Then: "
        if gone
        else ""
    )
    return f"{site.place}.hostname: '{site.hostname}' has a record that is not of this stack: {shown}. {first}{way}"


def _perhaps_ours(site: Site) -> str:
    return (
        f"{site.place}.hostname: '{site.hostname}' has a record with this stack's mark, and the stack's state does not "
        "tell whether it has it. If `pulumi up` ends with 81053, it does not: run `pulumi up` once more, which takes it in."
    )


def _shown(record: _Record) -> str:
    comment = f" (comment '{record['comment']}')" if record.get("comment") else ""
    return f"{record['type']} {record['content']}{comment}"
