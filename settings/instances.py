"""What two cloudflared on one server cannot share, and what a restart of either needs."""

from collections.abc import Mapping
from typing import Any

from ingress import Findings
from ingress.durations import seconds

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
