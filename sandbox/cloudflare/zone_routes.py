"""Operations on zones, DNS records, accounts and the caller's own token."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .errors import InvalidToken, UnknownInput
from .models import Account, Record, Zone, now
from .records import (
    FIELDS,
    built,
    check_clash,
    check_quota,
    delegates,
    is_at_or_below,
    shadow_metadata,
    shown,
)
from .routes import PAGING, Call, Json, Reply, Route, paged

SHADOWS = frozenset({"include_shadow_metadata"})
SHADOWS_PER_PAGE = 1000
"""Of more records on a page the API computes no shadow metadata."""

Test = Callable[[str, str], bool]

COMPARISONS: dict[str, Test] = {
    "": lambda have, want: have == want,
    ".exact": lambda have, want: have == want,
    ".contains": lambda have, want: want in have,
    ".startswith": lambda have, want: have.startswith(want),
    ".endswith": lambda have, want: have.endswith(want),
}
TEXT_FILTERS = frozenset(field + suffix for field in ("name", "content") for suffix in COMPARISONS)


def shown_account(account: Account) -> Json:
    return {"id": account.id, "name": account.name, "type": "standard", "settings": {}}


def shown_zone(call: Call, zone: Zone) -> Json:
    account = call.store.accounts[zone.account_id]
    return {
        "id": zone.id,
        "name": zone.name,
        "status": zone.status,
        "paused": zone.paused,
        "type": "full",
        "development_mode": 0,
        "name_servers": ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
        "original_name_servers": [],
        "account": {"id": account.id, "name": account.name},
        "permissions": [],
        "plan": {"name": f"{zone.plan.title()} Website", "legacy_id": zone.plan},
        "created_on": zone.created_on,
        "modified_on": zone.created_on,
        "activated_on": zone.created_on,
    }


def list_workers(call: Call) -> Reply:
    patterns = call.store.zone(call.path["zone"]).workers
    return Reply(
        result=[
            {"id": f"{index:032x}", "pattern": pattern, "script": "worker"}
            for index, pattern in enumerate(patterns)
        ]
    )


def list_load_balancers(call: Call) -> Reply:
    names = call.store.zone(call.path["zone"]).load_balancers
    return Reply(
        result=[
            {"id": f"{index:032x}", "name": name, "enabled": True, "proxied": True}
            for index, name in enumerate(names)
        ]
    )


def matcher(call: Call) -> Callable[[list[bool]], bool]:
    """How several filters combine: `match` all (the default) or any."""
    match = call.query.get("match", "all")
    if match not in ("all", "any"):
        raise UnknownInput(f"match is {match!r}; expected all or any")
    return lambda results: not results or (all(results) if match == "all" else any(results))


def list_zones(call: Call) -> Reply:
    combine = matcher(call)
    found = [
        shown_zone(call, zone)
        for zone in call.store.zones.values()
        if combine(zone_filters(zone, call))
    ]
    return paged(found, call.query, default=20, limit=50)


def zone_filters(zone: Zone, call: Call) -> list[bool]:
    have = {"name": zone.name, "account.id": zone.account_id, "status": zone.status}
    return [call.query[name].lower() == have[name] for name in have if name in call.query]


def get_zone(call: Call) -> Reply:
    return Reply(result=shown_zone(call, call.store.zone(call.path["zone"])))


def list_records(call: Call) -> Reply:
    zone = call.store.zone(call.path["zone"])
    combine = matcher(call)
    found = [
        record
        for record in call.store.zone_records(zone.id)
        if combine(record_filters(record, call)) and shadow_filter(record, zone, call)
    ]
    page = paged(found, call.query, default=100, limit=5_000_000)
    meta = shadows(call, page.result)
    return replace(page, result=[shown(record, meta[record.id]) for record in page.result])


def shadows(call: Call, records: list[Record]) -> dict[str, Json]:
    """The `meta` of each record, by its id: with shadow metadata when they are asked for and not too many."""
    wanted = call.query.get("include_shadow_metadata") == "true"
    if not wanted or len(records) > SHADOWS_PER_PAGE:
        return {record.id: {} for record in records}
    there = call.store.zone_records(call.path["zone"])
    zone = call.store.zone(call.path["zone"])
    return {record.id: shadow_metadata(record, there, zone) for record in records}


def shadow_filter(record: Record, zone: Zone, call: Call) -> bool:
    """Whether a record is one that `shadowed_by_name` or `shadowing_name` asks for."""
    by, what = call.query.get("shadowed_by_name"), call.query.get("shadowing_name")
    if by is not None and "include_shadow_metadata" not in call.query:
        raise UnknownInput("shadowed_by_name needs include_shadow_metadata=true")
    if by is not None and not (
        is_at_or_below(record.name, by) and (record.type, record.name) != ("NS", by)
    ):
        return False
    return what is None or (delegates(record, zone) and is_at_or_below(what, record.name))


def record_filters(record: Record, call: Call) -> list[bool]:
    results = []
    for name, value in call.query.items():
        if name in TEXT_FILTERS:
            field, dot, kind = name.partition(".")
            have = str(getattr(record, field)).lower()
            results.append(COMPARISONS[dot + kind](have, value.lower()))
        elif name == "type":
            results.append(record.type == value.upper())
        elif name == "proxied":
            results.append(str(record.proxied).lower() == value)
    return results


def create_record(call: Call) -> Reply:
    zone = call.store.zone(call.path["zone"])
    record = built(call.body, zone)
    there = call.store.zone_records(zone.id)
    check_clash(record, there)
    check_quota(zone, there)
    return answered(call, call.store.put_record(stamped(record, None)))


def get_record(call: Call) -> Reply:
    return answered(call, call.store.record(call.path["zone"], call.path["id"]))


def put_record(call: Call) -> Reply:
    old = call.store.record(call.path["zone"], call.path["id"])
    record = built(call.body, call.store.zone(old.zone_id))
    return changed(call, old, replace(record, id=old.id, created_on=old.created_on))


def patch_record(call: Call) -> Reply:
    old = call.store.record(call.path["zone"], call.path["id"])
    return changed(call, old, built(call.body, call.store.zone(old.zone_id), old))


def changed(call: Call, old: Record, record: Record) -> Reply:
    check_clash(record, call.store.zone_records(old.zone_id))
    return answered(call, call.store.put_record(stamped(record, old)))


def answered(call: Call, record: Record) -> Reply:
    return Reply(result=shown(record, shadows(call, [record])[record.id]))


def stamped(record: Record, old: Record | None) -> Record:
    """The record with the times of its comment and tags."""

    def when(name: str) -> Any:
        value = getattr(record, name)
        if not value:
            return None
        if old is not None and getattr(old, name) == value:
            return getattr(old, f"{name}_modified_on")
        return now()

    return replace(record, comment_modified_on=when("comment"), tags_modified_on=when("tags"))


def delete_record(call: Call) -> Reply:
    record = call.store.record(call.path["zone"], call.path["id"])
    call.store.delete_record(record)
    return Reply(result={"id": record.id})


def list_accounts(call: Call) -> Reply:
    found = [
        shown_account(account)
        for account in call.store.accounts.values()
        if call.query.get("name", account.name) == account.name
    ]
    return paged(found, call.query, default=20, limit=50)


def get_account(call: Call) -> Reply:
    return Reply(result=shown_account(call.store.account(call.path["acc"])))


def verify_token(call: Call) -> Reply:
    """A user's token at the users' path, one of an account at that account's."""
    if call.token.account != call.path.get("acc"):
        raise InvalidToken
    message = {"code": 10000, "message": "This API Token is valid and active", "type": None}
    ends = call.token.expires_on
    result = {"id": "0" * 32, "status": "active", **({"expires_on": ends} if ends else {})}
    return Reply(result=result, messages=[message])


