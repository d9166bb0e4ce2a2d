"""Whether visitors may be led to the servers already."""

from existing.found import Found
from existing.state import OwnState
from settings import Settings


def serves_visitors(settings: Settings, own: OwnState, found: Found) -> bool:
    """Whether they may be, by the stack's tunnel or by what it takes the place of.

    Not when the tunnel is yet to be made and none of the hostnames is found by a record. One whose record is not the
    stack's affair may be found. What else the servers serve is not known.
    """
    tunnel_is_there = own.tunnel_id is not None or found.tunnel.taken_in is not None
    hostnames = {site.hostname for site in settings.sites}
    return (
        tunnel_is_there
        or len(found.claims) < len(hostnames)
        or any(claim.found for claim in found.claims)
    )
