"""Finds lines for Caddy that are right on the open internet and wrong behind the tunnel, and those that give inside things away.

Behind cloudflared every request comes from the server itself, and without argoweb:caddy.tls by plain http. Who the visitor
is stands in the headers that cloudflared sends, which argoweb lets Caddy read.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from cloudflared.inside import find_inside_thing
from cloudflared.origins import (
    CERTIFICATE,
    EXPOSED,
    SCHEME,
    Said,
    has_no_public_certificate,
    is_php,
    say_exposed,
)
from settings.caddyfile.lines import (
    Upstream,
    find_believing,
    find_choice,
    find_chosen_upstreams,
    find_serving_anywhere,
    list_inside,
    list_upstreams,
    may_refuse,
)
from settings.caddyfile.statements import Statement, list_statements
from settings.model.addresses import find_metrics, overlap, reaches
from settings.model.backends import list_targets
from settings.model.caddy_admin import Admin, find_admin
from settings.model.stack import Caddy, CaddyLines, Redirect, Service, Settings
from values.findings import Findings, make_warning

OPEN_INTERNET = make_warning(
    "open-internet", "A line for Caddy is right on the open internet and wrong behind the tunnel."
)
ADMIN_OPEN = make_warning("admin-open", "Everybody who reaches the server commands Caddy.")
REDIRECT_TARGET = make_warning("redirect-target", "A redirect's target is no URL for some paths.")
_FROM_HERE = "every request comes from cloudflared on this server"
_BY_HTTP = "cloudflared speaks plain http with Caddy, whatever the visitor speaks with Cloudflare"
_PLACEHOLDERS = (
    (r"\{(?:remote_host|remote|http\.request\.remote(?:\.host(?:/\d+)?)?)\}", f"{_FROM_HERE}; write '{{client_ip}}'"),
    (r"\{(?:remote_port|http\.request\.remote\.port)\}", f"{_FROM_HERE}, so the port is cloudflared's; leave it out"),
    (r"\{(?:tls_\w+|http\.request\.tls\.[\w.]+)\}", "the visitor's TLS ends at Cloudflare; leave it out"),
    (
        r"(?i)\{(?:header\.|http\.request\.header\.)(?:True-Client-IP|X-Client-IP|X-Cluster-Client-IP)\}",
        "a visitor may have sent it; write '{client_ip}'",
    ),
)  # fmt: skip
_OF_HTTP = (
    (
        r"\{(?:scheme|http\.request\.scheme)\}",
        f"{_BY_HTTP}; write 'https' or '{{header.X-Forwarded-Proto}}'",
    ),
)
_EVERYWHERE = ("0.0.0.0", "::", "[::]")  # what to warn of
_DECODED = r"\{(?:path|file|dir|http\.request(?:\.orig_uri|\.uri)\.path(?:\.[\w.]+)?|path\.\w+)\}"
_OF_OTHERS = r"\$\{?(?:request_uri|uri|host|http_host|server_name|scheme|args|is_args|[0-9])\b\}?|%\{[A-Z_]+\}|/\*$"
"""As nginx, Apache and Cloudflare's own rules write what a request has."""
_WORDS = r"(?:host|hostport|port|path|file|dir|uri|query|method|scheme|remote|remote_host|remote_port|client_ip|(?:orig|tls|upstream)_\w+|\w+_escaped)"
_UNKNOWN = rf"\{{\{{[^{{}}]*\}}\}}|\{{(?!{_WORDS}\}})\w+\}}|\{{args\b[^{{}}]*\}}"
"""What has the braces of a placeholder and is none of Caddy's, by its first word alone."""
_FOUND = r"\{(?:re|http\.regexp)\.[^{}]*\}"
"""What a regular expression has found in the path."""
_SLASH = r"\{(?:uri|path|dir|http\.request\.(?:orig_)?uri(?:\.path)?)\}"
"""Placeholders that begin with a '/', so that no host goes on with them."""
_CLIENT_IP = "{}: " + _FROM_HERE + "; write `client_ip`"
_PROTOCOL = "`protocol`: " + _BY_HTTP + "; write `header X-Forwarded-Proto https`, or http"