VERIFY = "/user/tokens/verify"
VERIFY_OF_ACCOUNT = "/accounts/{acc}/tokens/verify"
RECORDS = "/zones/{zone}/dns_records"
RECORD = RECORDS + "/{id}"
READ, EDIT = "dns:read", "dns:edit"

ROUTES = (
    Route(method="GET", template=VERIFY, handler=verify_token),
    Route(method="GET", template=VERIFY_OF_ACCOUNT, handler=verify_token),
    Route(method="GET", template="/accounts", handler=list_accounts, query=PAGING | {"name"}),
    Route(method="GET", template="/accounts/{acc}", handler=get_account),
    Route(
        method="GET",
        template="/zones",
        handler=list_zones,
        permission="zone:read",
        query=PAGING | {"name", "account.id", "status", "match"},
    ),
    Route(method="GET", template="/zones/{zone}", handler=get_zone, permission="zone:read"),
    Route(
        method="GET",
        template="/zones/{zone}/workers/routes",
        handler=list_workers,
        permission="workers:read",
    ),
    Route(
        method="GET",
        template="/zones/{zone}/load_balancers",
        handler=list_load_balancers,
        permission="load_balancers:read",
    ),
    Route(
        method="GET",
        template=RECORDS,
        handler=list_records,
        permission=READ,
        query=PAGING
        | TEXT_FILTERS
        | SHADOWS
        | {"type", "proxied", "match", "shadowed_by_name", "shadowing_name"},
    ),
    Route(
        method="POST",
        template=RECORDS,
        handler=create_record,
        permission=EDIT,
        query=SHADOWS,
        fields=FIELDS,
    ),
    Route(method="GET", template=RECORD, handler=get_record, permission=READ, query=SHADOWS),
    Route(
        method="PUT",
        template=RECORD,
        handler=put_record,
        permission=EDIT,
        query=SHADOWS,
        fields=FIELDS,
    ),
    Route(
        method="PATCH",
        template=RECORD,
        handler=patch_record,
        permission=EDIT,
        query=SHADOWS,
        fields=FIELDS,
    ),
    Route(method="DELETE", template=RECORD, handler=delete_record, permission=EDIT),
)
