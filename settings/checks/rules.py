"""Checks the ingress rules that the sites become, and cloudflared's own settings."""

from collections.abc import Sequence

from cloudflared import check_order, check_origin, check_rule, check_settings
from cloudflared.go.inclusion import covers, find_path
from cloudflared.paths import PATH_UNMATCHED
from cloudflared.rules import NOT_LAST
from cloudflared.unclean import UNCLEAN
from settings.model.names import EVERY
from settings.model.stack import Caddy, Service, Settings, Site
from values.findings import NO_EFFECT, Findings, Kind

BASTION_FOR_CADDY = Kind(
    "bastion-for-caddy", "A switch for all sites makes bastions of those that Caddy serves."
)


def check(settings: Settings, findings: Findings) -> None:
    """Checks that cloudflared takes the rules and settings, and does by them what is meant."""
    sites, rules = settings.sites, settings.site_rules
    _check_last(sites, findings)
    _check_routing(sites, settings.caddy, findings)
    _check_common(settings, findings)
    for site, rule in zip(sites, rules, strict=True):
        service = check_rule(rule, site.place, findings)
        if rule.path.startswith("^/") and covers(UNCLEAN, rule.path):
            text = f"'{rule.path}' matches only paths that are answered with 404 before any site, such as '{find_path(rule.path)}'."
            findings.add(PATH_UNMATCHED, f"{site.place}.path", text)
        if isinstance(site.backend, Service):
            check_origin(rule, service, site.place, findings, common=settings.common)
    check_order(rules, [site.place for site in sites], findings)
    check_settings(settings.cloudflared, "argoweb:cloudflared.", findings)


def _check_last(sites: Sequence[Site], findings: Findings) -> None:
    """Checks that a site that takes every request stands behind all others."""
    for site in sites[:-1]:
        if site.hostname == EVERY and not site.path:
            remedy = "Move it to the end, or set argoweb:siteOrder to sorted."
            findings.add(NOT_LAST, site.place, "takes every request.", remedy)


def _check_routing(sites: Sequence[Site], caddy: Caddy, findings: Findings) -> None:
    """Checks that something is left to Caddy where it takes what no rule does."""
    if caddy.routes and sites and sites[-1].hostname == EVERY and not sites[-1].is_plain:
        findings.add(
            NO_EFFECT,
            f"{sites[-1].place}.hostname",
            "'*' is not plainly Caddy's, so each of Caddy's sites needs a rule before it, and argoweb:routing changes "
            "nothing.",
            "Write it as `proxy`, `root`, `redirect` or `caddyfile` without `originRequest`, or leave it out.",
        )


def _check_common(settings: Settings, findings: Findings) -> None:
    """Checks that the `originRequest` of all sites leaves Caddy its own."""
    taken = [
        site.place
        for site in settings.sites
        if not isinstance(site.backend, Service) and "bastionMode" not in site.origin_request
    ]
    if settings.common.get("bastionMode") and taken:
        findings.add(
            BASTION_FOR_CADDY,
            "argoweb:cloudflared.originRequest.bastionMode",
            f"makes a bastion of {taken[0]} too, which Caddy serves.",
            "Write it at the sites that are meant.",
        )
