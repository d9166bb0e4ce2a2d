"""Whether somebody may miss the servers."""

from collections.abc import Sequence

from lookup.hostnames import Claim
from lookup.state import OwnState
from settings import Settings


def in_use(settings: Settings, own: OwnState, claims: Sequence[Claim]) -> bool:
    """Whether visitors may be led to the stack's servers already, by its tunnel or by the one that it takes the place of.

    Not when the tunnel is yet to be made and none of the hostnames has a record. A hostname whose record is not the stack's
    affair may have one.
    """
    tunnel_is_there = own.tunnel_id is not None or settings.tunnel.import_id is not None
    hostnames = {site.hostname for site in settings.sites}
    return tunnel_is_there or len(claims) < len(hostnames) or any(it.exists for it in claims)
