"""Finds sites whose answer leads back to themselves, or to a Caddy that has no such site."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from cloudflared import Router
from cloudflared.go.inclusion import find_path
from cloudflared.origins import SITE_LOOP, list_names, say_leading_back
from settings.model.addresses import reaches
from settings.model.backends import find_redirect, list_listening, list_targets
from settings.model.names import EVERY
from settings.model.stack import Caddy, Redirect, Service, Settings, Site
from values.findings import Findings, make_warning

NOT_OF_CADDY = make_warning(
    "not-of-caddy", "A service is this stack's Caddy, which does not know the site."
)
_WEB = ("http://", "https://", "ws://", "wss://")
_MOST_REDIRECTS = 20
"""Browsers give up after as many."""


def check(settings: Settings, findings: Findings) -> None:
    """Warns of what leads back, and of a service that is a Caddy without such a site."""
    _check_loops(settings.sites, settings.router, settings.caddy, findings)
    _check_services(settings, findings)


def _check_services(settings: Settings, findings: Findings) -> None:
    """Warns of a `service` that is Caddy, which has no such site."""
    caddy, taken = settings.caddy, list_listening(settings.sites, settings.caddy)
    for site in settings.sites:
        if not isinstance(site.backend, Service):
            continue
        url = site.backend.url
        renamed = {**settings.common, **site.origin_request}.get("httpHostHeader")
        if reaches(url, taken, [caddy.port]) and not renamed:
            findings.add(
                NOT_OF_CADDY,
                f"{site.place}.service",
                f"'{url}' is this stack's Caddy, which answers 404 for a hostname that it does not serve.",
                "Write `root`, `proxy`, `redirect` or `caddyfile` instead.",
            )


def _check_loops(sites: Sequence[Site], router: Router, caddy: Caddy, findings: Findings) -> None:
    """Warns of what leads back: a proxy to Caddy itself or out to Cloudflare, redirects in circles.

    The router is the sites'.
    """
    named = list_names(site.hostname for site in sites if site.dns.enabled)
    for index, site in enumerate(sites):
        for key, upstream in list_targets(site):
            where, address = f"{site.place}.{key}", upstream.address
            if reaches(address, caddy.bind, [caddy.port]):
                text = f"'{address}' is this Caddy itself, so a request goes in circles."
                findings.add(SITE_LOOP, where, text)
            elif (back := say_leading_back(_find_host(address), named)) is not None:
                findings.add(SITE_LOOP, where, *back)
        target = find_redirect(site)
        if target is not None and _comes_back(index, sites, router):
            key = "redirect" if isinstance(site.backend, Redirect) else "caddyfile"
            findings.add(
                SITE_LOOP,
                f"{site.place}.{key}",
                f"'{target}' leads to this site again, so a visitor goes in circles.",
            )
    for site in sites:
        if isinstance(site.backend, Service) and site.backend.url.startswith(_WEB):
            back = say_leading_back(_find_host(site.backend.url), named)
            if back is not None:
                findings.add(SITE_LOOP, f"{site.place}.service", *back)


def _find_host(address: str) -> str:
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def _comes_back(index: int, sites: Sequence[Site], router: Router) -> bool:
    """Whether a visitor of a site is sent to it again, by way of others or not, as far as that can be told."""
    hostname, path = sites[index].hostname.replace("*", "x"), find_path(sites[index].path) or "/"
    at = index
    for _ in range(_MOST_REDIRECTS):
        target = find_redirect(sites[at])
        if target is None:
            return False
        try:
            parts = urlsplit(_fill_in(target, hostname, path))
        except ValueError:
            return False
        leaves = parts.hostname not in (None, hostname)
        hostname, path = parts.hostname or hostname, parts.path or "/"
        found = None if "{" in hostname + path else router.find_first(hostname, path)
        if found is not None and leaves and sites[found].hostname == EVERY:
            return (
                False  # it takes what is led to the tunnel, which nothing says of another hostname
            )
        if found is None or found == index:
            return found == index
        at = found
    return False


def _fill_in(target: str, hostname: str, path: str) -> str:
    """Gives a redirect's target for a request without a query."""
    known = {"{host}": hostname, "{uri}": path, "{path}": path}
    for name, text in known.items():
        target = target.replace(name, text)
    return target
