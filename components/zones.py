"""From the stack's sites to its DNS records, with the zone of each."""

from functools import cache

import pulumi

from components.records import Record
from settings import Settings, Zone


def records_of(settings: Settings, deployment: str) -> list[Record]:
    """A record for each hostname that wants one; zones without an id are looked up by name."""

    @cache
    def zone_id(zone: Zone) -> pulumi.Input[str]:
        if zone.id is not None:
            return zone.id
        import pulumi_cloudflare as cloudflare  # only here, since it takes seconds

        found = cloudflare.get_zone_output(
            filter={"name": zone.name, "account": {"id": settings.account_id}}  # type: ignore[arg-type]
        )
        identifier: pulumi.Output[str] = found.id
        return identifier

    sites = {site.hostname: site for site in settings.sites if site.dns.enabled}
    return [
        Record(
            hostname=hostname,
            zone_id=zone_id(settings.zone_of(hostname)),
            comment=site.dns.comment or f"argoweb {deployment}",
            tags=site.dns.tags,
        )
        for hostname, site in sites.items()
    ]
