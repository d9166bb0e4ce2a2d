"""Tells where a site's requests go."""

from collections.abc import Iterator, Sequence

from settings.caddyfile.lines import Upstream, list_upstreams
from settings.caddyfile.statements import list_directives
from settings.model.stack import Caddy, CaddyLines, Proxy, Redirect, Service, Site


def list_listening(sites: Sequence[Site], caddy: Caddy) -> Sequence[str]:
    """Gives the addresses at which Caddy listens for the sites; none if Caddy serves no site, so that another program may have them."""
    has_sites = any(not isinstance(site.backend, Service) for site in sites)
    return caddy.bind if caddy.routes or has_sites else ()


def list_targets(site: Site) -> Iterator[tuple[str, Upstream]]:
    """Gives the upstreams that Caddy passes a site's requests to, each with the key that names it."""
    match site.backend:
        case Proxy(upstreams=addresses):
            for address in addresses:
                yield "proxy", Upstream(address=address, trusted=False)
        case CaddyLines(text=text):
            for upstream in list_upstreams(text):
                yield "caddyfile", upstream


def find_redirect(site: Site) -> str | None:
    """Gives the URL to which a site sends every visitor; `None` if it sends them nowhere."""
    match site.backend:
        case Redirect(to=to):
            return to
        case CaddyLines(text=text):
            for each in list_directives(text):
                words = each.arguments[each.arguments[:1] == ("*",) :]
                if each.name == "redir" and words:
                    return None if words[0].startswith(("@", "/")) and len(words) > 1 else words[0]
    return None
