"""Gives the URLs of a stack's sites."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from settings import Settings, Site
from settings.model.names import EVERY
from settings.model.stack import Service

WILDCARDS_LABEL = "argoweb-asks"
"""What stands for the `*` of a hostname where a wildcard is asked for."""
_LITERAL = re.compile(r"\^?(/[\w./-]*)\$?")
"""A regular expression that is one path; a dot is taken for itself."""
_OF_THE_WEB = ("http", "https", "unix", "unix+tls")
"""The schemes of services that answer to HTTP."""
_ANSWERS = ("http_status:", "hello_world")
"""The beginnings of services of cloudflared's own that do."""


def find_path(site: Site) -> str | None:
    """Gives a path that a site takes, or `None` if its regular expression is more than a plain path."""
    if not site.path:
        return "/"
    found = _LITERAL.fullmatch(site.path.replace("\\", ""))
    return found[1] if found else None


def find_hostname(site: Site) -> str | None:
    """Gives the hostname of a site, or `None` if it is a wildcard, which nobody can ask for."""
    return None if site.hostname.startswith(EVERY) else site.hostname


def list_urls(settings: Settings) -> list[str]:
    """Gives the URLs at which browsers find the sites, in the order of the sites; that of a wildcard has its `*`."""
    return list(
        dict.fromkeys(f"https://{site.hostname}{path}" for site, path in _list_on_the_web(settings))
    )


def list_asked(settings: Settings) -> Iterator[tuple[Site, str, str]]:
    """Gives each site that a visitor can ask for, with a hostname and a path that it takes."""
    for site, path in _list_on_the_web(settings):
        yield site, site.hostname.replace(EVERY, WILDCARDS_LABEL, 1), path


def _list_on_the_web(settings: Settings) -> Iterator[tuple[Site, str]]:
    for site in settings.sites:
        path = find_path(site)
        if site.hostname == EVERY or path is None:
            continue
        service = site.backend.url if isinstance(site.backend, Service) else "http:"
        if urlsplit(service).scheme in _OF_THE_WEB or service.startswith(_ANSWERS):
            yield site, path
