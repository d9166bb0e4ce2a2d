"""Checks that all that listens on a server has a port of its own, and two cloudflareds share no file."""

from cloudflared.flags import OWN_FILES
from settings import caddyfile
from settings.addresses import find_metrics, overlap
from settings.model import Caddy, Settings
from values.findings import Findings, Kind, Severity

SHARED_FILE = Kind("shared-file", "Two cloudflared would write one file.")
PORT_TAKEN = Kind(
    "port-taken",
    "Two programs would listen at one port, or there is none left.",
    running=Severity.ERROR,
    remedy="Stop it, or set argoweb:caddy.port or argoweb:cloudflared.metrics.",
)
_ADMIN = "127.0.0.1:2019"
"""Caddy's, for its reload, unless a global option `admin` moves it."""


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
    at, _, text = _find_admin(caddy).rpartition(":")
    port = int(text) if text.isdecimal() else 0
    if caddy.port == port and any(overlap(at or "::", address) for address in caddy.bind):
        findings.add(
            PORT_TAKEN,
            "argoweb:caddy.port",
            f"found the number {port}, on which Caddy's admin interface listens.",
            "Take another one.",
        )
    if port in taken and overlap(host, at or "::"):
        findings.add(
            PORT_TAKEN,
            "argoweb:cloudflared.metrics",
            f"takes the port {port}, on which Caddy's admin interface listens.",
            "Take another one.",
        )
    if caddy.port in taken and any(overlap(host, address) for address in caddy.bind):
        findings.add(
            PORT_TAKEN,
            "argoweb:caddy.port",
            f"found the number {caddy.port}, on which cloudflared serves its metrics.",
            "Take another one, or another argoweb:cloudflared.metrics.",
        )


def _find_admin(caddy: Caddy) -> str:
    """Gives the address of Caddy's admin interface: `host:port`, a socket, or nothing where it is off."""
    given = [
        each for each in caddyfile.list_directives(caddy.global_options) if each.name == "admin"
    ]
    words = [word for each in given for word in each.arguments]
    return words[0].removeprefix("tcp/") if words else _ADMIN
