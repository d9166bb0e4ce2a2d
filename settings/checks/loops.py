"""Sites whose answer leads back to themselves, or to a Caddy that has no such site."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from cloudflared import Router
from cloudflared.go.inclusion import a_path
from cloudflared.origins import leads_back, names_of
from settings.addresses import reaches
from settings.caddyfile import directives
from settings.lines import Upstream, upstreams
from settings.model import Caddy, CaddyLines, Proxy, Redirect, Service, Site
from settings.names import EVERY
from values.findings import Findings

_WEB = ("http://", "https://", "ws://", "wss://")
_MOST_REDIRECTS = 20
"""Browsers give up after as many."""


def listening(sites: Sequence[Site], caddy: Caddy) -> Sequence[str]:
    """The addresses at which Caddy listens for the sites: none where it has nothing to answer, and anything else may."""
    has_sites = any(not isinstance(site.backend, Service) for site in sites)
    return caddy.bind if caddy.routes or has_sites else ()


def check_services(
    sites: Sequence[Site], defaults: Mapping[str, Any], caddy: Caddy, findings: Findings
) -> None:
    """Warns of a `service` that is Caddy, which has no such site; `defaults` is the `originRequest` of all sites."""
    taken = listening(sites, caddy)
    for site in sites:
        if not isinstance(site.backend, Service):
            continue
        url = site.backend.url
        renamed = {**defaults, **site.origin_request}.get("httpHostHeader")
        if reaches(url, taken, [caddy.port]) and not renamed:
            findings.warn(
                f"{site.place}.service",
                f"'{url}' is this stack's Caddy, which answers 404 for a hostname that it does not serve. "
                "Write `root`, `proxy`, `redirect` or `caddyfile` instead.",
            )


def check_loops(sites: Sequence[Site], router: Router, caddy: Caddy, findings: Findings) -> None:
    """Warns of what leads back: a proxy to Caddy itself or out to Cloudflare, redirects in circles.

    The router is the sites'.
    """
    named = names_of(site.hostname for site in sites if site.dns.enabled)
    for index, site in enumerate(sites):
        for key, upstream in passed_to(site):
            where, address = f"{site.place}.{key}", upstream.address
            if reaches(address, caddy.bind, [caddy.port]):
                text = f"'{address}' is this Caddy itself, so a request goes in circles."
                findings.warn(where, text)
            elif (back := leads_back(_host(address), named)) is not None:
                findings.warn(where, back)
        target = redirects_to(site)
        if target is not None and _comes_back(index, sites, router):
            key = "redirect" if isinstance(site.backend, Redirect) else "caddyfile"
            findings.warn(
                f"{site.place}.{key}",
                f"'{target}' leads to this site again, so a visitor goes in circles.",
            )
    for site in sites:
        if isinstance(site.backend, Service) and site.backend.url.startswith(_WEB):
            back = leads_back(_host(site.backend.url), named)
            if back is not None:
                findings.warn(f"{site.place}.service", back)


def passed_to(site: Site) -> Iterator[tuple[str, Upstream]]:
    """What Caddy passes a site's requests to, with the key that says so."""
    match site.backend:
        case Proxy(upstreams=addresses):
            for address in addresses:
                yield "proxy", Upstream(address=address, trusted=False)
        case CaddyLines(text=text):
            for upstream in upstreams(text):
                yield "caddyfile", upstream


def redirects_to(site: Site) -> str | None:
    """Where a site sends every visitor, or nothing."""
    match site.backend:
        case Redirect(to=to):
            return to
        case CaddyLines(text=text):
            for each in directives(text):
                words = each.arguments[each.arguments[:1] == ("*",) :]
                if each.name == "redir" and words:
                    return None if words[0].startswith(("@", "/")) and len(words) > 1 else words[0]
    return None


def _host(address: str) -> str:
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def _comes_back(index: int, sites: Sequence[Site], router: Router) -> bool:
    """Whether a visitor of a site is sent to it again, by way of others or not, as far as that can be told."""
    hostname, path = sites[index].hostname.replace("*", "x"), a_path(sites[index].path) or "/"
    at = index
    for _ in range(_MOST_REDIRECTS):
        target = redirects_to(sites[at])
        if target is None:
            return False
        try:
            parts = urlsplit(_for(target, hostname, path))
        except ValueError:
            return False
        leaves = parts.hostname not in (None, hostname)
        hostname, path = parts.hostname or hostname, parts.path or "/"
        found = None if "{" in hostname + path else router.first(hostname, path)
        if found is not None and leaves and sites[found].hostname == EVERY:
            return (
                False  # it takes what is led to the tunnel, which nothing says of another hostname
            )
        if found is None or found == index:
            return found == index
        at = found
    return False


def _for(target: str, hostname: str, path: str) -> str:
    """A redirect's target for a request without a query."""
    known = {"{host}": hostname, "{uri}": path, "{path}": path, "{query}": ""}
    for name, text in known.items():
        target = target.replace(name, text)
    return target
