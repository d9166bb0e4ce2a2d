"""Compares the hostnames of a stack with the records that Cloudflare has."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from existing import permissions
from existing.api import PER_PAGE, Api, ApiError
from existing.edits import compare_record
from existing.state import Outputs, OwnState
from existing.zone import check_delegated, look_up_zone, notice_crowd
from settings import Settings, Site, Zone, find_owner, write_comment, write_mark
from settings.looked_up import (
    RECORD_COPIED,
    RECORD_EDITED,
    RECORD_GONE,
    RECORD_TAKEN,
    ZONE_ID,
    ZONE_MISSING,
)
from values.findings import Findings
from values.remedies import Remedy, SetKey, Step

_AT_ONCE = 8
"""Requests that wait for an answer at the same time."""
EXCLUSIVE = ("A", "AAAA", "CNAME")
"""Types of record that leave no room for a CNAME of the same name."""
_TUNNEL_DOMAIN = ".cfargotunnel.com"
_Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ZoneRecords:
    """A zone and its records."""

    id: str
    by_name: Mapping[str, Sequence[_Record]]
    """The records that exclude a CNAME, by hostname."""
    by_id: Mapping[str, _Record]
    """All records."""
    about: Mapping[str, Any]
    """What the API has of the zone itself; its id alone where nobody asked."""


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


def claim_hostnames(
    settings: Settings,
    zones: Mapping[str, ZoneRecords],
    own: OwnState,
    findings: Findings,
    notices: list[str],
) -> list[Claim]:
    """Makes a claim to each hostname that gets a record; a record of somebody else's there is an error."""
    found: list[Claim] = []
    edited: list[str] = []
    for hostname, site in settings.named.items():
        zone = settings.find_zone(hostname).name
        if zone not in zones:
            continue
        claim = _decide(site, zones[zone], settings.deployment, own, edited, findings)
        if claim is not None:
            found.append(claim)
    for hostname in _find_gone(settings, zones, own):
        findings.add(
            RECORD_GONE,
            "",
            f"the record of '{hostname}', which this stack made and has no site for any more, is gone at Cloudflare already.",
            "Deleting it once more fails (81044): `pulumi up --refresh` forgets it.",
        )
    if edited:
        listed = "\n".join(f"  - {line}" for line in edited)
        findings.add(
            RECORD_EDITED,
            "",
            "Records of this stack were changed at Cloudflare by somebody else.",
            "Only an update with --refresh sees that: `pulumi up --refresh` makes them what the stack says."
            f"\n{listed}",
        )
    if again := [claim.hostname for claim in found if claim.lost]:
        notices.append(
            "Taken in, since they have this stack's mark and are not in its state, as after an update that broke off: "
            f"the records of {', '.join(again)}"
        )
    return found


def _find_gone(settings: Settings, zones: Mapping[str, ZoneRecords], own: OwnState) -> list[str]:
    """Finds hostnames without a site whose record the state has, and Cloudflare does not have any more."""
    ids = {zone.id: zone.by_id for zone in zones.values()}
    return [
        hostname
        for (zone_id, hostname), record in own.records.items()
        if hostname not in settings.named and zone_id in ids and record["id"] not in ids[zone_id]
    ]


def _is_found(hostname: str, names: Collection[str]) -> bool:
    labels = hostname.split(".")
    around = {hostname, *(".".join(["*", *labels[count:]]) for count in range(1, len(labels)))}
    below = hostname.removeprefix("*") if hostname.startswith("*.") else None
    return not around.isdisjoint(names) or (
        below is not None and any(name.endswith(below) for name in names)
    )


def list_zones(
    settings: Settings, api: Api, findings: Findings, notices: list[str]
) -> dict[str, ZoneRecords]:
    """Lists each zone that holds a hostname, once; the result is by the zone's name.

    One that cannot be read is an error, and left out.
    """
    zones = {zone.name: zone for zone in map(settings.find_zone, settings.named)}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = {
            name: pool.submit(_read_records, api, settings.account_id, zone)
            for name, zone in zones.items()
        }
    records: dict[str, ZoneRecords] = {}
    for name, future in asked.items():
        try:
            read = records[name] = future.result()
        except ApiError as error:
            findings.errors.append(error.finding)
            continue
        listed = read.by_id.values()
        hostnames = [each for each in settings.named if settings.find_zone(each).name == name]
        check_delegated(zones[name], listed, hostnames, findings)
        if notice := notice_crowd(zones[name], read.about, listed, hostnames):
            notices.append(notice)
    return records


def _read_records(api: Api, account_id: str, zone: Zone) -> ZoneRecords:
    try:
        found = {"id": zone.id} if zone.id else _look_up(api, account_id, zone.name)
        zone_id = str(found["id"])
        listed = api.read_list(f"zones/{zone_id}/dns_records", permissions.DNS, per_page=PER_PAGE)
    except ApiError as error:
        raise error.place_at(zone.place) from None
    records: dict[str, list[_Record]] = {}
    for record in listed:
        if zone.id and not f".{record['name'].lower()}".endswith(f".{zone.name}"):
            raise ApiError(
                f"is that of another zone: it has a record '{record['name']}'.",
                "Correct it, or leave it out.",
                place=f"{zone.place}.id",
                kind=ZONE_ID,
            )
        if record["type"] in EXCLUSIVE:
            records.setdefault(record["name"].lower(), []).append(record)
    return ZoneRecords(
        id=zone_id,
        by_name=records,
        by_id={record["id"]: record for record in listed},
        about=found,
    )


