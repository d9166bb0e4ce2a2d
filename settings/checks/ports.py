"""Checks that all that listens on a server has a port of its own, and two cloudflareds share no file."""

from cloudflared.flags import OWN_FILES
from settings.model.addresses import find_metrics, overlap
from settings.model.caddy_admin import find_admin
from settings.model.stack import Caddy, Settings
from values.findings import Findings, Kind, Severity

SHARED_FILE = Kind("shared-file", "Two cloudflared would write one file.")
PORT_TAKEN = Kind(
    "port-taken",
    "Two programs would listen at one port, or there is none left.",
    running=Severity.ERROR,
    remedy="Stop it, or set argoweb:caddy.port or argoweb:cloudflared.metrics.",
)


def check(settings: Settings, findings: Findings) -> None:
    """Checks that two cloudflared get along, and that all that listens has a port of its own."""
    cloudflared, count = settings.cloudflared, settings.nixos.instances
    if count > 1:
        for key in OWN_FILES:
            if key in cloudflared:
                findings.add(
                    SHARED_FILE,
                    f"argoweb:cloudflared.{key}",
                    "both instances would write it.",
                    "Remove it, or set argoweb:nixos.instances to 1.",
                )
        if str(cloudflared["metrics"]).endswith(":65535"):
            findings.add(
                PORT_TAKEN,
                "argoweb:cloudflared.metrics",
                "the second instance takes the next port, and there is none after 65535.",
            )

    _check_ports(settings.caddy, *find_metrics(str(cloudflared["metrics"]), count), findings)


def _check_ports(caddy: Caddy, host: str, taken: range, findings: Findings) -> None:
    """Checks that Caddy's sites and its admin interface have ports that none of cloudflared's metrics has, `taken` at `host`."""
    admin = find_admin(caddy)
    if caddy.port == admin.port and any(overlap(admin.host, address) for address in caddy.bind):
        findings.add(
            PORT_TAKEN,
            "argoweb:caddy.port",
            f"found the number {admin.port}, on which Caddy's admin interface listens.",
            "Take another one.",
        )
    if admin.port in taken and overlap(host, admin.host):
        findings.add(
            PORT_TAKEN,
            "argoweb:cloudflared.metrics",
            f"takes the port {admin.port}, on which Caddy's admin interface listens.",
            "Take another one.",
        )
    if caddy.port in taken and any(overlap(host, address) for address in caddy.bind):
        findings.add(
            PORT_TAKEN,
            "argoweb:caddy.port",
            f"found the number {caddy.port}, on which cloudflared serves its metrics.",
            "Take another one, or another argoweb:cloudflared.metrics.",
        )
