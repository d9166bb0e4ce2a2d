"""Reads from the stack's own state what it has made at Cloudflare."""

import base64
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_monitor

RECORD = "cloudflare:index/dnsRecord:DnsRecord"
TUNNEL = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
APPLICATION = "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication"
POLICY = "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy"
TOKEN = "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken"
ALERT = "cloudflare:index/notificationPolicy:NotificationPolicy"
_SECRET = "random:index/randomPassword:RandomPassword"
_COMPONENT = "argoweb:index:Tunnel"
_NO_ORGANIZATION = "organization"
"""What `get_organization` gives with a backend that has none; there a stack's name alone is enough."""
_URN = re.compile(
    r"urn:pulumi:(?P<stack>[^:]+)::(?P<project>[^:]+)::(?P<parents>.*\$)?(?P<type>[^$]+?)::(?P<name>.+)"
)
_OURS = r"(?:tunnel(?:-tunnel|-secret)?|records-.+|access-.+|alerts(?:-lost-.+)?)"
"""The names of what is read here, as `components/deploy.py` gives them."""
_ATTEMPTS = 50
_PAUSE = 0.2
"""Seconds between attempts: the engine writes the state while it is read, and a file is empty for a moment."""
Outputs = Mapping[str, Any]
"""What the state has of a resource; of a secret its value."""


@dataclass(frozen=True, kw_only=True)
class KeptSecret:
    """The secret of a tunnel that another stack or a person had made, base64."""

    text: str = field(repr=False)
    version: int
    """The `argoweb:tunnel.secretVersion` that it belongs to: another one asks for a new secret."""


@dataclass(frozen=True, kw_only=True)
class OwnState:
    """The stack as its last update left it, whether that came to its end or not."""

    records: Mapping[tuple[str, str], Outputs] = field(default_factory=dict)
    """Each DNS record, by zone id and hostname."""
    tunnel_id: str | None = None
    tunnel_account: str | None = None
    """The id of the account that has the tunnel."""
    tunnel_name: str | None = None
    tunnel_deleted: str | None = None
    """When the tunnel was deleted at Cloudflare, since the API goes on answering for it."""
    tunnel_let_go: str | None = None
    """The date of the deletion that the last update has let the tunnel go for, so that nothing asks for it again."""
    secret_sent: bool = False
    """Whether the tunnel has a secret of this stack, and not the one that it was taken in with."""
    made_secret: str | None = field(default=None, repr=False)
    """The secret that was made for the tunnel, base64, whether the tunnel is there or not."""
    kept_secret: KeptSecret | None = None
    applications: Mapping[str, Outputs] = field(default_factory=dict)
    """Each Access application, by its URI."""
    policies: Sequence[Outputs] = ()
    """The Access policies."""
    tokens: Sequence[Outputs] = field(default=(), repr=False)
    """The Access service tokens."""
    alerts: Sequence[Outputs] = ()
    """Cloudflare's notifications of the tunnel."""
    imported_from: str | None = None
    """The stack, as `project/stack`, of which this is the state: `pulumi stack import` leaves it under that one's name."""
    elsewhere: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The URN of each resource that the state has under another stack's name, or without a parent, by type and name."""


async def read_own_state(
    begun: Callable[[], Awaitable[bool]], *, among_others: str | None = None
) -> OwnState:
    """Reads the state from the stack's backend, as a stack reads another one's outputs.

    `among_others` is what the names of ours begin with, where the stack has resources of somebody else too.

    `begun` tells whether the id is known of a resource that each update makes before all others: it is, also to a preview,
    once the resource is in the state. So that there is a state is known, for the engine does not survive to be asked for
    the resources of a stack without one. The stack's outputs tell as much, but only when an update has come to its end, and
    the engine loads the whole state for them.
    """
    stack, organization = pulumi.get_stack(), pulumi.get_organization()
    if organization != _NO_ORGANIZATION:
        stack = f"{organization}/{pulumi.get_project()}/{stack}"
    if not await begun() and not _read("readStackOutputs", name=stack):
        return OwnState()
    resources = _read("readStackResourceOutputs", stackName=stack)
    parts = {urn: match for urn in resources if (match := _URN.match(urn))}
    if among_others is not None:
        ours_too = re.compile(re.escape(among_others) + _OURS)
        parts = {urn: each for urn, each in parts.items() if ours_too.fullmatch(each["name"])}
        resources = {urn: resources[urn] for urn in parts}
    found = list(resources.values())
    ours = (pulumi.get_project(), pulumi.get_stack())
    foreign = [each for each in parts.values() if (each["project"], each["stack"]) != ours]
    records, applications, policies, tokens, alerts = (
        [each["outputs"] for each in found if each["type"] == type]
        for type in (RECORD, APPLICATION, POLICY, TOKEN, ALERT)
    )
    tunnel, component = _find_outputs(found, TUNNEL), _find_outputs(found, _COMPONENT)
    made, kept = _find_outputs(found, _SECRET).get("result"), _unmark(component.get("keptSecret"))
    return OwnState(
        records={(record["zoneId"], record["name"]): record for record in records},
        tunnel_id=tunnel.get("id"),
        tunnel_account=tunnel.get("accountId"),
        tunnel_name=tunnel.get("name"),
        tunnel_deleted=tunnel.get("deletedAt") or None,
        tunnel_let_go=component.get("letGo"),
        secret_sent=bool(tunnel.get("tunnelSecret")),
        made_secret=made and encode(_unmark(made)),
        kept_secret=kept
        and KeptSecret(text=_unmark(kept["text"]), version=int(_unmark(kept["version"]))),
        applications=index_by_uri(applications),
        policies=tuple(policies),
        tokens=tuple(tokens),
        alerts=tuple(alerts),
        imported_from=next((f"{each['project']}/{each['stack']}" for each in foreign), None),
        elsewhere={
            (each["type"], each["name"]): urn
            for urn, each in parts.items()
            if each in foreign or not (each["parents"] or each["type"].startswith("argoweb:"))
        },
    )


def index_by_uri(applications: Iterable[Outputs]) -> dict[str, Outputs]:
    """Gives the outputs of Access applications by the URI that each stands in front of."""
    return {
        each["destinations"][0]["uri"]: each for each in applications if each.get("destinations")
    }


def encode(secret: str) -> str:
    """Encodes a secret as Cloudflare's API takes it."""
    return base64.b64encode(secret.encode()).decode()


def _unmark(value: Any) -> Any:
    """Gives a value without Pulumi's mark of a secret."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _find_outputs(found: list[dict[str, Any]], type: str) -> dict[str, Any]:
    """Gives the outputs of the only resource of a type; empty if there is none."""
    return next((each["outputs"] for each in found if each["type"] == type), {})


def _read(function: str, **arguments: str) -> dict[str, Any]:
    """Calls a function of the engine and gives its outputs.

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
