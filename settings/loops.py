"""Sites whose answer leads back to themselves, or to a part of the deployment that is no site."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ingress import Findings, Router
from settings.addresses import metrics_of, reaches
from settings.model import Caddy, Proxy, Redirect, Service, Site

_SAME = {"{uri}": "/", "{path}": "/", "{query}": ""}
"""Placeholders of a redirect for a request of `/`."""
_THE_SAME_PATH = re.compile(r"(?:\{uri\}|\{path\}.*)$")


def listening(sites: Sequence[Site], caddy: Caddy) -> Sequence[str]:
    """The addresses at which Caddy listens for the sites: none where it has no site, and anything else may."""
    return caddy.bind if any(not isinstance(site.backend, Service) for site in sites) else ()


def check_services(
    sites: Sequence[Site],
    cloudflared: Mapping[str, Any],
    instances: int,
    caddy: Caddy,
    findings: Findings,
) -> None:
    """Warns of a `service` that is Caddy, which has no such site, or cloudflared's own metrics."""
    defaults = cloudflared.get("originRequest") or {}
    address, ports = metrics_of(str(cloudflared["metrics"]), instances)
    taken = listening(sites, caddy)
    for site in sites:
        if not isinstance(site.backend, Service):
            continue
        url, where = site.backend.url, f"{site.place}.service"
        renamed = {**defaults, **site.origin_request}.get("httpHostHeader")
        if reaches(url, taken, [caddy.port]) and not renamed:
            findings.warn(
                where,
                f"'{url}' is this stack's Caddy, which answers 404 for a hostname that it does not serve. "
                "Write `root`, `proxy`, `redirect` or `caddyfile` instead.",
            )
        elif reaches(url, [address], ports):
            findings.warn(
                where,
                f"'{url}' is cloudflared's own metrics, which every visitor could read.",
            )


def check_loops(sites: Sequence[Site], router: Router, caddy: Caddy, findings: Findings) -> None:
    """Warns of a proxy to Caddy itself, and of a redirect that its own site takes again; the router is the sites'."""
    for index, site in enumerate(sites):
        if isinstance(site.backend, Proxy):
            for upstream in site.backend.upstreams:
                if reaches(upstream, caddy.bind, [caddy.port]):
                    findings.warn(
                        f"{site.place}.proxy",
                        f"'{upstream}' is this Caddy itself, so a request goes in circles.",
                    )
        elif isinstance(site.backend, Redirect) and _leads_to(index, site, site.backend.to, router):
            findings.warn(
                f"{site.place}.redirect",
                f"'{site.backend.to}' leads to this site again, so a visitor goes in circles.",
            )


def _leads_to(index: int, site: Site, target: str, router: Router) -> bool:
    """Whether the rule of that index takes where a redirect leads to, as far as that can be told."""
    own = site.hostname.replace("*", "x")
    target = target.replace("{host}", own)
    try:
        start = _THE_SAME_PATH.sub("", target)
        if start != target:
            parts = urlsplit(start)
            if not parts.path and (parts.hostname or own) == own:
                return True  # whatever has come here comes again
        for name, text in _SAME.items():
            target = target.replace(name, text)
        if "{" in target:
            return False
        parts = urlsplit(target)
        return router.first(parts.hostname or own, parts.path or "/") == index
    except ValueError:
        return False
