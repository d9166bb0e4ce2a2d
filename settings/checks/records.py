"""Checks that each hostname can have its DNS record."""

from collections.abc import Sequence

from settings.model.marks import LONGEST_COMMENT, write_comment, write_mark
from settings.model.stack import Dns, Settings, Site, find_longest_zone
from values.findings import Findings, Kind, make_warning

NO_ZONE = Kind("no-zone", "A hostname lies in no zone of the stack.")
NO_EDGE_CERTIFICATE = make_warning(
    "no-edge-certificate", "Cloudflare's Universal SSL has no certificate for the hostname."
)
TWO_RECORDS = Kind("two-records", "Sites of one hostname do not agree on its record.")
LONG_COMMENT = Kind("long-comment", "A record's comment is longer than Cloudflare takes.")


def check(settings: Settings, findings: Findings) -> None:
    """Checks that each hostname has a zone, and that its sites agree on its record."""
    _check_zones(settings, findings)
    _check_all_or_none(settings.sites, findings)
    _check_comments(settings, findings)


def _check_zones(settings: Settings, findings: Findings) -> None:
    """Checks that each hostname with a record has a zone, and a certificate; not while a zone is malformed."""
    if findings.is_wrong("argoweb:zones"):
        return
    by_name = {zone.name: zone for zone in settings.zones}
    for site in settings.sites:
        name = site.hostname.removeprefix("*.")
        where = f"{site.place}.hostname"
        if not site.dns.enabled or findings.is_wrong(where):
            continue
        zone = find_longest_zone(name, by_name)
        if zone is None:
            known = ", ".join(zone.name for zone in settings.zones)
            findings.add(
                NO_ZONE,
                where,
                f"'{site.hostname}' is in no zone of argoweb:zones ({known}).",
                "Add its zone, or set `dns: false`.",
            )
        elif site.hostname.count(".") > zone.name.count(".") + 1:
            findings.add(
                NO_EDGE_CERTIFICATE,
                where,
                f"'{site.hostname}' is more than one label below {zone.name}: Cloudflare's Universal SSL has no certificate for it.",
            )


def _check_comments(settings: Settings, findings: Findings) -> None:
    """Checks that the sites of a hostname agree on its record, and that its comment has room for its owner."""
    mark = write_mark(settings.deployment)
    first: dict[str, Site] = {}
    for site in settings.sites:
        if site.dns == Dns() or not site.dns.enabled:
            continue
        other = first.setdefault(site.hostname, site)
        if other.dns != site.dns:
            findings.add(
                TWO_RECORDS,
                f"{site.place}.dns",
                f"differs from {other.place}.dns, but '{site.hostname}' has one record.",
                "Leave one of them out.",
            )
        if site.dns.comment and len(write_comment(site, mark)) > LONGEST_COMMENT:
            room = LONGEST_COMMENT - len(mark) - len(" ()")
            findings.add(
                LONG_COMMENT,
                f"{site.place}.dns.comment",
                f"found {len(site.dns.comment)} characters, expected at most {max(room, 0)}, since ' ({mark})' follows.",
            )
    if len(mark) > LONGEST_COMMENT:
        findings.add(
            LONG_COMMENT,
            "argoweb:sites",
            f"the comment '{mark}' of their records is longer than {LONGEST_COMMENT} characters.",
            "Shorten the stack's name.",
        )


def _check_all_or_none(sites: Sequence[Site], findings: Findings) -> None:
    """Checks that the sites of a hostname agree that it has a record: one `false` would take it from all of them."""
    by_hostname: dict[str, list[Site]] = {}
    for site in sites:
        by_hostname.setdefault(site.hostname, []).append(site)
    for hostname, its in by_hostname.items():
        without = [site for site in its if not site.dns.enabled]
        others = [site for site in its if site.dns.enabled]
        if without and others:
            findings.add(
                TWO_RECORDS,
                f"{without[0].place}.dns",
                f"is false, but not at {others[0].place}, and '{hostname}' has one record or none.",
                "Write it at all of its sites or at none.",
            )
