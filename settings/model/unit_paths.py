"""Gives the paths of the stack file that systemd's units of cloudflared and Caddy use on the server."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from settings.caddyfile import lines
from settings.model.stack import Caddy, CaddyLines, Directory, Proxy, Service, Site

_UNIX = ("unix:", "unix+tls:")


@dataclass(frozen=True)
class UnitPath:
    """A path that a unit uses."""

    program: str
    """As messages call it."""
    place: str
    """Where it stands in the stack file."""
    path: str
    is_file: bool
    """A file that the program cannot start without; else a folder or a socket."""


def list_paths_of_cloudflared(
    sites: Sequence[Site], cloudflared: Mapping[str, Any], caddy: Caddy
) -> Iterator[UnitPath]:
    """Gives the paths that cloudflared's units use."""
    origins = [("argoweb:cloudflared.originRequest", cloudflared.get("originRequest") or {})]
    origins += [(f"{site.place}.originRequest", site.origin_request) for site in sites]
    for place, origin in origins:
        if pool := origin.get("caPool"):
            yield UnitPath("cloudflared", f"{place}.caPool", str(pool), is_file=True)
    if authority := cloudflared.get("cacert"):
        yield UnitPath("cloudflared", "argoweb:cloudflared.cacert", str(authority), is_file=True)
    if caddy.tls is not None and caddy.tls.ca_pool is not None:
        yield UnitPath("cloudflared", "argoweb:caddy.tls.caPool", caddy.tls.ca_pool, is_file=True)
    for site in sites:
        if isinstance(site.backend, Service) and site.backend.url.startswith(_UNIX):
            yield UnitPath(
                "cloudflared",
                f"{site.place}.service",
                site.backend.url.partition(":")[2],
                is_file=False,
            )


def list_roots(sites: Sequence[Site]) -> dict[str, str]:
    """Lists the folders that Caddy serves, each with the first hostname that it is served at."""
    found: dict[str, str] = {}
    for site in sites:
        if isinstance(site.backend, Directory):
            found.setdefault(site.backend.root, site.hostname)
    return found


def list_paths_of_caddy(sites: Sequence[Site], caddy: Caddy) -> Iterator[UnitPath]:
    """Gives the paths that Caddy's unit uses."""
    if caddy.tls is not None:
        certificate, key = caddy.tls.files or (None, None)
        files = {"certificate": certificate, "key": key, "clientCa": caddy.tls.client_ca}
        for name, path in files.items():
            if path is not None:
                yield UnitPath("Caddy", f"argoweb:caddy.tls.{name}", path, is_file=True)
    for site in sites:
        match site.backend:
            case Directory(root=root):
                yield UnitPath("Caddy", f"{site.place}.root", root, is_file=False)
            case Proxy(upstreams=upstreams):
                for upstream in upstreams:
                    if upstream.startswith("unix/"):
                        socket = upstream.removeprefix("unix/")
                        yield UnitPath("Caddy", f"{site.place}.proxy", socket, is_file=False)
            case CaddyLines(text=text):
                for path in lines.list_files(text):
                    yield UnitPath("Caddy", f"{site.place}.caddyfile", path, is_file=False)
            case _:
                pass
    own = {"siteOptions": caddy.site_options, "globalOptions": caddy.global_options}
    own |= {f"snippets.{name}": text for name, text in caddy.snippets.items()}
    for key, text in own.items():
        for path in lines.list_files(text):
            yield UnitPath("Caddy", f"argoweb:caddy.{key}", path, is_file=False)
