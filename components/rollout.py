"""Finds out whether visitors are led to the servers already, so that they may not restart all at once."""

from existing.found import Found
from existing.state import OwnState
from settings import Settings


def serves_visitors(settings: Settings, own: OwnState, found: Found) -> bool:
    """Whether a visitor could already reach the servers, by the stack's own tunnel or by what stands in its place.

    False if the tunnel is yet to be made and no hostname has a DNS record. A site without a record of the stack's
    (`dns: false`) counts as reachable, since nobody knows. What else the servers serve is not known.
    """
    tunnel_is_there = own.tunnel_id is not None or found.tunnel.taken_in is not None
    hostnames = {site.hostname for site in settings.sites}
    return (
        tunnel_is_there
        or len(found.claims) < len(hostnames)
        or any(claim.found for claim in found.claims)
    )
