"""argoWeb.caddy: the sites that Caddy serves, as a Caddyfile without global options."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence

from render.caddy_shared import (
    CLEAN,
    FILES,
    LEAVES_WITHIN,
    PROXY,
    PROXY_AS,
    SITE,
    VISITOR,
    put_routes_in_place,
    write_shared,
)
from settings.caddyfile.statements import list_directives
from settings.model.names import EVERY
from settings.model.stack import (
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
_HEADING = "# Written by argoweb; a change here is undone by the next deployment.\n"


def render_caddyfile(settings: Settings) -> str:
    """Writes the sites of each hostname, tried in the order of the ingress rules, as cloudflared does.

    A hostname has a block of its own, by which Caddy finds it fast, but chooses by rules of its own: it prefers exact
    hostnames to wildcards and takes `*` for one label only. So the wildcards around a hostname stand in its block too, and
    all the others in the last one.

    cloudflared compares hostnames by case: `WWW.example.com` comes by the rule of `*.example.com`, and reaches what
    www.example.com reaches all the same, but nothing that cloudflared serves itself or guards.

    Where Caddy gets all that cloudflared has no rule for, each hostname comes in any letters, and unknown ones get 404.

    With TLS one block holds all sites, since Caddy would ask an authority for a certificate for each hostname that has one.
    """
    caddy, sites = settings.caddy, settings.sites
    served = "".join(f"{line}\n" for line in _write_metrics(settings))
    if not (caddy.routes or any(map(_is_caddys, sites))):
        return _HEADING + served
    lines: list[str] = []
    if caddy.tls is None:
        for hostname in dict.fromkeys(site.hostname for site in sites):
            its = [sites[index] for index in settings.router.list_rules(hostname)]
            if not _is_wildcard(hostname) and any(map(_is_caddys, its)):
                lines += _write_block(caddy, hostname, its)
        lines += _write_block(caddy, "", [site for site in sites if _is_wildcard(site.hostname)])
    else:
        lines += [*_write_internal(caddy), *_write_block(caddy, "", sites)]
    snippets = [line for each in caddy.snippets.items() for line in _write_snippet(*each)]
    blocks = "\n".join([*snippets, *lines]) + "\n"
    text = write_shared(blocks, caddy) + blocks
    return _HEADING + (text if caddy.metrics is None else put_routes_in_place(text)) + served


def _write_snippet(name: str, text: str) -> Iterator[str]:
    yield from ("", f"({name}) {{", *_split_lines(text), "}")


def _is_caddys(site: Site) -> bool:
    return not isinstance(site.backend, Service)


def _is_wildcard(hostname: str) -> bool:
    return hostname.startswith("*")


def render_global_options(caddy: Caddy) -> str:
    """Writes the lines of the global options block: who the visitor is, and nothing on port 80."""
    # A stop would wait for its longest connection; after 5 s systemd kills Caddy.
    lines = [f"shutdown_delay {LEAVES_WITHIN}", "grace_period 3500ms"]
    for address in caddy.bind:
        host = f"[{address}]" if ":" in address else address
        # For these listeners only: other sites of the same Caddy have their own.
        lines += [
            f"servers {host}:{caddy.port} {{",
            f"\ttrusted_proxies static {_list_trusted(caddy)}",
            "\tclient_ip_headers CF-Connecting-IP",
            *_split_lines(caddy.server_options),
            "}",
        ]
    if caddy.tls is not None:
        lines += ["auto_https disable_redirects", "skip_install_trust"]
    if caddy.metrics is not None and not _says_metrics(caddy):
        lines += ["metrics {", "\tper_host", "}"]
    return "\n".join([*lines, *_split_lines(caddy.global_options)]) + "\n"


def _says_metrics(caddy: Caddy) -> bool:
    return any(each.name == "metrics" for each in list_directives(caddy.global_options))


def _write_metrics(settings: Settings) -> Iterator[str]:
    """Writes a listener of its own for a Prometheus, with nothing but numbers: cloudflared's has its configuration and profiles too."""
    metrics = settings.caddy.metrics
    if metrics is None or metrics.host is None:
        return
    yield from ("", f"http://:{metrics.port} {{", f"\tbind {metrics.host}", "\troute {")
    yield "\t\tmetrics /metrics/caddy"
    for each in settings.instances:
        yield f"\t\thandle /metrics/{each.unit.removesuffix('.service')} {{"
        yield from ("\t\t\trewrite * /metrics", f"\t\t\treverse_proxy {each.metrics}", "\t\t}")
    yield from ("\t\trespond 404", "\t}", "}")


