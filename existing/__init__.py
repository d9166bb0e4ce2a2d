"""Looks at what there is before anything is done: at Cloudflare, and in the stack's own state."""

from existing.access.lost import LostPolicy
from existing.found import Found, look_up
from existing.hostnames import Claim
from existing.state import KeptSecret, OwnState, encode, read_own_state
from existing.tunnel import TunnelFound

__all__ = [
    "Claim",
    "Found",
    "KeptSecret",
    "LostPolicy",
    "OwnState",
    "TunnelFound",
    "encode",
    "look_up",
    "read_own_state",
]
