"""Reads `argoweb:caddy`: how Caddy runs and what it listens on."""

import ipaddress
from typing import Any

from settings.caddyfile import statements
from settings.contract import CLOUDFLARED_UNITS
from settings.keys.stack import BY_CADDY
from settings.model.addresses import normalise
from settings.model.stack import Caddy, Tls
from values.findings import NO_EFFECT, TWICE, Findings, Kind, make_warning
from values.tables import MISSING_KEY, fill

PORT_TLS = Kind("port-tls", "Caddy's port is one at which it always or never speaks TLS.")
LINES = Kind(
    "caddy-lines", "Lines for Caddy leave their block, or have what argoweb writes itself."
)
ADMIN_OFF = make_warning(
    "caddy-no-reload", "Caddy cannot be reloaded, since its admin interface is off."
)
LOG_TWICE = Kind("caddy-log", "A log of Caddy's has the name that nixpkgs gives its own.")
CADDY_UNIT = Kind("caddy-unit", "Caddy's unit is one of cloudflared's.")
CADDY_OPEN = make_warning("caddy-open", "Caddy's sites can be reached past Cloudflare.")
TLS_FILES = Kind(
    "tls-files", "Caddy's TLS has too much or too little to choose its certificate by."
)
TLS_TRUST = Kind(
    "tls-trust", "cloudflared cannot trust Caddy's certificate, or has two reasons to."
)
TLS_CLIENT = make_warning(
    "tls-client", "Caddy asks for a client certificate that cloudflared does not have."
)
HTTP_PORT, HTTPS_PORT = 80, 443
"""Caddy never speaks TLS on the first and always does on the second (`modules/caddyhttp/autohttps.go`)."""
_WHERE = "argoweb:caddy"
_ADDRESS = "argoweb writes it. Use argoweb:caddy.bind and argoweb:caddy.port."
_TLS = "argoweb writes it. Use argoweb:caddy.tls."
_SITE_ONLY = "Write it in argoweb:caddy.siteOptions, for all sites."
_NGINX = "That is nginx's language: write Caddy's, such as `reverse_proxy 127.0.0.1:3000`."
_APACHE = "That is Apache's language: write Caddy's, such as `reverse_proxy 127.0.0.1:3000`."
_CADDY_1 = "That is Caddy 1: write `{}`."
NOT_IN_BLOCK = {
    "bind": _ADDRESS,
    "tls": _TLS,
    **dict.fromkeys(("server", "server_name", "listen", "location", "proxy_pass", "fastcgi_pass", "upstream"), _NGINX),
    **dict.fromkeys(
        ("<VirtualHost", "<Location", "<Directory", "ProxyPass", "RewriteEngine", "RewriteRule", "DocumentRoot"), _APACHE
    ),
    **{old: _CADDY_1.format(new) for old, new in {
        "proxy": "reverse_proxy", "fastcgi": "php_fastcgi", "gzip": "encode gzip", "browse": "file_server browse",
    }.items()},
}  # fmt: skip
NOT_IN_SITE = {**NOT_IN_BLOCK, "log": _SITE_ONLY, "handle_errors": _SITE_ONLY}
"""Directives that Caddy refuses inside of `handle`."""
_NOT_IN_SERVERS = {
    "trusted_proxies": "argoweb writes it, for cloudflared. Leave it out.",
    "client_ip_headers": "argoweb writes it, for cloudflared. Leave it out.",
    "servers": "Write what is in its block.",
}
_NOT_GLOBAL = {
    "servers": "argoweb writes it. Put what is in its block into argoweb:caddy.serverOptions.",
    "auto_https": "argoweb writes it where it is needed. Leave it out.",
}


def read_caddy(value: dict[str, Any], routing: str | None, findings: Findings) -> Caddy:
    """Reads the settings of Caddy; `routing` says who chooses among its sites, cloudflared or Caddy."""
    tls = _read_tls(value["tls"], findings) if "tls" in value else None
    _check_addresses(value["bind"], findings)
    if value["port"] == (HTTP_PORT if tls else HTTPS_PORT):
        findings.add(
            PORT_TLS,
            f"{_WHERE}.port",
            f"found the number {value['port']}, on which Caddy {'speaks no' if tls else 'insists on'} TLS.",
            "Take another one.",
        )
    for key, lines, refused in (
        ("globalOptions", value["globalOptions"], _NOT_GLOBAL),
        ("serverOptions", value["serverOptions"], _NOT_IN_SERVERS),
        ("siteOptions", value["siteOptions"], NOT_IN_BLOCK),
        *((f"snippets.{name}", lines, NOT_IN_BLOCK) for name, lines in value["snippets"].items()),
    ):
        if (problem := statements.find_problem(lines, refused=refused)) is not None:
            findings.add(LINES, f"{_WHERE}.{key}", problem)
    _check_global_options(value, tls is not None, findings)
    _check_server_options(value, findings)
    if value["unit"] in CLOUDFLARED_UNITS:
        text = f"'{value['unit']}' is cloudflared's own unit, expected Caddy's."
        findings.add(CADDY_UNIT, f"{_WHERE}.unit", text)
    if not value["manage"]:
        for key in ("globalOptions", "serverOptions", "user"):
            if value.get(key):
                text = "has no effect with `manage: false`: the unit is your own."
                findings.add(NO_EFFECT, f"{_WHERE}.{key}", text)
    return fill(Caddy, value, tls=tls, routes=routing == BY_CADDY)


