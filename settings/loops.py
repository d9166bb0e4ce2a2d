"""Sites whose answer leads back to themselves."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from ingress import Findings, Router
from settings.addresses import overlap
from settings.model import Caddy, Proxy, Redirect, Site

_SAME = {"{uri}": "/", "{path}": "/", "{query}": ""}
"""Placeholders of a redirect for a request of `/`."""


def check_loops(sites: Sequence[Site], router: Router, caddy: Caddy, findings: Findings) -> None:
    """Warns of a proxy to Caddy itself, and of a redirect that its own site takes again; the router is the sites'."""
    for index, site in enumerate(sites):
        if isinstance(site.backend, Proxy):
            for upstream in site.backend.upstreams:
                if _is_caddy(upstream, caddy):
                    findings.warn(
                        f"{site.place}.proxy",
                        f"'{upstream}' is this Caddy itself, so a request goes in circles.",
                    )
        elif isinstance(site.backend, Redirect) and _taking(site, site.backend.to, router) == index:
            findings.warn(
                f"{site.place}.redirect",
                f"'{site.backend.to}' leads to this site again, so a visitor goes in circles.",
            )


def _is_caddy(upstream: str, caddy: Caddy) -> bool:
    host, _, port = upstream.rpartition("://")[2].rpartition(":")
    return port == str(caddy.port) and any(overlap(host, address) for address in caddy.bind)


def _taking(site: Site, target: str, router: Router) -> int | None:
    """The index of the rule that takes where a redirect leads to; nothing where that cannot be told."""
    for name, text in _SAME.items():
        target = target.replace(name, text)
    own = site.hostname.replace("*", "x")
    target = target.replace("{host}", own)
    if "{" in target:
        return None
    try:
        parts = urlsplit(target)
        return router.first(parts.hostname or own, parts.path or "/")
    except ValueError:
        return None
