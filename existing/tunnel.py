"""Finds the stack's tunnel at Cloudflare: the one in its state, one that it takes in, or none yet."""

import base64
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from existing import permissions
from existing.api import Api, NotThere
from existing.imported_tunnel import check_import, is_managed_remotely, write_tunnel_path
from existing.state import KeptSecret, OwnState
from existing.tunnel_name import find_namesake, refuse_taken_name
from settings import Settings
from settings.looked_up import TUNNEL_DELETED, TUNNEL_GONE, TUNNEL_REMOTE
from values.findings import Findings
from values.remedies import SetKey

_IMPORTED_VERSION = 1
"""The `secretVersion` that stands for the secret with which a tunnel of `importId` came."""


@dataclass(frozen=True, kw_only=True)
class TunnelFound:
    """What Cloudflare has of the stack's tunnel."""

    taken_in: str | None = None
    """UUID of a tunnel that is there, but not in the state, and becomes the stack's."""
    kept: KeptSecret | None = None
    """The secret that it goes on with. `None`: the stack file has it, or one is made."""
    deleted: str | None = None
    """When the stack's own was deleted."""


def ask_own_tunnel(settings: Settings, api: Api, own: OwnState) -> dict[str, Any] | None:
    """Asks Cloudflare for the tunnel that the state has; `None` where there is none.

    The one question that a run asks about it: the state learns of nothing, since the provider reads `config_src` at an
    import only, and the API goes on answering for a deleted tunnel.

    Raises:
        ApiError: the API does not tell.
    """
    if own.tunnel_id is None:
        return None
    try:
        return api.read_one(write_tunnel_path(settings, own.tunnel_id), permissions.TUNNEL)
    except NotThere:
        return None


def find_tunnel(
    settings: Settings,
    api: Api,
    own: OwnState,
    findings: Findings,
    notices: list[str],
    *,
    there: dict[str, Any] | None,
    led_to: Collection[str],
    sends_later: bool,
) -> TunnelFound:
    """Finds the stack's tunnel at Cloudflare, or one to take in.

    `there` is what `ask_own_tunnel` gave; `led_to` are the tunnels to which a record with this stack's mark leads; `sends_later` tells that the
    update makes or changes a record or the notification, which it does after the tunnel.

    Raises:
        ApiError: it cannot be taken over or made, or the API does not tell.
    """
    deleted = _check_deleted(own, there, findings)
    check_import(settings, api, own)
    taken_in = settings.tunnel.import_id if own.tunnel_id is None else None
    if other := find_namesake(settings, api, own, deleted):
        proof = None
        if own.tunnel_id is None and taken_in is None:
            proof = _find_proof(settings, api, own, other, led_to)
        if proof is None:
            raise refuse_taken_name(other, own, taken_in)
        notices.append(
            f"The tunnel '{other['name']}' ({other['id']}, made on {other['created_at']}) is not in the stack's state, "
            f"and {proof}: it is taken in, and keeps its secret."
        )
        taken_in = str(other["id"])
    if deleted is None:
        kept = _keep_secret(settings, api, own, taken_in, sends_later, notices)
    else:  # a deleted tunnel is sent nothing until it is replaced
        kept = None if own.tunnel_let_go == deleted else own.kept_secret
    return TunnelFound(taken_in=taken_in, kept=kept, deleted=deleted)


def _check_deleted(own: OwnState, there: dict[str, Any] | None, findings: Findings) -> str | None:
    """Warns of what has become of the stack's tunnel, and gives the time if somebody has deleted it."""
    if own.tunnel_id is None:
        return None
    if there is None:
        findings.add(
            TUNNEL_GONE,
            "",
            f"The tunnel {own.tunnel_id} that this stack made is gone at Cloudflare.",
            "Only an update with --refresh sees that: `pulumi up --refresh` makes a new one.",
        )
        return own.tunnel_deleted
    deleted: str | None = there.get("deleted_at") or own.tunnel_deleted
    if deleted is None and is_managed_remotely(there):
        findings.add(
            TUNNEL_REMOTE,
            "",
            f"The tunnel {own.tunnel_id} ({there['name']}) is managed in Cloudflare's dashboard now (config_src 'cloudflare'): "
            "cloudflared follows the dashboard's rules, and no change of this stack's sites reaches it. There is no way back "
            "for that tunnel.",
            (
                "Have a new one made in its place, with another name: ",
                SetKey("argoweb:tunnel.name", "<name>"),
                ", then: pulumi up --replace '**::tunnel-tunnel'",
            ),
        )
    if deleted is not None:
        does = (
            "This `pulumi up` makes a new one in its place."
            if own.tunnel_let_go == deleted
            else "This `pulumi up` lets go of it; the one after it makes a new tunnel in its place."
        )
        text = f"The tunnel {own.tunnel_id} was deleted at Cloudflare on {deleted}."
        findings.add(TUNNEL_DELETED, "", text, does)
    return deleted


def _find_proof(
    settings: Settings, api: Api, own: OwnState, other: dict[str, Any], led_to: Collection[str]
) -> str | None:
    """Gives the reason why a tunnel with the stack's name that is not in its state is the stack's own; `None`: it is not.

    Never one that is somebody else's and in use.
    """
    if is_managed_remotely(other):
        return None
    if other["id"] in led_to:
        return "this stack's own records lead to it"
    if other.get("status") == "inactive" and not other.get("conns_active_at"):
        return "nothing has ever connected to it"
    if own.made_secret and _read_secret(settings, api, other["id"]) == own.made_secret:
        return "has the secret that this stack made"
    return None


def _keep_secret(
    settings: Settings,
    api: Api,
    own: OwnState,
    taken_in: str | None,
    sends_later: bool,
    notices: list[str],
) -> KeptSecret | None:
    """Gives the secret that the tunnel keeps because somebody else than this stack has set it.

    It gets a new one by an update that sends nothing later: when the provider's first body is a PATCH that adds a text to a
    state that has none, it leaves texts out of every later body, so each record fails with `1004` (the cached encoders of
    `internal/apijson/encoder.go` in terraform-provider-cloudflare 5.19.1 and 5.22.0). What is sent of Access comes before it.
    """
    tunnel_id = taken_in or own.tunnel_id
    if tunnel_id is None or (own.tunnel_id is not None and own.secret_sent):
        return None
    wanted = settings.tunnel.secret_version
    came_with = _IMPORTED_VERSION if settings.tunnel.import_id else wanted
    at = own.kept_secret.version if own.kept_secret else came_with
    if at != wanted and taken_in is None and not sends_later:
        return None
    if at != wanted:
        notices.append(
            f"The tunnel keeps its secret in this update; the next one gives it that of argoweb:tunnel.secretVersion {wanted}."
        )
    if settings.tunnel.secret is not None:
        return None
    if own.kept_secret:
        return own.kept_secret
    return KeptSecret(text=_read_secret(settings, api, tunnel_id), version=at)


def _read_secret(settings: Settings, api: Api, tunnel_id: str) -> str:
    """Gives the tunnel's secret, base64, which is read from its token.

    Raises:
        ApiError: the API does not tell.
    """
    token = api.read_one(f"{write_tunnel_path(settings, tunnel_id)}/token", permissions.TUNNEL)
    return str(json.loads(base64.b64decode(str(token)))["s"])
