"""What Cloudflare and the stack's own state have before anything is done: zones, records, what is ours of them."""

from lookup.errors import LookupFailed
from lookup.hostnames import Claim, claims
from lookup.in_use import in_use
from lookup.state import OwnState, own_state

__all__ = ["Claim", "LookupFailed", "OwnState", "claims", "in_use", "own_state"]