def _list_trusted(caddy: Caddy) -> str:
    """Gives the peers whose X-Forwarded headers and CF-Connecting-IP are believed: this machine."""
    addresses = map(ipaddress.ip_address, caddy.bind)
    others = [str(ip) for ip in addresses if not (ip.is_loopback or ip.is_unspecified)]
    return " ".join([*_LOOPBACK, *others])


def _write_internal(caddy: Caddy) -> Iterator[str]:
    """Writes a block by which Caddy's CA answers for this name only and not for other sites of the same Caddy."""
    if caddy.tls is not None and caddy.tls.files is None:
        yield from ("", f"https://{INTERNAL_NAME}:{caddy.port} {{", f"\timport {SITE}")
        yield from (*_write_tls(caddy, "tls internal"), "}")


def _write_block(caddy: Caddy, hostname: str, sites: Sequence[Site]) -> Iterator[str]:
    """Writes what answers requests for a hostname, of `""` those for all that have no block of their own."""
    yield from ("", f"{caddy.scheme}://{hostname}:{caddy.port} {{", f"\timport {SITE}")
    if caddy.tls is not None:
        yield from _write_tls(caddy, " ".join(("tls", *(caddy.tls.files or ()))))
    yield from _write_site_options(caddy)
    if caddy.hsts:
        yield f'\theader ?Strict-Transport-Security "max-age={caddy.hsts}"'  # unless an upstream says it itself
    yield "\troute {"
    yield from _write_sites(hostname, sites, rest=caddy.routes)
    yield from ("\t}", "}")


def _write_site_options(caddy: Caddy) -> list[str]:
    """Gives the user's lines, in which an access log that says nothing else does not go to nixpkgs' log, which takes errors only."""
    lines = _split_lines(caddy.site_options)
    if caddy.manage:
        for each in list_directives(caddy.site_options.strip("\n")):
            if each.name == "log" and not each.arguments and not each.opens:
                lines[each.line - 1] = "\tlog argoweb {\n\t\toutput stderr\n\t}"
    return lines


def _write_bind(caddy: Caddy) -> str:
    return f"\tbind {' '.join(caddy.bind)}"


def _write_sites(hostname: str, sites: Sequence[Site], *, rest: bool) -> Iterator[str]:
    """Writes the sites one after another; `rest` is whether Caddy also gets what no rule of cloudflared takes."""
    asks_host = not hostname
    yield from _refuse_spellings(sites, asks_host=asks_host, rest=rest)
    # By a wildcard's rule another spelling of a hostname comes to Caddy, of which cloudflared serves what it has of it.
    comes_otherwise = rest or any(
        _is_wildcard(site.hostname) and _is_caddys(site) for site in sites
    )
    clean: set[str] = set()
    for number, site in enumerate(sites, start=1):
        host = [*_write_host_condition(site.hostname)] if asks_host else []
        asked = site.hostname if asks_host else ""
        if site.path and asked not in clean:
            clean.add(asked)
            yield from _write_for(f"@argoweb-{number}-path", host, f"invoke {CLEAN}")
        conditions = [*host, *([f"path_regexp path `{site.path}`"] if site.path else [])]
        if comes_otherwise or _is_caddys(site):
            yield from _write_site(f"@argoweb-{number}", conditions, site, alone=number == 1)
        if not conditions:
            return  # it takes every request
    yield from ("\t\thandle {", "\t\t\trespond 404", "\t\t}")


def _write_site(name: str, conditions: Sequence[str], site: Site, *, alone: bool) -> Iterator[str]:
    directives = [*_write_directives(site)]
    if isinstance(site.backend, CaddyLines):
        # Before the user's lines, which Caddy sorts: there it would come after `forward_auth`.
        yield from _write_for(name, conditions, f"invoke {VISITOR}")
        yield from (f"\t\thandle {name} {{" if conditions else "\t\thandle {", *directives, "\t\t}")
    elif conditions:
        yield from _write_matcher(name, conditions)
        yield from (f"\t\thandle {name} {{", *directives, "\t\t}")
    elif alone:
        yield from directives
    else:
        yield from ("\t\thandle {", *directives, "\t\t}")


