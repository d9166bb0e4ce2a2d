"""Looks a zone up by its name, and judges it as a whole: how many records it may have, and which names other name servers have."""

from collections.abc import Collection, Mapping
from typing import Any

from existing import permissions
from existing.api import Api
from settings import Zone
from settings.looked_up import ZONE_DELEGATED
from values.findings import Findings

_FREE = "free"
"""The `legacy_id` of the plan."""
_FREE_RECORDS, _OLD_FREE_RECORDS, _OLD_UNTIL = 200, 1000, "2024-09-01"
"""Records of a zone of the free plan, and of one that was made before a date (UTC)."""


def look_up_zone(api: Api, account_id: str, name: str) -> dict[str, Any] | None:
    """Gives what the API has of the account's zone of that name; `None` if the token sees none.

    Raises:
        ApiError: the API does not tell.
    """
    found = api.read_list("zones", permissions.ZONE, **{"name": name, "account.id": account_id})
    return found[0] if found else None


def notice_crowd(
    zone: Zone,
    found: Mapping[str, Any],
    listed: Collection[Mapping[str, Any]],
    hostnames: Collection[str],
) -> str | None:
    """Gives the notice that a zone has, or will have, more records than the free plan allows.

    None where the zone's plan is known and another one. It is known where the zone was looked up, by `found`.
    """
    plan = (found.get("plan") or {}).get("legacy_id", _FREE)
    is_old = found.get("created_on", "9") < _OLD_UNTIL
    most = _OLD_FREE_RECORDS if is_old else _FREE_RECORDS
    count = len(listed) + len({*hostnames} - {record["name"].lower() for record in listed})
    if plan != _FREE or count <= most:
        return None
    return (
        f"{zone.place}: '{zone.name}' has {count} records with those of this stack. In the free plan a zone takes "
        f"{_FREE_RECORDS}, or {_OLD_FREE_RECORDS:,} if it was made before {_OLD_UNTIL}; Cloudflare refuses more with 81045."
    )


def check_delegated(
    zone: Zone,
    listed: Collection[Mapping[str, Any]],
    hostnames: Collection[str],
    findings: Findings,
) -> None:
    """Warns of each hostname at or below a name that the zone's NS records give to other name servers.

    Cloudflare takes a record there without a word, and visitors never see it (its page on shadowed records).
    """
    delegated = {
        record["name"].lower(): record["content"]
        for record in listed
        if record["type"] == "NS" and record["name"].lower() != zone.name
    }
    for hostname in hostnames:
        labels = hostname.split(".")
        above = (".".join(labels[count:]) for count in range(len(labels)))
        for name in above:
            if name in delegated:
                findings.add(
                    ZONE_DELEGATED,
                    zone.place,
                    f"'{hostname}' lies in '{name}', which an NS record gives to {delegated[name]}: visitors ask that name "
                    "server, and never see a record of this zone.",
                    "Remove the NS record, or declare the zone that it leads to.",
                )
                break
