"""argoWeb.caddy: the sites that Caddy serves, as a Caddyfile without global options."""

import ipaddress
from collections import Counter
from collections.abc import Iterator, Sequence

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


def caddyfile(settings: Settings) -> str:
    """One block in which Caddy tries the sites in the order of the ingress rules, as cloudflared does.

    With a block a hostname Caddy would choose by rules of its own: it prefers exact hostnames, takes `*` for one label
    only and ignores case. And its own path matchers clean the path first, so that `//admin` could pass by cloudflared's
    rule for `^/admin`, with its Access check, and still reach the site behind it.
    """
    sites = [site for site in settings.sites if not isinstance(site.backend, Service)]
    lines = ["# Written by argoweb; a change here is undone by the next deployment."]
    if sites:
        lines += [*_block(settings.caddy, sites)]
    return "\n".join(lines) + "\n"


def global_options(caddy: Caddy) -> str:
    """Lines for the global options block: who the visitor is, and nothing on port 80."""
    lines = [
        "grace_period 10s",  # else a reload waits for its longest connection, for ever
        "servers {",
        f"\ttrusted_proxies static {_from_cloudflared(caddy)}",
        "\tclient_ip_headers CF-Connecting-IP",
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


def _block(caddy: Caddy, sites: Sequence[Site]) -> Iterator[str]:
    scheme = "http" if caddy.tls is None else "https"
    bind = f"\tbind {' '.join(caddy.bind)}"
    if caddy.tls is not None and caddy.tls.files is None:
        # A block of its own, so that Caddy's CA answers for this name only and not for other sites of the same Caddy.
        yield from ("", f"https://{INTERNAL_NAME}:{caddy.port} {{", bind)
        yield from (*_tls(caddy, "tls internal"), "}")
    yield from ("", f"{scheme}://:{caddy.port} {{", bind)
    if caddy.tls is not None:
        yield from _tls(caddy, " ".join(("tls", *(caddy.tls.files or ()))))
    yield from _own(caddy.site_options)
    yield "\troute {"
    counts: Counter[str] = Counter()
    for site in sites:
        counts[site.hostname] += 1
        number = counts[site.hostname]
        name = f"@{site.hostname}" + (f"-{number}" if number > 1 else "")
        yield from _matcher(name, site)
        yield f"\t\thandle {name} {{"
        yield from _directives(site, caddy)
        yield "\t\t}"
    yield from ("\t\thandle {", "\t\t\trespond 404", "\t\t}", "\t}", "}")


def _tls(caddy: Caddy, directive: str) -> Iterator[str]:
    yield f"\t{directive} {{"
    yield "\t\tprotocols tls1.3"
    if caddy.tls is not None and caddy.tls.client_ca is not None:
        yield "\t\tclient_auth {"
        yield "\t\t\tmode require_and_verify"
        yield f"\t\t\ttrusted_ca_cert_file {caddy.tls.client_ca}"
        yield "\t\t}"
    yield "\t}"


def _matcher(name: str, site: Site) -> Iterator[str]:
    """What `Rule.Matches` in cloudflared's `ingress/rule.go` does, on the same texts."""
    yield f"\t\t{name} {{"
    if site.hostname.startswith("*."):
        # Not vars_regexp: of two in a matcher Caddy asks for one of them only.
        suffix = site.hostname.removeprefix("*").replace(".", "\\.")
        yield f"\t\t\theader_regexp host Host `{suffix}(:[^:]*)?$`"
    else:
        yield f"\t\t\tvars {{http.request.host}} {site.hostname}"
    if site.path:
        yield f"\t\t\tvars_regexp path {{http.request.uri.path}} `{site.path}`"
    yield "\t\t}"


def _directives(site: Site, caddy: Caddy) -> Iterator[str]:
    match site.backend:
        case Directory(root=root):
            yield f"\t\t\troot * {root}"
            yield "\t\t\tfile_server"
        case Proxy(upstreams=upstreams):
            yield f"\t\t\treverse_proxy {' '.join(upstreams)} {{"
            yield f"\t\t\t\ttrusted_proxies {_from_cloudflared(caddy)}"
            yield "\t\t\t}"
        case Redirect(to=to):
            yield f'\t\t\tredir * "{to}"'  # without the '*' a text that begins with '/' is a matcher
        case CaddyLines(text=text):
            yield from _own(text)
        case Service():
            pass


def _own(text: str) -> list[str]:
    """The user's own lines as they are: blanks count in quoted ones, and only `\\n` ends one for Caddy."""
    return text.strip("\n").split("\n") if text else []
