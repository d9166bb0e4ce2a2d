"""Rules of DNS records: what a body may say, and which records exclude each other."""

import ipaddress
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace

from .errors import (
    HostIsAlias,
    HostTaken,
    IdenticalRecordExists,
    InvalidRecord,
    RecordExists,
    RecordQuotaExceeded,
    TooManyTags,
)
from .models import Record, Zone, now
from .routes import Json, refuse_unknown

ADDRESSES = ("A", "AAAA")
PROXIABLE = (*ADDRESSES, "CNAME")
TYPES = (*PROXIABLE, "TXT", "MX", "NS", "CAA", "SRV", "HTTPS", "SVCB", "PTR")
FIELDS = frozenset(
    {"name", "type", "content", "ttl", "proxied", "priority", "comment", "tags", "settings"}
)
SETTINGS = frozenset({"flatten_cname", "ipv4_only", "ipv6_only"})
QUOTAS = {"free": 200, "pro": 3500, "business": 3500, "enterprise": 3500}
"""Records of a zone by its plan, as Cloudflare's page on DNS records has it for a zone made since September 2024."""


def full_name(name: str, zone: Zone) -> str:
    """The lower-case full name; "@" is the zone itself, a name outside it is put below it."""
    lower = name.lower().rstrip(".")
    if lower in ("@", zone.name):
        return zone.name
    return lower if lower.endswith("." + zone.name) else f"{lower}.{zone.name}"


def built(body: Json, zone: Zone, old: Record | None = None) -> Record:
    """The record a body describes.

    With `old`, fields the body leaves out are kept (PATCH); without it they have their defaults
    and name, type and content are required.
    """
    if old is None:
        for required in ("name", "type", "content"):
            if required not in body:
                raise InvalidRecord(f"{required} is missing")
        old = Record(id=uuid.uuid4().hex, zone_id=zone.id, name="", type="", content="")
    checked(body)
    changes = {
        name: ({"tags": [], "settings": {}}.get(name) if value is None else value)
        for name, value in body.items()
    }
    record = replace(old, **changes, modified_on=now())
    record = replace(record, name=full_name(record.name, zone), type=record.type.upper())
    check_whole(record)
    if len(record.tags) > zone.tag_quota:
        raise TooManyTags(len(record.tags), zone.tag_quota)
    return replace(record, ttl=1) if record.proxied else record


def checked(body: Json) -> None:
    """Refuse fields of a wrong kind."""
    kinds: dict[str, tuple[type, bool]] = {
        "name": (str, False),
        "type": (str, False),
        "content": (str, False),
        "ttl": (int, False),
        "proxied": (bool, False),
        "priority": (int, True),
        "comment": (str, True),
        "tags": (list, True),
        "settings": (dict, True),
    }
    for name, value in body.items():
        kind, optional = kinds[name]
        if not (isinstance(value, kind) or (optional and value is None)):
            raise InvalidRecord(f"{name} is {value!r}; expected {kind.__name__}")
    refuse_unknown("field of settings", body.get("settings") or {}, SETTINGS)


def check_whole(record: Record) -> None:
    """Refuse values that do not go together."""
    if record.type not in TYPES:
        raise InvalidRecord(f"type is {record.type!r}; expected one of {', '.join(TYPES)}")
    if record.ttl != 1 and not 30 <= record.ttl <= 86400:
        raise InvalidRecord(f"ttl is {record.ttl}; expected 1 or 30 to 86400 seconds")
    if record.proxied and record.type not in PROXIABLE:
        raise InvalidRecord(f"a record of type {record.type} cannot be proxied")
    if not record.content:
        raise InvalidRecord("content is empty")
    if record.type in ADDRESSES:
        check_address(record)


def check_address(record: Record) -> None:
    family = ipaddress.IPv4Address if record.type == "A" else ipaddress.IPv6Address
    try:
        family(record.content)
    except ValueError as error:
        raise InvalidRecord(
            f"content of a record of type {record.type} is {record.content!r}; expected an address"
        ) from error


def check_quota(zone: Zone, there: Sequence[Record]) -> None:
    """Refuse one more record than the zone may have."""
    quota = QUOTAS[zone.plan] if zone.record_quota is None else zone.record_quota
    if len(there) >= quota:
        raise RecordQuotaExceeded


def check_clash(record: Record, others: Iterable[Record]) -> None:
    """Refuse a record that repeats or excludes one of the zone's other records."""
    same_host = [other for other in others if other.name == record.name and other.id != record.id]
    for other in same_host:
        if other.type == record.type and same_content(other, record):
            identical = (other.ttl, other.proxied) == (record.ttl, record.proxied)
            raise IdenticalRecordExists() if identical else RecordExists()
    kinds = {other.type for other in same_host}
    if record.type == "CNAME" and kinds & set(PROXIABLE):
        raise HostTaken
    if record.type in ADDRESSES and "CNAME" in kinds:
        raise HostIsAlias


def same_content(one: Record, other: Record) -> bool:
    """Equal contents; names compare without case."""
    if one.type in PROXIABLE:
        return one.content.lower() == other.content.lower()
    return one.content == other.content


def is_at_or_below(name: str, other: str) -> bool:
    return name == other or name.endswith(f".{other}")


def delegates(record: Record, zone: Zone) -> bool:
    """Whether a record gives its name, and all below it, to other name servers."""
    return record.type == "NS" and record.name != zone.name


def shadow_metadata(record: Record, there: Iterable[Record], zone: Zone) -> Json:
    """What Cloudflare's page on shadowed records says of a record among the zone's others; `dead_glue` is left out."""
    over = [
        other
        for other in there
        if delegates(other, zone)
        and is_at_or_below(record.name, other.name)
        and (record.type, record.name) != ("NS", other.name)
    ]
    meta: Json = {}
    if over:
        meta["shadowed_by"] = [other.id for other in over]
    if record.type in ADDRESSES and record.name in {o.content.lower().rstrip(".") for o in over}:
        meta["is_glue"] = True
    if delegates(record, zone) and not over:
        below = (other for other in there if is_at_or_below(other.name, record.name))
        count = sum((other.type, other.name) != ("NS", record.name) for other in below)
        if count:
            meta["shadowed_records_count"] = count
    return meta


def shown(record: Record, meta: Json | None = None) -> Json:
    """A record as the API shows it."""
    result: Json = {
        "id": record.id,
        "name": record.name,
        "type": record.type,
        "content": record.content,
        "proxiable": record.type in PROXIABLE,
        "proxied": record.proxied,
        "ttl": record.ttl,
        "settings": {"flatten_cname": False} if record.type == "CNAME" else {},
        "meta": meta or {},
        "comment": record.comment,
        "tags": record.tags,
        "created_on": record.created_on,
        "modified_on": record.modified_on,
    }
    result["settings"] |= record.settings
    optional = ("priority", "comment_modified_on", "tags_modified_on")
    return result | {
        name: getattr(record, name) for name in optional if getattr(record, name) is not None
    }
