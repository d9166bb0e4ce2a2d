"""Kinds of warnings that only a look-up at Cloudflare gives; they stand here since `argoweb:accept` may name them."""

from values.findings import warning

RECORD_EDITED = warning("record-edited", "Somebody else has changed a record that the stack made.")
RECORD_GONE = warning("record-gone", "A record that the stack made is not there any more.")
TUNNEL_GONE = warning("tunnel-gone", "The tunnel that the stack made is not there any more.")
TUNNEL_DELETED = warning("tunnel-deleted", "Somebody has deleted the stack's tunnel.")
TUNNEL_REMOTE = warning(
    "tunnel-remote", "The stack's tunnel takes its rules from Cloudflare's dashboard now."
)
ZONE_DELEGATED = warning(
    "zone-delegated", "A hostname lies in a name that an NS record gives to other name servers."
)
ACCESS_LEFT = warning(
    "access-left",
    "An Access application that an update of the stack made and did not note is wanted no more.",
)
ACCESS_EDITED = warning(
    "access-edited", "Somebody else has changed an Access application that the stack made."
)
BECOMES_PUBLIC = warning("becomes-public", "What was protected by Access is for everybody now.")
