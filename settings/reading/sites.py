"""Reads `argoweb:sites`: what answers at each hostname, its ingress rule, its record."""

import re
from collections.abc import Mapping
from typing import Any

from cloudflared import Rule, put_specific_first
from settings.caddyfile import statements
from settings.keys import formats
from settings.keys.site import BACKENDS, BESIDE
from settings.keys.stack import WRITTEN
from settings.model import names
from settings.model.stack import (
    INTERNAL_NAME,
    Backend,
    Caddy,
    CaddyLines,
    Directory,
    Dns,
    Proxy,
    Redirect,
    Service,
    Site,
)
from settings.reading.caddy import LINES, NOT_IN_SITE
from values.findings import TWICE, Findings, Kind

_Values = dict[str, Any]

NO_RECORD = Kind("no-record", "A site that has no record says what its record shall be.")
BACKEND = Kind("backend", "A site has none or several of the keys that say what answers.")
OF_ANOTHER_BACKEND = Kind(
    "of-another-backend", "A key belongs to another way to answer than the site's."
)
MIXED_UPSTREAMS = Kind(
    "mixed-upstreams", "Caddy cannot pass requests on with and without TLS at once."
)
OF_CADDY = Kind(
    "of-caddy", "A site that Caddy serves has a key with which cloudflared would not reach it."
)
_SPECIAL_IN_CADDY = re.compile(r"`|(?<!\\[pPx])\{[$%?a-z_]|\\Q.*\{[$%?a-z_]")
"""What ends a quoted text of the Caddyfile, and what begins a placeholder (`httpcaddyfile/shorthands.go`)."""


_PART = re.compile(r"(?<=/)\{[A-Za-z]\w*\}(?=/|\$|$)")
"""As routers of applications name a part."""


def _reads_otherwise_for_caddy(path: str) -> bool:
    escaped = path.replace("\\\\", "\0")  # of these, the second escapes nothing
    return _SPECIAL_IN_CADDY.search(escaped) is not None


def read_sites(place: str, value: _Values, findings: Findings) -> list[Site]:
    """Reads the item at a place of the stack file: a site for each of its hostnames."""
    given = value["hostname"]
    found: dict[str, Site] = {}
    for index, name in enumerate(given):
        where = f"{place}.hostname" + (f"[{index}]" if len(given) > 1 else "")
        hostname = names.read_hostname(name, where, findings)
        if hostname in found:
            findings.add(TWICE, where, f"'{name}' is there twice.", "Remove one of them.")
        else:
            found[hostname] = _read_site(place, hostname, value, findings)
    return list(found.values())


def _read_site(place: str, hostname: str, value: _Values, findings: Findings) -> Site:
    dns: Any = value["dns"]
    details: _Values = dns if isinstance(dns, dict) else {}
    backend = _read_backend(value, place, findings)
    if not isinstance(backend, Service) and _reads_otherwise_for_caddy(value["path"]):
        named = _PART.sub("[^/]+", value["path"])
        findings.add_mismatch(
            f"{place}.path",
            value["path"],
            "a regular expression that means the same to Caddy: '\\x60' for a backquote, '[{]' for a '{' before a letter"
            + (f"; perhaps '{named}', for any one part" if named != value["path"] else ""),
        )
    if hostname == names.EVERY and details:
        findings.add(
            NO_RECORD,
            f"{place}.dns",
            "'*' has no record: it takes what records of your own or of other sites lead to the tunnel.",
            "Leave it out.",
        )
    return Site(
        place=place,
        hostname=hostname,
        path=value["path"],
        backend=backend,
        origin_request=value["originRequest"],
        dns=Dns(
            enabled=dns is not False and hostname != names.EVERY,
            comment=details.get("comment"),
            tags=details.get("tags", ()),
            adopt=details.get("adopt", False),
        ),
    )


