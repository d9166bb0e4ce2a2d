"""Asks Cloudflare all that has to be known before anything is done."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from existing.access.applications import AccessFound, look_at_access
from existing.alerts import AlertsFound, look_at_alerts, sends_alerts
from existing.api import Api, ApiError
from existing.hostnames import Claim, claim_hostnames, find_tunnels_led_to, list_zones
from existing.state import OwnState
from existing.tunnel import TunnelFound, ask_own_tunnel, find_tunnel
from settings import Access, FindingsError, Settings
from settings.telling import silence
from values.findings import Finding, Findings


@dataclass(frozen=True, kw_only=True)
class Found:
    """What Cloudflare already has of the stack, and what to say about it."""

    tunnel: TunnelFound
    claims: Sequence[Claim]
    """The claim to each hostname that gets a record."""
    access: AccessFound = field(default_factory=AccessFound)
    alerts: AlertsFound = field(default_factory=AlertsFound)
    warnings: Sequence[Finding] = ()
    notices: Sequence[str] = ()
    """What happens by itself, and may surprise."""


def look_up(settings: Settings, access: Access, own: OwnState) -> Found:
    """Looks at Cloudflare with few requests: lists each zone once, and looks at the stack's tunnel.

    Raises:
        FindingsError: a hostname has a record of somebody else's, the tunnel cannot be imported or made, or the API does not tell.
    """
    api, findings, notices = Api(access), Findings(), list[str]()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask_own_tunnel, settings, api, own)
        zones = list_zones(settings, api, findings, notices)
    claimed = claim_hostnames(settings, zones, own, findings, notices)
    tunnel = TunnelFound()
    try:
        tunnel = find_tunnel(
            settings,
            api,
            own,
            findings,
            notices,
            there=asked.result(),
            led_to=find_tunnels_led_to(zones, settings.deployment),
            sends_later=any(claim.sent for claim in claimed) or sends_alerts(settings, own),
        )
    except ApiError as error:
        findings.errors.insert(0, error.finding)
    access_there = look_at_access(settings, api, own, findings, notices)
    alerts = look_at_alerts(settings, api, own, findings, notices)
    if findings.errors:
        raise FindingsError("What is at Cloudflare stands in the way", findings.errors)
    warnings, silenced = silence(findings.warnings, settings.accept)
    return Found(
        tunnel=tunnel,
        claims=claimed,
        access=access_there,
        alerts=alerts,
        warnings=warnings,
        notices=[*notices, *silenced],
    )
