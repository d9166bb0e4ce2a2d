"""Checks the tunnel of `argoweb:tunnel.importId`, which the stack is to take over."""

from collections.abc import Mapping
from typing import Any

from existing import permissions
from existing.api import Api, ApiError, NotThere
from existing.state import OwnState
from settings import Settings
from settings.looked_up import TUNNEL_IMPORT
from values.remedies import Remedy, RemoveKey

_PLACE = "argoweb:tunnel.importId"
_NEW = (
    "Remove the key, and run `", RemoveKey("argoweb:tunnelSecret"),
    "`: a new tunnel is made, and `dns: {adopt: true}` at a site leads its record there.",
)  # fmt: skip


def check_import(settings: Settings, api: Api, own: OwnState) -> None:
    """Checks that the tunnel of `argoweb:tunnel.importId` can be taken over; asks nothing once the state has it.

    A remotely managed one takes its rules from Cloudflare, not from the server (`config_src` of
    `GET /accounts/{account_id}/cfd_tunnel/{tunnel_id}`), and a deleted one is still answered for, with a date.

    Raises:
        ApiError: it cannot, or the API does not tell.
    """
    wanted = settings.tunnel.import_id
    if wanted is None or own.tunnel_id == wanted:
        return
    if own.tunnel_id is not None:
        raise _refuse(
            f"found '{wanted}', but this stack has the tunnel {own.tunnel_id} already.",
            "Remove the key, or import into another stack.",
        )
    try:
        tunnel = api.read_one(write_tunnel_path(settings, wanted), permissions.TUNNEL)
    except NotThere as error:
        raise _refuse(
            f"found '{wanted}', expected a tunnel of the account {settings.account_id}: {error}",
            "`cloudflared tunnel list` prints what it has. Correct this key or argoweb:accountId.",
        ) from None
    except ApiError as error:
        raise error.place_at(_PLACE) from None
    found = f"found '{wanted}' ({tunnel['name']}), "
    if deleted_at := tunnel.get("deleted_at"):
        raise _refuse(
            f"{found}which was deleted at Cloudflare on {deleted_at}, expected one that is there.",
            _NEW,
        )
    if is_managed_remotely(tunnel):
        raise _refuse(
            f"{found}which is managed in Cloudflare's dashboard (config_src 'cloudflare'), expected one with config_src "
            "'local': cloudflared would follow the dashboard's rules and not this stack's.",
            _NEW,
        )


def _refuse(text: str, remedy: Remedy) -> ApiError:
    return ApiError(text, remedy, place=_PLACE, kind=TUNNEL_IMPORT)


def write_tunnel_path(settings: Settings, tunnel_id: str) -> str:
    """Gives the path in the API of a tunnel of the stack's account."""
    return f"accounts/{settings.account_id}/cfd_tunnel/{tunnel_id}"


def is_managed_remotely(tunnel: Mapping[str, Any]) -> bool:
    """Whether a tunnel takes its rules from Cloudflare's dashboard, and not from the servers' files."""
    return tunnel.get("config_src") == "cloudflare" or bool(tunnel.get("remote_config"))
