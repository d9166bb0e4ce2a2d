"""What Cloudflare and the stack's own state have before anything is done: zones, records, what is ours of them."""

from existing.found import Found, look_up
from existing.hostnames import Claim
from existing.lost_access import LostPolicy
from existing.state import KeptSecret, OwnState, encoded, read_own_state
from existing.tunnel import TunnelFound

__all__ = [
    "Claim",
    "Found",
    "KeptSecret",
    "LostPolicy",
    "OwnState",
    "TunnelFound",
    "encoded",
    "look_up",
    "read_own_state",
]
