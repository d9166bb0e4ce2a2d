"""What this stack's own state has of Cloudflare's."""

from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import invoke

_RECORD = "cloudflare:index/dnsRecord:DnsRecord"
_TUNNEL = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
_NO_ORGANIZATION = "organization"
"""What `get_organization` gives with a backend that has none; there a stack's name alone is enough."""


@dataclass(frozen=True, kw_only=True)
class OwnState:
    """The stack as its last update left it."""

    known: bool = False
    """Whether an update has come to its end before; of a first one that broke off nothing can be read."""
    records: dict[tuple[str, str], str] = field(default_factory=dict)
    """The id of each DNS record, by zone id and hostname."""
    tunnel_id: str | None = None


def own_state() -> OwnState:
    """The state as the stack's backend has it, read as a stack reads another one's outputs."""
    stack, organization = pulumi.get_stack(), pulumi.get_organization()
    if organization != _NO_ORGANIZATION:
        stack = f"{organization}/{pulumi.get_project()}/{stack}"
    # The engine's second function does not survive a stack without any state, as it is before the first update.
    if not _read("readStackOutputs", name=stack):
        return OwnState()
    found = list(_read("readStackResourceOutputs", stackName=stack).values())
    records = [each["outputs"] for each in found if each["type"] == _RECORD]
    tunnels = [each["outputs"]["id"] for each in found if each["type"] == _TUNNEL]
    return OwnState(
        known=True,
        records={(record["zoneId"], record["name"]): record["id"] for record in records},
        tunnel_id=next(iter(tunnels), None),
    )


def _read(function: str, **arguments: str) -> dict[str, Any]:
    outputs: dict[str, Any] = invoke(f"pulumi:pulumi:{function}", arguments).value["outputs"]
    return outputs
