"""Finds out whether the tunnel's name is free in the account."""

from typing import Any

from existing import permissions
from existing.api import Api, ApiError
from existing.imported_tunnel import is_managed_remotely
from existing.state import OwnState
from settings import Settings
from settings.looked_up import TUNNEL_NAME
from values.remedies import Remedy, SetKey

_PLACE = "argoweb:tunnel.name"


def find_namesake(
    settings: Settings, api: Api, own: OwnState, deleted: str | None
) -> dict[str, Any] | None:
    """Finds another tunnel that has the name of the stack's own, or `None`.

    Asks Cloudflare only if the state does not hold a tunnel of this name, or the one that it holds is `deleted`.

    Raises:
        ApiError: the API does not tell.
    """
    name, imported = settings.tunnel.name, settings.tunnel.import_id
    if name is None or (own.tunnel_name == name and deleted is None):
        return None
    try:
        found = api.read_list(
            f"accounts/{settings.account_id}/cfd_tunnel",
            permissions.TUNNEL,
            name=name,
            is_deleted="false",
        )
    except ApiError as error:
        raise error.place_at(_PLACE) from None
    return next((each for each in found if each["id"] not in (own.tunnel_id, imported)), None)


def refuse_taken_name(other: dict[str, Any], own: OwnState, imported: str | None) -> ApiError:
    """Makes the error that another tunnel has the name, with the ways out.

    Known before anything is done: a tunnel with a name that is taken fails with `1013` only after minutes, since the
    provider tries again.
    """
    first, second = f"set another {_PLACE}", "delete that tunnel in Cloudflare's dashboard"
    remedy: Remedy = f"Either {first}; or {second}."
    if own.tunnel_id is None and imported is None and not is_managed_remotely(other):
        remedy = (
            f"Either {first}; {second}; or take it over, if it is yours, with the secret that it has: ",
            SetKey("argoweb:tunnel.importId", other["id"]),
            ".",
        )
    return ApiError(
        f"the account has a tunnel '{other['name']}' already ({other['id']}, made on {other['created_at']}).",
        remedy,
        place=_PLACE,
        kind=TUNNEL_NAME,
    )