def _read_backend(value: _Values, where: str, findings: Findings) -> Backend:
    given = [key for key in BACKENDS if key in value]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        text = f"found {found}, expected exactly one of {', '.join(BACKENDS)}."
        findings.add(BACKEND, where, text)
        return Service(url="http_status:503")
    for key, backend in BESIDE.items():
        if value.get(key) and backend != given[0]:
            text = f"belongs to `{backend}`, which is not here."
            findings.add(OF_ANOTHER_BACKEND, f"{where}.{key}", text, "Leave it out.")
    match given[0]:
        case "root":
            return Directory(root=value["root"], hidden_files=value["hiddenFiles"])
        case "proxy":
            if len({upstream.rpartition("://")[0] for upstream in value["proxy"]}) > 1:
                findings.add(
                    MIXED_UPSTREAMS,
                    f"{where}.proxy",
                    "found upstreams with and without TLS or HTTP/2, expected the same 'https://', 'h2c://' or nothing before each: Caddy takes no mixture.",
                )
            return Proxy(upstreams=value["proxy"], host=value.get("proxyHost"))
        case "redirect":
            to = formats.write_ascii(value["redirect"]) or value["redirect"]
            return Redirect(to=to, status=value.get("redirectStatus"))
        case "caddyfile":
            if (
                problem := statements.find_problem(value["caddyfile"], refused=NOT_IN_SITE)
            ) is not None:
                findings.add(LINES, f"{where}.caddyfile", problem)
            return CaddyLines(text=value["caddyfile"])
        case _:
            return Service(url=value["service"])


def put_in_order(written: list[Site], order: str) -> tuple[list[Site], list[str]]:
    """Gives the sites in the order in which they are tried, and a notice if that is not the written one."""
    if order == WRITTEN:
        return written, []
    rules = [Rule(hostname=_write_hostname(site), path=site.path, service="") for site in written]
    found = [written[index] for index in put_specific_first(rules)]
    if found == written:
        return written, []
    lines = [f"  {site.place}: {site.hostname} {site.path}".rstrip() for site in found]
    return found, ["\n".join(["argoweb:siteOrder: the sites are tried in this order:", *lines])]


def make_rule(site: Site, caddy: Caddy, defaults: Mapping[str, object], findings: Findings) -> Rule:
    """Makes the ingress rule of a site; `defaults` is the `originRequest` of all sites."""
    service, origin_request = (
        (site.backend.url, dict(site.origin_request))
        if isinstance(site.backend, Service)
        else (caddy.url, _reach_caddy(site, caddy, defaults, findings))
    )
    return Rule(
        hostname=_write_hostname(site),
        path=site.path,
        service=service,
        origin_request=origin_request,
    )


def make_last_rule(caddy: Caddy, defaults: Mapping[str, object]) -> Rule:
    """Makes the rule by which Caddy takes all that no other rule does."""
    backend = CaddyLines(text="")
    every = Site(
        place="", hostname=names.EVERY, path="", backend=backend, origin_request={}, dns=Dns()
    )
    return make_rule(every, caddy, defaults, Findings())


def _write_hostname(site: Site) -> str:
    """Gives a site's hostname as cloudflared has it, where none stands for every one."""
    return "" if site.hostname == names.EVERY else site.hostname


def _reach_caddy(
    site: Site, caddy: Caddy, defaults: Mapping[str, object], findings: Findings
) -> dict[str, object]:
    """Tells how cloudflared reaches Caddy for a site: the user's own words, and those that TLS needs.

    Of the defaults of all sites, those that Caddy cannot take are set back; an empty text and `false` override them
    too (cloudflared's `ingress/config.go`).
    """
    given = dict(site.origin_request)
    refused = {
        "httpHostHeader": "Caddy finds the site by the visitor's Host. For the upstream write it in `caddyfile`, where "
        "the block of `reverse_proxy` takes `header_up Host NAME`."
    }
    added: dict[str, object] = {}
    if caddy.tls is not None:
        if caddy.tls.files is None:
            text = f"Caddy's own certificate is for {INTERNAL_NAME}. Leave it out."
            refused |= {"originServerName": text, "matchSNItoHost": text}
            added["originServerName"] = INTERNAL_NAME
        elif site.hostname.startswith("*"):
            added["matchSNItoHost"] = True
        else:
            added["originServerName"] = site.hostname
        if caddy.tls.ca_pool is not None:
            added["caPool"] = caddy.tls.ca_pool
        if caddy.tls.no_verify:
            added["noTLSVerify"] = True
    for key in given.keys() & refused.keys():
        findings.add(OF_CADDY, f"{site.place}.originRequest.{key}", refused[key])
    if given.get("bastionMode"):
        findings.add(
            OF_CADDY,
            f"{site.place}.originRequest.bastionMode",
            "makes a bastion of the site, which Caddy serves.",
            "Leave it out.",
        )
    for key in refused.keys() & defaults.keys():
        if default := defaults[key]:
            added.setdefault(key, "" if isinstance(default, str) else False)
    return {**added, **given}