def _check_global_options(value: dict[str, Any], tls: bool, findings: Findings) -> None:
    where = f"{_WHERE}.globalOptions"
    for each in statements.list_directives(value["globalOptions"]):
        if each.name == "admin" and each.arguments[:1] == ("off",):
            findings.add(
                ADMIN_OFF,
                where,
                "with `admin off` Caddy cannot be reloaded: set services.caddy.enableReload = false on the servers.",
            )
        elif each.name == "log" and each.arguments[:1] in ((), ("default",)) and value["manage"]:
            findings.add(
                LOG_TWICE,
                where,
                f"has a 'log' without a name in line {each.line}, which nixpkgs writes.",
                "Give it a name, as in `log mine {`, or set services.caddy.logFormat on the servers.",
            )
        elif each.name == ("http_port" if tls else "https_port") and each.arguments[:1] == (
            str(value["port"]),
        ):
            findings.add(
                PORT_TLS,
                where,
                f"with '{each.name} {value['port']}' Caddy {'speaks no' if tls else 'insists on'} TLS at the port of the sites.",
                "Take another one, or another argoweb:caddy.port.",
            )


def _check_server_options(value: dict[str, Any], findings: Findings) -> None:
    where = f"{_WHERE}.serverOptions"
    for each in statements.list_directives(value["serverOptions"]):
        if each.name == "protocols" and "h1" not in each.arguments:
            findings.add(
                LINES,
                where,
                f"has 'protocols' without 'h1' in line {each.line}, which cloudflared speaks.",
                "Add it.",
            )
        elif each.name == "name" and len(value["bind"]) > 1:
            findings.add(
                LINES,
                where,
                f"has 'name' in line {each.line}, which Caddy takes for one address, and argoweb:caddy.bind has {len(value['bind'])}.",
                "Leave it out.",
            )


def _check_addresses(bind: list[str], findings: Findings) -> None:
    addresses = list(map(normalise, bind))
    for index, text in enumerate(bind):
        if addresses.index(addresses[index]) != index:
            where = f"{_WHERE}.bind[{index}]"
            findings.add(TWICE, where, f"'{text}' is there twice.", "Remove one of them.")
        elif not ipaddress.ip_address(text).is_loopback:
            findings.add(
                CADDY_OPEN,
                f"{_WHERE}.bind[{index}]",
                f"whoever reaches {text} reaches the sites past Cloudflare; use 127.0.0.1 or ::1.",
            )


def _read_tls(value: dict[str, Any], findings: Findings) -> Tls:
    where = f"{_WHERE}.tls"
    files = value.get("certificate"), value.get("key")
    if value["internal"] and any(files):
        text = "found `internal` and files, expected one of them."
        findings.add(TLS_FILES, where, text, "Remove the other.")
    elif not value["internal"] and not all(files):
        advice = "Give both files, or `internal: true`."
        for key in ("certificate", "key"):
            if not value.get(key):
                findings.add(MISSING_KEY, f"{where}.{key}", "missing.", advice)
    trusts = [key for key in ("caPool", "noTLSVerify") if value.get(key)]
    if len(trusts) > 1:
        text = "found caPool and noTLSVerify, expected one of them."
        findings.add(TLS_TRUST, where, text, "Remove the other.")
    elif value["internal"] and not trusts:
        findings.add(
            TLS_TRUST,
            where,
            "`internal` needs `noTLSVerify: true`, or `caPool`: a copy of Caddy's root certificate "
            "that the user argoWeb may read, which Caddy's own under /var/lib/caddy is not.",
        )
    if value.get("clientCa"):
        findings.add(
            TLS_CLIENT,
            f"{where}.clientCa",
            "cloudflared shows no client certificate, so sites that Caddy serves refuse the tunnel.",
        )
    return fill(
        Tls,
        value,
        files=None if value["internal"] else (str(files[0]), str(files[1])),
        no_verify=value["noTLSVerify"],
    )
