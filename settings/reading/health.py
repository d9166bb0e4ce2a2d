"""Reads `argoweb:health`: what must answer after a change."""

from typing import Any
from urllib.parse import SplitResult, urlsplit

from cloudflared import Router
from cloudflared.go.idna import look_up_name
from settings.model.addresses import reaches
from settings.model.backends import list_listening
from settings.model.names import EVERY
from settings.model.stack import INTERNAL_NAME, Caddy, Health, Service, Site, SiteUrl
from values.findings import Findings, Kind

HEALTH_URL = Kind(
    "health-url", "A URL that is to answer after a change cannot be asked on the server."
)


def read_health(
    value: dict[str, Any], sites: list[Site], router: Router, caddy: Caddy, findings: Findings
) -> Health:
    """Reads which URLs must answer, those of the stack's own sites apart: a server has no other way to them before their records exist.

    The router is that of the sites.
    """
    urls, own = [], []
    taken = list_listening(sites, caddy)
    for index, text in enumerate(value["urls"]):
        where = f"argoweb:health.urls[{index}]"
        parts = urlsplit(text)
        if parts.username is not None:
            why = "holds a name or password, which all may see."
            findings.add(HEALTH_URL, where, why, "Leave it out.")
            continue
        hostname = look_up_name(parts.hostname or "") or parts.hostname or ""
        if all(sites[index].hostname == EVERY for index in router.list_rules(hostname)):
            if reaches(text, taken, [caddy.port]):
                findings.add(
                    HEALTH_URL,
                    where,
                    "is Caddy's own address, where it answers 404: it finds a site by its hostname.",
                    "Write the site's URL.",
                )
            urls.append(text)
            continue
        taking = router.find_first(hostname, parts.path or "/")
        if taking is None:
            why = f"is a page of {hostname} that no site of the stack takes."
            findings.add(HEALTH_URL, where, why)
            continue
        site = sites[taking]
        if isinstance(site.backend, Service):
            findings.add(
                HEALTH_URL,
                where,
                f"is one of {site.place}, which Caddy does not serve.",
                f"Give the URL of its service, as {site.backend.url}.",
            )
        elif caddy.tls is not None and caddy.tls.client_ca is not None:
            why = "needs a client certificate (argoweb:caddy.tls.clientCa)."
            findings.add(HEALTH_URL, where, why, "Leave it out.")
        else:
            own.append(
                SiteUrl(hostname=hostname, url=_write_as_caddy_has_it(parts, hostname, caddy))
            )
    return Health(timeout=value["timeout"], urls=urls, sites=own, edge=value["edge"])


def _write_as_caddy_has_it(parts: SplitResult, hostname: str, caddy: Caddy) -> str:
    internal = caddy.tls is not None and caddy.tls.files is None
    return parts._replace(
        scheme=caddy.scheme, netloc=INTERNAL_NAME if internal else hostname, fragment=""
    ).geturl()
