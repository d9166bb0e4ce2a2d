"""Where a site's requests go."""

from collections.abc import Iterator, Sequence

from settings.caddyfile import directives
from settings.lines import Upstream, upstreams
from settings.model import Caddy, CaddyLines, Proxy, Redirect, Service, Site


def listening(sites: Sequence[Site], caddy: Caddy) -> Sequence[str]:
    """The addresses at which Caddy listens for the sites: none where it has nothing to answer, and anything else may."""
    has_sites = any(not isinstance(site.backend, Service) for site in sites)
    return caddy.bind if caddy.routes or has_sites else ()


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
