"""What must answer after a change."""

from typing import Any
from urllib.parse import SplitResult, urlsplit

from ingress import Findings, Rule
from ingress.hostnames import lookup_name, matches
from ingress.re2 import PatternError
from settings.model import INTERNAL_NAME, Caddy, Health, Service, Site, SiteUrl


def health(
    value: dict[str, Any], sites: list[Site], rules: list[Rule], caddy: Caddy, findings: Findings
) -> Health:
    """The URLs, those of the stack's own sites apart: a server has no other way to them before their records exist.

    The rules are those of the sites, in their order.
    """
    urls, own = [], []
    for index, text in enumerate(value["urls"]):
        where = f"argoweb:health.urls[{index}]"
        parts = urlsplit(text)
        if parts.username is not None:
            findings.error(where, "holds a name or password, which all may see. Leave it out.")
            continue
        hostname = lookup_name(parts.hostname or "") or parts.hostname or ""
        if not any(matches(rule.hostname, hostname) for rule in rules):
            urls.append(text)
            continue
        site = _taking(sites, rules, hostname, parts.path or "/")
        if site is None:
            findings.error(where, f"is a page of {hostname} that no site of the stack takes.")
        elif isinstance(site.backend, Service):
            findings.error(
                where,
                f"is one of {site.place}, which Caddy does not serve. Give the URL of its service, as {site.backend.url}.",
            )
        elif caddy.tls is not None and caddy.tls.client_ca is not None:
            findings.error(
                where, "needs a client certificate (argoweb:caddy.tls.clientCa). Leave it out."
            )
        else:
            own.append(SiteUrl(hostname=hostname, url=_as_caddy_has_it(parts, hostname, caddy)))
    return Health(timeout=value["timeout"], urls=urls, sites=own)


def _taking(sites: list[Site], rules: list[Rule], hostname: str, path: str) -> Site | None:
    """The site that cloudflared finds; a path that is no regular expression, which is reported elsewhere, takes none."""
    for site, rule in zip(sites, rules, strict=False):
        try:
            if rule.takes(hostname, path):
                return site
        except PatternError:
            continue
    return None


def _as_caddy_has_it(parts: SplitResult, hostname: str, caddy: Caddy) -> str:
    internal = caddy.tls is not None and caddy.tls.files is None
    return parts._replace(
        scheme=caddy.scheme, netloc=INTERNAL_NAME if internal else hostname, fragment=""
    ).geturl()
