"""Finds paths that the services do not see, or cannot write, since systemd hides them from their units."""

from pathlib import PurePosixPath

from cloudflared.flags import OWN_FILES
from settings.model.stack import Settings
from settings.model.unit_paths import list_paths_of_caddy, list_paths_of_cloudflared
from values.findings import Findings, make_warning

PATH_HIDDEN = make_warning("path-hidden", "systemd hides a path from the unit that uses it.")
PATH_READ_ONLY = make_warning("path-read-only", "systemd does not let the unit write a file.")
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")
"""By `ProtectHome` and `PrivateTmp` of nixos/argoWeb.nix and of nixpkgs' services.caddy."""


def check(settings: Settings, findings: Findings) -> None:
    """Warns of paths that systemd hides from the units, unless Caddy's unit is the user's own."""
    sites, caddy, nixos = settings.sites, settings.caddy, settings.nixos
    cloudflared = settings.cloudflared
    paths = [*list_paths_of_cloudflared(sites, cloudflared, caddy)]
    if caddy.manage:
        paths += list_paths_of_caddy(sites, caddy)
    for used in paths:
        for folder in HIDDEN:
            if PurePosixPath(used.path).is_relative_to(folder):
                findings.add(
                    PATH_HIDDEN,
                    used.place,
                    f"{used.program}'s unit sees nothing of {folder}, so not '{used.path}'.",
                    "Move it, to below /srv, /var/lib or /run.",
                )
    if "trace-output" in cloudflared:
        findings.add(
            PATH_READ_ONLY,
            "argoweb:cloudflared.trace-output",
            "is never written: cloudflared makes it in /tmp, and its unit has one of its own, from which nothing can be moved.",
        )
    for key in OWN_FILES:
        path = str(cloudflared.get(key) or nixos.data_dir)
        if not PurePosixPath(path).is_relative_to(nixos.data_dir):
            findings.add(
                PATH_READ_ONLY,
                f"argoweb:cloudflared.{key}",
                f"cloudflared's unit can write below {nixos.data_dir} only, so not '{path}'. The journal has its log.",
            )
