"""What Cloudflare and the stack's own state have before anything is done: zones, records, what is ours of them."""

from lookup.errors import LookupFailed
from lookup.found import Found, look_up
from lookup.hostnames import Claim
from lookup.in_use import in_use
from lookup.state import KeptSecret, OwnState, encoded, own_state
from lookup.tunnel import TunnelFound

__all__ = [
    "Claim",
    "Found",
    "KeptSecret",
    "LookupFailed",
    "OwnState",
    "TunnelFound",
    "encoded",
    "in_use",
    "look_up",
    "own_state",
]
