"""argoWeb.caddy: the sites that Caddy serves, as a Caddyfile without global options."""

import ipaddress
from collections.abc import Iterator, Sequence

from ingress import Router
from settings.caddyfile import directives
from settings.model import (
    INTERNAL_NAME,
    Caddy,
    CaddyLines,
    Directory,
    Proxy,
    Redirect,
    Service,
    Settings,
    Site,
)

_LOOPBACK = ("127.0.0.1/8", "::1/128")
_PROXY = "argoweb-proxy"
"""The snippet by which Caddy hands a request on: in one place, since 500 sites would repeat it 500 times."""


def caddyfile(settings: Settings) -> str:
    """The sites of each hostname, tried in the order of the ingress rules, as cloudflared does.

    A hostname has a block of its own, by which Caddy finds it fast, but chooses by rules of its own: it prefers exact
    hostnames to wildcards, takes `*` for one label only and ignores case. So the wildcards around a hostname stand in its
    block too, and all the others in the last one. Caddy's own path matchers clean the path first, so that `//admin` could
    pass by cloudflared's rule for `^/admin`, with its Access check, and still reach the site behind it.

    With TLS one block holds all sites, since Caddy would ask an authority for a certificate for each hostname that has one.
    """
    sites = _served(settings.sites)
    caddy = settings.caddy
    lines = ["# Written by argoweb; a change here is undone by the next deployment."]
    if any(isinstance(site.backend, Proxy) for site in sites):
        lines += _proxy(caddy)
    if sites and caddy.tls is None:
        router = Router(settings.rules[:-1])  # that of the sites
        for hostname in dict.fromkeys(site.hostname for site in sites):
            if not _is_wildcard(hostname):
                its = [settings.sites[index] for index in router.of(hostname)]
                lines += _block(caddy, hostname, _served(its))
        lines += _block(caddy, "", [site for site in sites if _is_wildcard(site.hostname)])
    elif sites:
        lines += [*_internal(caddy), *_block(caddy, "", sites)]
    return "\n".join(lines) + "\n"


def _served(sites: Sequence[Site]) -> list[Site]:
    return [site for site in sites if not isinstance(site.backend, Service)]


def _is_wildcard(hostname: str) -> bool:
    return hostname.startswith("*.")


def global_options(caddy: Caddy) -> str:
    """Lines for the global options block: who the visitor is, and nothing on port 80."""
    lines = [
        "grace_period 10s",  # else a reload waits for its longest connection, for ever
    ]
    for address in caddy.bind:
        host = f"[{address}]" if ":" in address else address
        # For these listeners only: other sites of the same Caddy have their own.
        lines += [
            f"servers {host}:{caddy.port} {{",
            f"\ttrusted_proxies static {_from_cloudflared(caddy)}",
            "\tclient_ip_headers CF-Connecting-IP",
            *_own(caddy.server_options),
            "}",
        ]
    if caddy.tls is not None:
        lines += ["auto_https disable_redirects", "skip_install_trust"]
    return "\n".join([*lines, *_own(caddy.global_options)]) + "\n"


def _from_cloudflared(caddy: Caddy) -> str:
    """Peers whose X-Forwarded headers and CF-Connecting-IP are believed: this machine."""
    addresses = map(ipaddress.ip_address, caddy.bind)
    others = [str(ip) for ip in addresses if not (ip.is_loopback or ip.is_unspecified)]
    return " ".join([*_LOOPBACK, *others])


def _proxy(caddy: Caddy) -> Iterator[str]:
    yield from ("", f"({_PROXY}) {{", "\treverse_proxy {args[:]} {")
    yield f"\t\ttrusted_proxies {_from_cloudflared(caddy)}"
    yield from ("\t}", "}")


def _internal(caddy: Caddy) -> Iterator[str]:
    """A block of its own, so that Caddy's CA answers for this name only and not for other sites of the same Caddy."""
    if caddy.tls is not None and caddy.tls.files is None:
        yield from ("", f"https://{INTERNAL_NAME}:{caddy.port} {{", _bind(caddy))
        yield from (*_tls(caddy, "tls internal"), "}")


