"""All that is asked at Cloudflare before anything is done."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from existing.api import Api, ApiError
from existing.errors import LookupFailed
from existing.hostnames import Claim, claims, tunnels_led_to, zone_records
from existing.state import OwnState
from existing.tunnel import TunnelFound, own_tunnel, tunnel_found
from settings import Access, Settings


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is there of the stack's tunnel and records."""

    tunnel: TunnelFound
    claims: Sequence[Claim]
    """The claim to each hostname that gets a record."""


def look_up(settings: Settings, access: Access, own: OwnState) -> Found:
    """What is there, with few requests: each zone is listed once, and the stack's tunnel is looked at.

    Raises:
        LookupFailed: a hostname has a record of somebody else's, the tunnel cannot be imported or made, or the API does not tell.
    """
    api, problems = Api(access), list[str]()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(own_tunnel, settings, api, own)
        zones = zone_records(settings, api, problems)
    claimed = claims(settings, zones, own, problems)
    tunnel = TunnelFound()
    try:
        tunnel = tunnel_found(
            settings,
            api,
            own,
            there=asked.result(),
            led_to=tunnels_led_to(zones, settings.deployment),
            sends_records=any(claim.sent for claim in claimed),
        )
    except ApiError as error:
        problems.insert(0, str(error))
    if problems:
        raise LookupFailed(problems)
    return Found(tunnel=tunnel, claims=claimed)
