"""Whether each hostname can have its DNS record."""

from settings.model import Dns, Site, Zone, longest_zone, owner_mark
from values.findings import Findings

LONGEST_COMMENT = 100
"""Characters of a record's comment that every plan of Cloudflare takes."""


def comment_of(site: Site, mark: str) -> str:
    """The comment of a site's record: the user's words, then whose it is."""
    return f"{site.dns.comment} ({mark})" if site.dns.comment else mark


def check_zones(sites: list[Site], zones: list[Zone], findings: Findings) -> None:
    """Whether each hostname with a record has a zone, and a certificate."""
    by_name = {zone.name: zone for zone in zones}
    for site in sites:
        name = site.hostname.removeprefix("*.")
        where = f"{site.place}.hostname"
        if not site.dns.enabled or findings.wrong(where):
            continue
        zone = longest_zone(name, by_name)
        if zone is None:
            known = ", ".join(zone.name for zone in zones)
            findings.error(
                where,
                f"'{site.hostname}' is in no zone of argoweb:zones ({known}). Add its zone, or set `dns: false`.",
            )
        elif site.hostname.count(".") > zone.name.count(".") + 1:
            findings.warn(
                where,
                f"'{site.hostname}' is more than one label below {zone.name}: Cloudflare's Universal SSL has no certificate for it.",
            )


def check_records(sites: list[Site], deployment: str, findings: Findings) -> None:
    """Whether the sites of a hostname agree on its record, and its comment has room for its owner."""
    mark = owner_mark(deployment)
    _check_all_or_none(sites, findings)
    first: dict[str, Site] = {}
    for site in sites:
        if site.dns == Dns() or not site.dns.enabled:
            continue
        other = first.setdefault(site.hostname, site)
        if other.dns != site.dns:
            findings.error(
                f"{site.place}.dns",
                f"differs from {other.place}.dns, but '{site.hostname}' has one record. Leave one of them out.",
            )
        if site.dns.comment and len(comment_of(site, mark)) > LONGEST_COMMENT:
            room = LONGEST_COMMENT - len(mark) - len(" ()")
            findings.error(
                f"{site.place}.dns.comment",
                f"found {len(site.dns.comment)} characters, expected at most {max(room, 0)}, since ' ({mark})' follows.",
            )
    if len(mark) > LONGEST_COMMENT:
        findings.error(
            "argoweb:sites",
            f"the comment '{mark}' of their records is longer than {LONGEST_COMMENT} characters. Shorten the stack's name.",
        )


def _check_all_or_none(sites: list[Site], findings: Findings) -> None:
    """Whether the sites of a hostname agree that it has a record: one `false` would take it from all of them."""
    by_hostname: dict[str, list[Site]] = {}
    for site in sites:
        by_hostname.setdefault(site.hostname, []).append(site)
    for hostname, its in by_hostname.items():
        without = [site for site in its if not site.dns.enabled]
        others = [site for site in its if site.dns.enabled]
        if without and others:
            findings.error(
                f"{without[0].place}.dns",
                f"is false, but not at {others[0].place}, and '{hostname}' has one record or none. Write it at all of its sites or at none.",
            )