def _block(caddy: Caddy, hostname: str, sites: Sequence[Site]) -> Iterator[str]:
    """What answers requests for a hostname, of `""` those for all that have no block of their own."""
    yield from ("", f"{caddy.scheme}://{hostname}:{caddy.port} {{", _bind(caddy))
    if caddy.tls is not None:
        yield from _tls(caddy, " ".join(("tls", *(caddy.tls.files or ()))))
    yield from _site_options(caddy)
    yield "\troute {"
    yield from _tried(hostname, sites)
    yield from ("\t}", "}")


def _site_options(caddy: Caddy) -> list[str]:
    """The user's lines. An access log that says nothing else would go to nixpkgs' log, which takes errors only."""
    lines = _own(caddy.site_options)
    if caddy.manage:
        for each in directives(caddy.site_options.strip("\n")):
            if each.name == "log" and not each.arguments and not each.opens:
                lines[each.line - 1] = "\tlog argoweb {\n\t\toutput stderr\n\t}"
    return lines


def _bind(caddy: Caddy) -> str:
    return f"\tbind {' '.join(caddy.bind)}"


def _tried(hostname: str, sites: Sequence[Site]) -> Iterator[str]:
    alone = all(site.hostname == hostname for site in sites)
    for number, site in enumerate(sites, start=1):
        conditions = [*_conditions(site, asks_host=not alone)]
        if conditions:
            name = f"@argoweb-{number}"
            yield from (f"\t\t{name} {{", *conditions, "\t\t}")
            yield from (f"\t\thandle {name} {{", *_directives(site), "\t\t}")
            continue
        own = _directives(site)
        if number == 1 and not isinstance(site.backend, CaddyLines):
            yield from own
        else:
            yield from ("\t\thandle {", *own, "\t\t}")
        return  # it takes every request
    yield from ("\t\thandle {", "\t\t\trespond 404", "\t\t}")


def _tls(caddy: Caddy, directive: str) -> Iterator[str]:
    yield f"\t{directive} {{"
    yield "\t\tprotocols tls1.3"
    if caddy.tls is not None and caddy.tls.client_ca is not None:
        yield "\t\tclient_auth {"
        yield "\t\t\tmode require_and_verify"
        yield f"\t\t\ttrusted_ca_cert_file {caddy.tls.client_ca}"
        yield "\t\t}"
    yield "\t}"


def _conditions(site: Site, *, asks_host: bool) -> Iterator[str]:
    """What `Rule.Matches` in cloudflared's `ingress/rule.go` asks for, on the same texts."""
    if _is_wildcard(site.hostname):
        # Not vars_regexp: of two in a matcher Caddy asks for one of them only.
        suffix = site.hostname.removeprefix("*").replace(".", "\\.")
        yield f"\t\t\theader_regexp host Host `{suffix}(:[^:]*)?$`"
    elif asks_host:
        yield f"\t\t\tvars {{http.request.host}} {site.hostname}"
    if site.path:
        yield f"\t\t\tvars_regexp path {{http.request.uri.path}} `{site.path}`"


def _directives(site: Site) -> Iterator[str]:
    match site.backend:
        case Directory(root=root):
            yield f"\t\t\troot * {root}"
            yield "\t\t\tfile_server"
        case Proxy(upstreams=upstreams):
            yield f"\t\t\timport {_PROXY} {' '.join(upstreams)}"
        case Redirect(to=to):
            yield f'\t\t\tredir * "{to}"'  # without the '*' a text that begins with '/' is a matcher
        case CaddyLines(text=text):
            yield from _own(text)
        case Service():
            pass


def _own(text: str) -> list[str]:
    """The user's own lines as they are: blanks count in quoted ones, and only `\\n` ends one for Caddy."""
    return text.strip("\n").split("\n") if text else []
