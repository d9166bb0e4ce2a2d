"""Checks the address of `argoweb:metrics`: whether it is free, and who may read there."""

import ipaddress

from settings.model.addresses import find_metrics, overlap
from settings.model.caddy_admin import find_admin
from settings.model.stack import Caddy, Metrics, Settings
from values.findings import Findings, Kind, make_warning

METRICS_PORT = Kind("metrics-port", "The metrics would be at a port that something else has.")
METRICS_FOR_ALL = make_warning(
    "metrics-for-all", "Everybody who reaches the server may read its metrics."
)


def check(settings: Settings, findings: Findings) -> None:
    """Checks that each address is free, and warns of who may read there."""
    for server in settings.servers:
        own = server.metrics is not None
        key = f"servers.{server.name}.metricsAddress" if own else "metrics.address"
        _check_address(settings.adapt_to(server), f"argoweb:{key}", findings)


def _check_address(settings: Settings, where: str, findings: Findings) -> None:
    metrics = settings.caddy.metrics
    if metrics is None or metrics.host is None:
        return
    host, ports = find_metrics(str(settings.cloudflared["metrics"]), settings.nixos.instances)
    if taken := _find_taken(settings.caddy, metrics, host, ports):
        why = f"takes the port {metrics.port}, which {taken} has."
        findings.add(METRICS_PORT, where, why, "Take another one.")
    address = ipaddress.ip_address(metrics.host)
    if address.is_unspecified or address.is_global:
        why = "is open to everybody who reaches the server: they tell of all hostnames and of the traffic."
        remedy = "Take an address of a private network, or see that the firewall lets nobody but your Prometheus in."
        findings.add(METRICS_FOR_ALL, where, why, remedy)


def _find_taken(caddy: Caddy, metrics: Metrics, host: str, ports: range) -> str | None:
    at, admin = metrics.host or "", find_admin(caddy)
    if metrics.port == caddy.port and any(overlap(at, each) for each in caddy.bind):
        return "argoweb:caddy.port"
    if metrics.port in ports and overlap(at, host):
        return "argoweb:cloudflared.metrics"
    if metrics.port == admin.port and overlap(at, admin.host):
        return "Caddy's admin interface"
    return None
