"""The hostnames of the stack against the records that are there."""

import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pulumi

from existing import permissions
from existing.api import PER_PAGE, Api, ApiError
from existing.edits import edits
from existing.state import Outputs, OwnState
from existing.zone import crowded, shadowed
from settings import Settings, Site, Zone, comment_of, owner_mark

_AT_ONCE = 8
"""Requests that wait for an answer at the same time."""
_EXCLUSIVE = ("A", "AAAA", "CNAME")
"""Types of record that leave no room for a CNAME of the same name."""
_MARK = re.compile(r"(?:^|\()argoweb ([\w.-]+/[\w.-]+)\)?$")
"""How the comment of each stack's record ends."""
_TUNNEL_DOMAIN = ".cfargotunnel.com"
_Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ZoneRecords:
    """A zone, and what is in it."""

    id: str
    by_name: Mapping[str, Sequence[_Record]]
    """The records that exclude a CNAME, by hostname."""
    by_id: Mapping[str, _Record]
    """All records."""


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
    lost: bool
    """Whether that one was made by this stack itself."""
    sent: bool
    """Whether the update makes the record or changes its comment or tags."""


def claims(
    settings: Settings, zones: Mapping[str, ZoneRecords], own: OwnState, problems: list[str]
) -> list[Claim]:
    """The claim to each hostname that gets a record.

    A hostname with a record of somebody else's goes to `problems`; what becomes of the stack's own records is said.
    """
    found: list[Claim] = []
    edited: list[str] = []
    for hostname, site in settings.named.items():
        zone = settings.zone_of(hostname).name
        if zone not in zones:
            continue
        try:
            found.append(_decide(site, zones[zone], settings.deployment, own, edited))
        except _Clash as clash:
            problems.append(str(clash))
    if edited:
        listed = "\n".join(f"  - {line}" for line in edited)
        pulumi.log.warn(
            "Records of this stack were changed at Cloudflare by somebody else. Only an update with --refresh sees that: "
            f"`pulumi up --refresh` makes them what the stack says.\n{listed}"
        )
    if again := [claim.hostname for claim in found if claim.lost]:
        pulumi.log.info(
            "Taken in, since they have this stack's mark and are not in its state, as after an update that broke off: "
            f"the records of {', '.join(again)}"
        )
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


def zone_records(settings: Settings, api: Api, problems: list[str]) -> dict[str, ZoneRecords]:
    """By the names of the zones that hold a hostname, each of which is listed once.

    One that cannot be read goes to `problems` and is left out.
    """
    zones = {zone.name: zone for zone in map(settings.zone_of, settings.named)}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = {
            name: pool.submit(_records_of, api, settings, zone) for name, zone in zones.items()
        }
    records: dict[str, ZoneRecords] = {}
    for name, future in asked.items():
        try:
            records[name] = future.result()
        except ApiError as error:
            problems.append(str(error))
    return records


def _records_of(api: Api, settings: Settings, zone: Zone) -> ZoneRecords:
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
    return ZoneRecords(
        id=zone_id, by_name=records, by_id={record["id"]: record for record in listed}
    )


def _looked_up(api: Api, account_id: str, name: str) -> dict[str, Any]:
    found = api.listed("zones", permissions.ZONE, **{"name": name, "account.id": account_id})
    if not found:
        raise ApiError(
            f"the account {account_id} has no zone '{name}' that the token may see. Add it at Cloudflare, or write its `id`."
        )
    return found[0]


def tunnels_led_to(zones: Mapping[str, ZoneRecords], deployment: str) -> set[str]:
    """The tunnels to which records with the stack's mark lead, by UUID."""
    return {
        record["content"].removesuffix(_TUNNEL_DOMAIN)
        for zone in zones.values()
        for record in zone.by_id.values()
        if record["type"] == "CNAME"
        and record["content"].endswith(_TUNNEL_DOMAIN)
        and _owner(record) == deployment
    }


def _decide(
    site: Site, zone: ZoneRecords, deployment: str, own: OwnState, edited: list[str]
) -> Claim:
    """The claim to a hostname; what somebody else changed of its record goes to `edited`.

    Raises:
        _Clash: somebody else has it.
    """
    adopted = owner = None
    recorded = own.records.get((zone.id, site.hostname))
    mine = None if recorded is None else zone.by_id.get(recorded["id"])
    there = zone.by_name.get(site.hostname, [])
    foreign = [record for record in there if record is not mine]
    if recorded is None and [record["type"] for record in foreign] == ["CNAME"]:
        found, owner = foreign[0]["id"], _owner(foreign[0])
        # With our mark it was made by an update that was cut off before it could note it.
        wanted = owner == deployment or (owner is None and site.dns.adopt)
        if wanted and found not in [record["id"] for record in own.records.values()]:
            adopted, foreign = found, []
    where = f"{site.place}.hostname: '{site.hostname}'"
    if recorded is not None and mine is None:
        pulumi.log.warn(
            f"{site.place}.hostname: the record of '{site.hostname}' that this stack made is gone at Cloudflare. "
            "Only an update with --refresh sees that: `pulumi up --refresh` makes it anew."
        )
    if (
        recorded is not None
        and mine is not None
        and _owner(mine)
        not in (
            None,
            deployment,
            _owner(recorded),
        )
    ):
        raise _Clash(_copied(site, deployment, _owner(mine)))
    if recorded is not None and mine is not None and (changes := edits(recorded, mine)):
        edited.append(f"{where} {changes}")
    if foreign:
        raise _Clash(_clash(site, foreign, deployment, gone=recorded is not None))
    comment = comment_of(site, owner_mark(deployment))
    return Claim(
        hostname=site.hostname,
        zone_id=zone.id,
        comment=comment,
        tags=site.dns.tags,
        found=_is_found(site.hostname, zone.by_name),
        adopted=adopted,
        lost=adopted is not None and owner == deployment,
        sent=recorded is None or _differs(recorded, comment, site.dns.tags),
    )


def _differs(recorded: Outputs, comment: str, tags: Sequence[str]) -> bool:
    found = recorded.get("comment"), sorted(recorded.get("tags") or [])
    return found != (comment, sorted(tags))


def _copied(site: Site, deployment: str, other: str | None) -> str:
    return (
        f"{site.place}.hostname: the record of '{site.hostname}' is in this stack's state, and the stack {other} has marked "
        "it as its own since: one of the two states is a copy of the other (`pulumi stack import`), and both have the same "
        f"tunnel and servers. Where {other} goes on, forget this stack with `pulumi stack rm --force`; `pulumi destroy` "
        f"would take away what {other} has. Where this one goes on, forget {other} in that way, then run `pulumi refresh`."
    )


def _owner(record: Mapping[str, Any]) -> str | None:
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


def _shown(record: _Record) -> str:
    comment = f" (comment '{record['comment']}')" if record.get("comment") else ""
    return f"{record['type']} {record['content']}{comment}"