def check(settings: Settings, findings: Findings) -> None:
    """Warns of lines and addresses of the sites, and of Caddy's own interface."""
    caddy = settings.caddy
    admin, tls = find_admin(caddy), caddy.tls is not None
    refuses = may_refuse(caddy.site_options)
    shared = {"siteOptions": caddy.site_options}
    shared |= {f"snippets.{name}": text for name, text in caddy.snippets.items()}
    for line in find_believing(caddy.site_options):
        findings.add(
            OPEN_INTERNET,
            "argoweb:caddy.siteOptions",
            f"line {line}: `forward_auth` is asked before argoweb takes X-Forwarded-Host away that a visitor made up.",
            "Write `header_up X-Forwarded-Host {host}` in its block, or put it into the sites' `caddyfile`.",
        )
    own = [
        _Own(
            "cloudflared's own metrics",
            *find_metrics(str(settings.cloudflared["metrics"]), settings.nixos.instances),
        )
    ]
    if admin.given:
        _check_admin(admin, findings)
        ports = range(admin.port, admin.port + 1) if admin.port else range(0)
        own.append(_Own("Caddy's admin interface", admin.host, ports, admin.socket))
    for key, text in shared.items():
        where, guarded = f"argoweb:caddy.{key}", refuses or may_refuse(text)
        _check_lines(where, text, findings, tls=tls, guarded=guarded)
        for upstream in list_upstreams(text):
            _check_upstream(where, upstream, "caddyfile", own, findings, guarded=guarded)
    for site in settings.sites:
        guarded = refuses or not site.is_public
        match site.backend:
            case CaddyLines(text=text):
                guarded = guarded or may_refuse(text)
                where = f"{site.place}.caddyfile"
                _check_lines(where, text, findings, tls=tls, guarded=guarded)
                for line in () if _says_root(caddy) else find_serving_anywhere(text):
                    findings.add(
                        EXPOSED,
                        where,
                        f"line {line}: `file_server` without a `root` serves the files of the whole server, since Caddy works in '/'.",
                        "Write `root * /srv/www` with the folder that is meant before it.",
                    )
            case Redirect(to=to):
                for text in (*say_decoded(to), *_say_literal(to, found=bool(site.path))):
                    findings.add(REDIRECT_TARGET, f"{site.place}.redirect", f"{text}.")
                for text in _say_placeholders((to,), tls=tls):
                    findings.add(OPEN_INTERNET, f"{site.place}.redirect", f"{text}.")
            case Service(url=url):
                if (
                    find_inside_thing(url) is None
                    and (given := _say_given_away(url, own))
                    and not guarded
                ):
                    findings.add(EXPOSED, f"{site.place}.service", *given)
        for key, upstream in list_targets(site):
            where = f"{site.place}.{key}"
            _check_upstream(where, upstream, key, own, findings, guarded=guarded)


class _Own(NamedTuple):
    """A part of the deployment that is no site."""

    name: str
    host: str
    ports: range
    socket: str = ""


def _check_upstream(
    where: str,
    upstream: Upstream,
    key: str,
    own: Sequence[_Own],
    findings: Findings,
    *,
    guarded: bool,
) -> None:
    if (said := _say_untrusted(upstream, key)) is not None:
        findings.add(CERTIFICATE, where, *said)
    if (said := _say_unspoken(upstream)) is not None:
        findings.add(SCHEME, where, *said)
    if not guarded and (given := _say_given_away(upstream.address, own)) is not None:
        findings.add(EXPOSED, where, *given)


def _say_given_away(address: str, own: Sequence[_Own]) -> Said | None:
    socket = address.startswith("unix") and re.split("[:/]", address, maxsplit=1)[1]
    known = (
        each.name
        for each in own
        if reaches(address, [each.host], each.ports) or (socket and socket == each.socket)
    )
    return say_exposed(address, next(known, None))


def _say_untrusted(upstream: Upstream, key: str) -> Said | None:
    """Says that Caddy would have to refuse an upstream's certificate; `None` where it would not."""
    host = urlsplit(upstream.address).hostname or ""
    is_tls = upstream.address.startswith("https://")
    if upstream.trusted or not is_tls or not has_no_public_certificate(host):
        return None
    instead = "Write" if key == "caddyfile" else "Write lines as `caddyfile` instead, with"
    return (
        f"no public CA gives a certificate for '{host}', so each request ends with 502 unless the server trusts its CA.",
        f"{instead} `transport http` and in it `tls_server_name`, `tls_trust_pool` or `tls_insecure_skip_verify`.",
    )


def _say_unspoken(upstream: Upstream) -> Said | None:
    """Says that an upstream does not speak http, or not by itself; `None` where it does."""
    address = upstream.address
    if upstream.php:
        return None
    if is_php(address):
        return (
            f"'{address}' is PHP's by its name, which speaks FastCGI, and not http.",
            f"Write `php_fastcgi {address}` in lines of Caddy's (`caddyfile`).",
        )
    scheme, _, rest = address.rpartition("://")
    if scheme in ("", "http") and rest.endswith((":443", ":8443")) and not upstream.trusted:
        return (
            f"port {rest.rpartition(':')[2]} hardly speaks plain http; perhaps 'https://{rest}'.",
        )
    return None


def _says_root(caddy: Caddy) -> bool:
    return any(each.name in ("root", "import") for each in list_statements(caddy.site_options))


def _check_admin(admin: Admin, findings: Findings) -> None:
    """Warns of a Caddy that takes orders from others than this machine."""
    if not admin.port:
        return
    loopback = any(overlap(admin.host, address) for address in ("127.0.0.1", "::1"))
    if not loopback or admin.host in _EVERYWHERE:
        findings.add(
            ADMIN_OPEN,
            "argoweb:caddy.globalOptions",
            f"whoever reaches 'admin {admin.given}' commands Caddy; use 127.0.0.1.",
        )


