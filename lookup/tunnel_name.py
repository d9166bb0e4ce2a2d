"""Whether the tunnel's name is free in the account."""

import pulumi

from lookup import permissions
from lookup.api import Api, ApiError
from lookup.imported_tunnel import managed_remotely
from lookup.state import OwnState
from settings import Settings

_PLACE = "argoweb:tunnel.name"


def name_problem(settings: Settings, api: Api, own: OwnState) -> str | None:
    """Why it is not. Nothing is asked where the stack's tunnel has the name already.

    A tunnel with a name that is taken fails with `1013` only after minutes, since the provider tries again. Where the
    state does not tell, the other one may be this stack's own, of an update that was cut off: then it is a warning.
    """
    name, imported = settings.tunnel.name, settings.tunnel.import_id
    if name is None or (own.tunnel_name == name and own.tunnel_deleted is None):
        return None
    try:
        found = api.listed(
            f"accounts/{settings.account_id}/cfd_tunnel",
            permissions.TUNNEL,
            name=name,
            is_deleted="false",
        )
    except ApiError as error:
        return f"{_PLACE}: {error}"
    others = [tunnel for tunnel in found if tunnel["id"] not in (own.tunnel_id, imported)]
    if not others:
        return None
    other = others[0]
    ways = [f"set another {_PLACE}", "delete that tunnel in Cloudflare's dashboard"]
    if own.tunnel_id is None and imported is None and not managed_remotely(other):
        ways.append(
            f"take it over with: pulumi config set --path argoweb:tunnel.importId {other['id']}, "
            "and: pulumi config set --path argoweb:tunnel.secretVersion 2"
        )
    taken = f"{_PLACE}: the account has a tunnel '{name}' already ({other['id']}, made on {other['created_at']})"
    way = f"{'; '.join(ways[:-1])}; or {ways[-1]}"
    if own.known:
        return f"{taken}. Either {way}."
    pulumi.log.warn(
        f"{taken}, and the stack's state does not tell whether it is this stack's. "
        f"If `pulumi up` ends with 1013, it is not: {way}."
    )
    return None
