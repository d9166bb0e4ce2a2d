"""What this stack's own state has of Cloudflare's."""

import time
from dataclasses import dataclass, field
from typing import Any

import grpc
import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_monitor

_RECORD = "cloudflare:index/dnsRecord:DnsRecord"
_TUNNEL = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
_COMPONENT = "argoweb:index:Tunnel"
_NO_ORGANIZATION = "organization"
"""What `get_organization` gives with a backend that has none; there a stack's name alone is enough."""
_ATTEMPTS = 50
_PAUSE = 0.2
"""Seconds between attempts: the engine writes the state while it is read, and a file is empty for a moment."""


@dataclass(frozen=True, kw_only=True)
class OwnState:
    """The stack as its last update left it."""

    known: bool = False
    """Whether an update has come to its end before; of a first one that broke off nothing can be read."""
    records: dict[tuple[str, str], str] = field(default_factory=dict)
    """The id of each DNS record, by zone id and hostname."""
    tunnel_id: str | None = None
    tunnel_name: str | None = None
    tunnel_deleted: str | None = None
    """When the tunnel was deleted at Cloudflare: known after a refresh, since the API goes on answering for it."""
    tunnel_let_go: bool = False
    """Whether the last update has let go of the deleted tunnel, so that nothing asks for its deletion again."""

    @property
    def warnings(self) -> list[str]:
        """What follows from a deleted tunnel."""
        if self.tunnel_deleted is None:
            return []
        does = (
            "This `pulumi up` makes a new one in its place."
            if self.tunnel_let_go
            else "This `pulumi up` lets go of it; the one after it makes a new tunnel in its place."
        )
        return [
            f"The tunnel {self.tunnel_id} was deleted at Cloudflare on {self.tunnel_deleted}. {does}"
        ]


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
    tunnel = _outputs(found, _TUNNEL)
    deleted = tunnel.get("deletedAt") or None
    return OwnState(
        known=True,
        records={(record["zoneId"], record["name"]): record["id"] for record in records},
        tunnel_id=tunnel.get("id"),
        tunnel_name=tunnel.get("name"),
        tunnel_deleted=deleted,
        tunnel_let_go=deleted is not None and _outputs(found, _COMPONENT).get("letGo") == deleted,
    )


def _outputs(found: list[dict[str, Any]], type: str) -> dict[str, Any]:
    """Those of the one resource of a type, if there is one."""
    return next((each["outputs"] for each in found if each["type"] == type), {})


def _read(function: str, **arguments: str) -> dict[str, Any]:
    """What a function of the engine gives.

    Not by `pulumi.runtime.invoke`: with that one a failure ends the program even where it is caught.
    """
    request = resource_pb2.ResourceInvokeRequest(tok=f"pulumi:pulumi:{function}")
    request.args.update(arguments)
    monitor: Any = get_monitor()
    for attempt in range(_ATTEMPTS):
        try:
            answer = monitor.Invoke(request)
        except grpc.RpcError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE)
        else:
            break
    outputs: dict[str, Any] = MessageToDict(getattr(answer, "return"))["outputs"]
    return outputs