def _check_lines(where: str, lines: str, findings: Findings, *, tls: bool, guarded: bool) -> None:
    """Warns of lines that are wrong behind the tunnel; `tls` is whether cloudflared speaks TLS with Caddy, `guarded` whether not everybody gets in."""
    found = list_statements(lines)
    for index, each in enumerate(found):
        internet = [*_say_internet(each, tls=tls), *_say_php(each, list_inside(found, index))]
        for kind, texts in (
            (OPEN_INTERNET, internet),
            (EXPOSED, _say_inside(each, guarded=guarded)),
            (REDIRECT_TARGET, _say_url(each)),
        ):
            for text in texts:
                findings.add(kind, where, f"line {each.line}: {text}.")
    for line, placeholder in () if guarded else find_chosen_upstreams(lines):
        findings.add(
            EXPOSED,
            where,
            f"line {line}: with '{placeholder}' every visitor chooses what this server connects to, its own services too.",
            "Name the addresses, each by a matcher of its own.",
        )


def _say_internet(each: Statement, *, tls: bool) -> Iterator[str]:
    words = (each.name, *each.arguments)
    if "remote_ip" in words or any("remote_ip(" in word for word in words):
        yield _CLIENT_IP.format("`remote_ip`")
    if each.name == "lb_policy" and each.arguments[:1] == ("ip_hash",):
        yield "`ip_hash`: " + _FROM_HERE + "; write `client_ip_hash`"
    if each.name == "header_up" and each.arguments[:2] == ("X-Forwarded-Proto", "http"):
        yield "`X-Forwarded-Proto http`: a visitor speaks https with Cloudflare; leave it out"
    if not tls and (_asks("protocol", each) or any("protocol(" in word for word in words)):
        yield _PROTOCOL
    yield from _say_placeholders(words, tls=tls)


def _say_placeholders(words: Iterable[str], *, tls: bool) -> Iterator[str]:
    for pattern, text in _PLACEHOLDERS if tls else (*_PLACEHOLDERS, *_OF_HTTP):
        found = next((match for word in words if (match := re.search(pattern, word))), None)
        if found is not None:
            yield f"'{found[0]}': {text}"


def _asks(matcher: str, each: Statement) -> bool:
    """Whether a statement is a request matcher of that name, or `not` that one."""
    words: Sequence[str] = (each.name, *each.arguments)
    if each.name.startswith("@"):
        words = words[1:]
    elif not any(name.startswith("@") or name == "not" for name in each.within):
        return False
    return next((word for word in words if word != "not"), None) == matcher


def _say_php(each: Statement, inner: Iterable[Statement]) -> Iterator[str]:
    if each.name == "php_fastcgi" and not any(
        other.name == "env" and other.arguments[:1] == ("HTTPS",) for other in inner
    ):
        yield (
            "`php_fastcgi`: PHP believes that it is asked by http, at port 80; write `env HTTPS on`, `env SERVER_PORT 443` "
            "and `env REMOTE_ADDR {client_ip}` in its block"
        )


def _say_inside(each: Statement, *, guarded: bool) -> Iterator[str]:
    if not guarded and each.name in ("metrics", "acme_server"):
        yield f"`{each.name}` answers every visitor; guard it, for instance by `basic_auth`, or leave it out"


def _say_url(each: Statement) -> Iterator[str]:
    if each.name == "redir":
        for word in each.arguments:
            yield from say_decoded(word)


def _say_literal(target: str, *, found: bool) -> Iterator[str]:
    """Says which placeholder of a redirect's target Caddy leaves as it is; `found` is whether a path gives it groups."""
    unknown = re.search(_UNKNOWN if found else f"{_UNKNOWN}|{_FOUND}", target)
    if unknown is not None and not re.search(_OF_OTHERS, target):
        yield f"'{unknown[0]}' stands for itself; '{{uri}}' is the path and the query as they were sent"


def say_decoded(target: str) -> Iterator[str]:
    """Says why a redirect's target has a placeholder that has no place in a URL."""
    if (found := re.search(_DECODED, target)) is not None:
        yield (
            f"'{found[0]}' is decoded, so a blank or a '?' of the path stands bare in the URL; write '{{uri}}', which is "
            "the path and the query as they were sent"
        )
    if (found := re.search(_OF_OTHERS, target)) is not None:
        yield f"'{found[0]}' stands for itself; '{{uri}}' is the path and the query as they were sent"
    host = re.match(rf"(?:https?:)?//((?:(?!{_SLASH})[^/?#])*)", target)
    if host and (chosen := find_choice(host[1])):
        yield f"with '{chosen}' whoever writes a link chooses where it leads, under your name; write the host out"
    if not target.isascii():
        yield f"'{target}' has characters that no URL has; write them in punycode and as '%C3%BC'"
