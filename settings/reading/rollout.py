"""Reads `argoweb:rollout`: in which batches servers take a change."""

import math
from typing import Any

from cloudflared.go import durations
from settings.model.rollout import Rollout
from values.findings import Findings, Kind

ROLLOUT_GOES_ON = Kind(
    "rollout-goes-on", "Servers shall take a change that others have failed with before."
)


def read_rollout(value: dict[str, Any], findings: Findings) -> Rollout:
    """Reads how a stack's servers take a change."""
    if value["maxFailed"]:
        findings.add(
            ROLLOUT_GOES_ON,
            "argoweb:rollout.maxFailed",
            f"found the number {value['maxFailed']}, expected 0: Pulumi makes nothing that depends on what has failed, so "
            "a batch in which a server fails is the last one.",
            "Leave it out.",
        )
    return Rollout(
        canary=value["canary"],
        batch=value["batch"],
        pause=math.ceil(durations.read_seconds(value["pause"]) or 0),
    )