def _write_for(name: str, conditions: Sequence[str], directive: str) -> Iterator[str]:
    """Writes a directive for requests that meet conditions, by a matcher of this name."""
    yield from _write_matcher(name, conditions)
    word, rest = directive.split(" ", 1)
    yield f"\t\t{word} {name} {rest}" if conditions else f"\t\t{directive}"


def _refuse_spellings(sites: Sequence[Site], *, asks_host: bool, rest: bool) -> Iterator[str]:
    """Refuses other spellings of a hostname that cloudflared guards.

    They matter where a wildcard's rule would not ask for the same. For `*` any name with a dot at its end is refused,
    which is another one for Caddy's own matchers.
    """
    if asks_host and any(site.hostname == EVERY and _is_caddys(site) for site in sites):
        dotted = "header_regexp Host `[.](:[^:]*)?$`"
        yield from _write_for("@argoweb-dotted", [dotted], "respond 404")
    guarded = {site.hostname: site for site in sites if _find_access(site)}
    for number, (hostname, site) in enumerate(guarded.items(), start=1):
        if (rest and hostname != EVERY) or any(
            _is_caddys(other)
            and _is_wildcard(other.hostname)
            and hostname != other.hostname
            and hostname.endswith(other.hostname[1:])
            and _find_access(other) != _find_access(site)
            for other in sites
        ):
            name = f"@argoweb-spelling-{number}"
            host = _write_host_condition(hostname) if asks_host else ()
            spelled = f"not header_regexp Host `{_match_as_written(hostname)}`"
            yield from _write_for(name, [*host, spelled], "respond 404")


def _find_access(site: Site) -> object:
    """Gives the Access tokens that cloudflared asks for; `None` where it asks for none."""
    access = site.origin_request.get("access")
    required = access if isinstance(access, Mapping) and access.get("required") else None
    return site.passed or required


def _write_matcher(name: str, conditions: Sequence[str]) -> Iterator[str]:
    if conditions:
        yield from (f"\t\t{name} {{", *(f"\t\t\t{condition}" for condition in conditions), "\t\t}")


def _write_tls(caddy: Caddy, directive: str) -> Iterator[str]:
    yield f"\t{directive} {{"
    yield "\t\tprotocols tls1.3"
    if caddy.tls is not None and caddy.tls.client_ca is not None:
        yield "\t\tclient_auth {"
        yield "\t\t\tmode require_and_verify"
        yield f"\t\t\ttrusted_ca_cert_file {caddy.tls.client_ca}"
        yield "\t\t}"
    yield "\t}"


def _write_host_condition(hostname: str) -> Iterator[str]:
    if hostname == EVERY:
        return
    if _is_wildcard(hostname):
        yield f"header_regexp host Host `(?i){_match_as_written(hostname)}`"
    else:
        yield f"host {hostname}"


def _match_as_written(hostname: str) -> str:
    """Writes a regular expression of the Hosts that cloudflared's rule for the hostname takes, in its letters, with any port."""
    beginning = "" if _is_wildcard(hostname) else "^"
    return f"{beginning}{hostname.removeprefix('*').replace('.', '[.]')}(:[^:]*)?$"


def _write_directives(site: Site) -> Iterator[str]:
    match site.backend:
        case Directory(root=root, hidden_files=False):
            yield f"\t\t\timport {FILES} {root}"
        case Directory(root=root):
            yield from (f"\t\t\troot * {root}", "\t\t\tfile_server")
        case Proxy(upstreams=upstreams, host=host):
            # Without a word on it, Caddy sends the visitor's Host to an https upstream until 2.10, and then the upstream's.
            host = host or ("{hostport}" if upstreams[0].startswith("https://") else None)
            snippet = f"{PROXY_AS} {host}" if host else PROXY
            yield f"\t\t\timport {snippet} {' '.join(upstreams)}"
        case Redirect(to=to, status=status):
            yield f'\t\t\tredir * "{to}"{f" {status}" if status else ""}'  # without the '*' a text that begins with '/' is a matcher
        case CaddyLines(text=text):
            yield from _split_lines(text)
        case Service():
            yield "\t\t\trespond 404"


def _split_lines(text: str) -> list[str]:
    """Gives the user's own lines as they are: blanks count in quoted ones, and only `\\n` ends one for Caddy."""
    return text.strip("\n").split("\n") if text else []
