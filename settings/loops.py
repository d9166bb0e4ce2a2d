"""Sites whose answer leads back to themselves."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from ingress import Findings, Router
from settings.addresses import overlap
from settings.model import Caddy, Proxy, Redirect, Site

_SAME = {"{uri}": "/", "{path}": "/", "{query}": ""}
"""Placeholders of a redirect for a request of `/`."""
_THE_SAME_PATH = re.compile(r"(?:\{uri\}|\{path\}.*)$")


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
        elif isinstance(site.backend, Redirect) and _leads_to(index, site, site.backend.to, router):
            findings.warn(
                f"{site.place}.redirect",
                f"'{site.backend.to}' leads to this site again, so a visitor goes in circles.",
            )


def _is_caddy(upstream: str, caddy: Caddy) -> bool:
    host, _, port = upstream.rpartition("://")[2].rpartition(":")
    return port == str(caddy.port) and any(overlap(host, address) for address in caddy.bind)


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
