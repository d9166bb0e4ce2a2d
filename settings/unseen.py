"""Paths that the services do not see, or cannot write, since systemd hides them from their units."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ingress import Findings
from settings.instances import WRITTEN
from settings.model import Caddy, Directory, Nixos, Proxy, Service, Site

_UNSEEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")
"""By `ProtectHome` and `PrivateTmp` of nixos/argoWeb.nix and of nixpkgs' services.caddy."""
_UNIX = ("unix:", "unix+tls:")
_Path = tuple[str, str]
"""Where it stands in the stack file, and itself."""


def check_seen(
    sites: Sequence[Site],
    cloudflared: Mapping[str, Any],
    caddy: Caddy,
    nixos: Nixos,
    findings: Findings,
) -> None:
    """Warns of such paths. A Caddy unit of the user's own may see everything."""
    paths = [("cloudflared", *path) for path in _of_cloudflared(sites, cloudflared, caddy)]
    if caddy.manage:
        paths += [("Caddy", *path) for path in _of_caddy(sites, caddy)]
    for program, where, path in paths:
        for folder in _UNSEEN:
            if PurePosixPath(path).is_relative_to(folder):
                findings.warn(
                    where,
                    f"{program}'s unit sees nothing of {folder}, so not '{path}'. Move it, to below /srv, /var/lib or /run.",
                )
    for key in WRITTEN:
        path = str(cloudflared.get(key) or nixos.data_dir)
        if not PurePosixPath(path).is_relative_to(nixos.data_dir):
            findings.warn(
                f"argoweb:cloudflared.{key}",
                f"cloudflared's unit can write below {nixos.data_dir} only, so not '{path}'. The journal has its log.",
            )


def _of_cloudflared(
    sites: Sequence[Site], cloudflared: Mapping[str, Any], caddy: Caddy
) -> Iterator[_Path]:
    origins = [("argoweb:cloudflared.originRequest", cloudflared.get("originRequest") or {})]
    origins += [(f"{site.place}.originRequest", site.origin_request) for site in sites]
    for where, origin in origins:
        if pool := origin.get("caPool"):
            yield f"{where}.caPool", str(pool)
    if authority := cloudflared.get("cacert"):
        yield "argoweb:cloudflared.cacert", str(authority)
    if caddy.tls is not None and caddy.tls.ca_pool is not None:
        yield "argoweb:caddy.tls.caPool", caddy.tls.ca_pool
    for site in sites:
        if isinstance(site.backend, Service) and site.backend.url.startswith(_UNIX):
            yield f"{site.place}.service", site.backend.url.partition(":")[2]


def _of_caddy(sites: Sequence[Site], caddy: Caddy) -> Iterator[_Path]:
    if caddy.tls is not None:
        names = ("certificate", "key", "clientCa")
        for name, path in zip(
            names, (*(caddy.tls.files or (None, None)), caddy.tls.client_ca), strict=True
        ):
            if path is not None:
                yield f"argoweb:caddy.tls.{name}", path
    for site in sites:
        match site.backend:
            case Directory(root=root):
                yield f"{site.place}.root", root
            case Proxy(upstreams=upstreams):
                sockets = (
                    each.removeprefix("unix/") for each in upstreams if each.startswith("unix/")
                )
                yield from ((f"{site.place}.proxy", path) for path in sockets)
