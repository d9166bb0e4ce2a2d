"""Kinds of findings that stand in a stack's way at Cloudflare."""

from values.findings import Kind

API_REFUSED = Kind("api-refused", "Cloudflare's API does not tell what a preview has to know.")
RECORD_TAKEN = Kind("record-taken", "A hostname has a record that is not of this stack.")
RECORD_COPIED = Kind(
    "record-copied", "Two states have the same record: one is a copy of the other."
)
TUNNEL_IMPORT = Kind(
    "tunnel-import", "The tunnel of `argoweb:tunnel.importId` cannot be taken over."
)
TUNNEL_NAME = Kind("tunnel-name", "The account has another tunnel of this name.")
ZONE_MISSING = Kind("zone-missing", "The account has no zone of this name that the token may see.")
ZONE_ID = Kind("zone-id", "The id of a zone is that of another one.")
ACCESS_GONE = Kind("access-gone", "Something of Access that the stack made is not there any more.")
ACCESS_TAKEN = Kind(
    "access-taken", "A hostname has an Access application that is not of this stack."
)
ACCESS_TEAM = Kind("access-team", "The account's Zero Trust organisation has another team name.")
ACCESS_UNKNOWN = Kind(
    "access-unknown", "The account has nothing of Access by an id that the stack file names."
)
