"""Says how each site is asked for on the server itself, as cloudflared would: from Caddy, or from the site's own service."""

from urllib.parse import urlsplit

from edge import find_hostname, find_path
from settings import Settings, Site
from settings.model.stack import Service

_SECONDS = 10


def write_curl_config(settings: Settings) -> str:
    """Writes a configuration of curl with a transfer for each site that can be asked; each prints `site`, its index, status, seconds."""
    blocks = [
        "\n".join([*block, f'write-out = "site\\t{index}\\t%{{http_code}}\\t%{{time_total}}\\n"'])
        for index, site in enumerate(settings.sites)
        if (block := _write_transfer(settings, site))
    ]
    return "\nnext\n".join(blocks) + "\n" if blocks else ""


def _write_transfer(settings: Settings, site: Site) -> list[str]:
    hostname, path = find_hostname(site), find_path(site)
    if hostname is None or path is None:
        return []
    lines = [
        'output = "/dev/null"',
        f"max-time = {_SECONDS}",
        'noproxy = "*"',
        "globoff",
        "insecure",
        'user-agent = "argoweb status"',
    ]
    if isinstance(site.backend, Service):
        url = site.backend.url
        if url.startswith("unix:"):
            return [
                *lines,
                f"unix-socket = {_quote(url.removeprefix('unix:'))}",
                f"url = {_quote(f'http://{hostname}{path}')}",
            ]
        if urlsplit(url).scheme not in ("http", "https"):
            return []
        host = site.origin_request.get("httpHostHeader") or hostname
        return [
            *lines,
            f"url = {_quote(url + path)}",
            f"header = {_quote(f'Host: {host}')}",
        ]
    caddy = settings.caddy
    if caddy.tls is not None and caddy.tls.client_ca is not None:
        return []
    return [
        *lines,
        f"connect-to = {_quote(f'::{caddy.address}')}",
        f"url = {_quote(f'{caddy.scheme}://{hostname}{path}')}",
    ]


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
