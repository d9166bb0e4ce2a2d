"""What two cloudflared on one server cannot share, and what a restart of either needs."""

import re
from collections.abc import Mapping
from typing import Any

from ingress import Findings
from ingress.durations import seconds
from settings.addresses import overlap
from settings.model import Caddy

_FILES = ("pidfile", "logfile", "log-directory", "trace-output")
_GRACE_PERIOD = "30s"
"""cloudflared's own default."""


def check_instances(
    count: int, cloudflared: Mapping[str, Any], health_timeout: int, findings: Findings
) -> None:
    """Whether they get along, and whether each may end its requests before a change is taken back."""
    if count > 1:
        for key in _FILES:
            if key in cloudflared:
                findings.error(
                    f"argoweb:cloudflared.{key}",
                    "both instances would write it. Remove it, or set argoweb:nixos.instances to 1.",
                )
        if str(cloudflared["metrics"]).endswith(":65535"):
            findings.error(
                "argoweb:cloudflared.metrics",
                "the second instance takes the next port, and there is none after 65535.",
            )
    grace = str(cloudflared.get("grace-period", _GRACE_PERIOD))
    if (seconds(grace) or 0) >= health_timeout:
        findings.warn(
            "argoweb:health.timeout",
            f"cloudflared may take its grace-period of {grace} to stop, so a change would be taken back"
            f" after {health_timeout} s. Raise it above that.",
        )


def check_ports(
    count: int, cloudflared: Mapping[str, Any], caddy: Caddy, findings: Findings
) -> None:
    """Whether Caddy leaves each cloudflared the port of its metrics."""
    host, _, port = str(cloudflared["metrics"]).rpartition(":")
    if not re.fullmatch(r"[0-9]{1,5}", port):
        return  # reported as no address
    clashing = caddy.port in range(int(port), int(port) + count)
    if clashing and any(overlap(host, address) for address in caddy.bind):
        findings.error(
            "argoweb:caddy.port",
            f"found the number {caddy.port}, on which cloudflared serves its metrics. Take another one, or another argoweb:cloudflared.metrics.",
        )