def _look_up(api: Api, account_id: str, name: str) -> dict[str, Any]:
    found = look_up_zone(api, account_id, name)
    if found is None:
        raise ApiError(
            f"the account {account_id} has no zone '{name}' that the token may see.",
            "Add it at Cloudflare, or write its `id`.",
            kind=ZONE_MISSING,
        )
    return found


def find_tunnels_led_to(zones: Mapping[str, ZoneRecords], deployment: str) -> set[str]:
    """Finds the UUIDs of tunnels to which records with the stack's mark lead."""
    return {
        record["content"].removesuffix(_TUNNEL_DOMAIN)
        for zone in zones.values()
        for record in zone.by_id.values()
        if record["type"] == "CNAME"
        and record["content"].endswith(_TUNNEL_DOMAIN)
        and _find_owner(record) == deployment
    }


def _decide(
    site: Site,
    zone: ZoneRecords,
    deployment: str,
    own: OwnState,
    edited: list[str],
    findings: Findings,
) -> Claim | None:
    """Decides what becomes of a hostname's record; `None`, and an error, where somebody else has it.

    What somebody else changed of its record goes to `edited`.
    """
    recorded = own.records.get((zone.id, site.hostname))
    mine = None if recorded is None else zone.by_id.get(recorded["id"])
    there = zone.by_name.get(site.hostname, [])
    foreign = [record for record in there if record is not mine]
    adopted, lost = _adopt(site, foreign, deployment, own) if recorded is None else (None, False)
    if adopted is not None:
        foreign = []
    where = f"{site.place}.hostname"
    comment = write_comment(site, write_mark(deployment))
    if recorded is not None and mine is None:
        findings.add(
            RECORD_GONE,
            where,
            f"the record of '{site.hostname}' that this stack made is gone at Cloudflare.",
            "Only an update with --refresh sees that: `pulumi up --refresh` makes it anew.",
        )
    if recorded is not None and mine is not None:
        owner = _find_owner(mine)
        if owner not in (None, deployment, _find_owner(recorded)):
            findings.add(RECORD_COPIED, where, *_explain_copy(site, owner))
            return None
        wanted = {"content": _write_target(own.tunnel_id), "comment": comment}
        if changes := compare_record(recorded, mine, wanted):
            edited.append(f"{where}: '{site.hostname}' {changes}")
    if foreign:
        gone = recorded is not None
        findings.add(RECORD_TAKEN, where, *_explain_clash(site, foreign, deployment, gone=gone))
        return None
    return Claim(
        hostname=site.hostname,
        zone_id=zone.id,
        comment=comment,
        tags=site.dns.tags,
        found=_is_found(site.hostname, zone.by_name),
        adopted=adopted,
        lost=lost,
        sent=recorded is None or _differs(recorded, comment, site.dns.tags),
    )


def _adopt(
    site: Site, there: Sequence[_Record], deployment: str, own: OwnState
) -> tuple[str | None, bool]:
    """Gives the id of the record that becomes the stack's, if one does, and whether the stack itself has made it.

    A record with the stack's mark that the state does not have was made by an update that was cut off. So was one with another
    mark that leads to the tunnel of the state: the stack had another name then.
    """
    if [record["type"] for record in there] != ["CNAME"]:
        return None, False
    (record,) = there
    if record["id"] in [each["id"] for each in own.records.values()]:
        return None, False
    owner = _find_owner(record)
    if owner is None:
        return (record["id"], False) if site.dns.adopt else (None, False)
    ours = owner == deployment or record["content"] == _write_target(own.tunnel_id)
    return (record["id"], True) if ours else (None, False)


def _write_target(tunnel_id: str | None) -> str:
    return f"{tunnel_id}{_TUNNEL_DOMAIN}"


def _differs(recorded: Outputs, comment: str, tags: Sequence[str]) -> bool:
    found = recorded.get("comment"), sorted(recorded.get("tags") or [])
    return found != (comment, sorted(tags))


def _explain_copy(site: Site, other: str | None) -> tuple[str, str]:
    return (
        f"the record of '{site.hostname}' is in this stack's state, and the stack {other} has marked it as its own since: one "
        "of the two states is a copy of the other (`pulumi stack import`), and both have the same tunnel and servers.",
        f"Where {other} goes on, forget this stack with `pulumi stack rm --force`; `pulumi destroy` "
        f"would take away what {other} has. Where this one goes on, forget {other} in that way, then run `pulumi refresh`.",
    )


def _find_owner(record: Mapping[str, Any]) -> str | None:
    """Gives the stack that a record's comment names, as `project/stack`."""
    return find_owner(record.get("comment"))


def _explain_clash(
    site: Site, foreign: Sequence[_Record], deployment: str, *, gone: bool
) -> tuple[str, Remedy]:
    shown = " and ".join(_show(record) for record in foreign)
    owners = [owner for owner in map(_find_owner, foreign) if owner not in (None, deployment)]
    way: tuple[str | Step, ...]
    if owners:
        way = (f"Take the site out of the stack {owners[0]} and run `pulumi up` there first.",)
    elif [record["type"] for record in foreign] == ["CNAME"]:
        way = ("Remove it there, or take it over with: ", SetKey(f"{site.place}.dns.adopt", "true"))
    else:
        way = ("Remove it there; only a CNAME can be taken over.",)
    first = (
        "Run `pulumi refresh`, since the record that this stack made is gone. Then: "
        if gone
        else ""
    )
    return f"'{site.hostname}' has a record that is not of this stack: {shown}.", (first, *way)


def _show(record: _Record) -> str:
    comment = f" (comment '{record['comment']}')" if record.get("comment") else ""
    return f"{record['type']} {record['content']}{comment}"
