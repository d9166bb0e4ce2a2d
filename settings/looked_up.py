"""Kinds of findings that a preview has once it has looked at Cloudflare, or knows what would be replaced.

They stand here since `argoweb:accept`, which is read before, may name the warnings among them.
"""

from values.findings import Kind, Severity, make_warning

_REFRESH = "pulumi up --refresh makes it what the stack says."

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
ACCESS_TWICE = Kind(
    "access-twice",
    "An Access application would be replaced, and Cloudflare refuses a second one of its hostname.",
)
ACCESS_TEAM = Kind("access-team", "The account's Zero Trust organisation has another team name.")
ACCESS_UNKNOWN = Kind(
    "access-unknown", "The account has nothing of Access by an id that the stack file names."
)
RECORD_EDITED = make_warning(
    "record-edited",
    "Somebody else has changed a record that the stack made.",
    Severity.ERROR,
    _REFRESH,
)
RECORD_GONE = make_warning("record-gone", "A record that the stack made is not there any more.")
TUNNEL_GONE = make_warning("tunnel-gone", "The tunnel that the stack made is not there any more.")
TUNNEL_DELETED = make_warning(
    "tunnel-deleted",
    "Somebody has deleted the stack's tunnel.",
    Severity.ERROR,
    "pulumi up lets go of it, and a second pulumi up makes a new one in its place.",
)
TUNNEL_REMOTE = make_warning(
    "tunnel-remote",
    "The stack's tunnel takes its rules from Cloudflare's dashboard now.",
    Severity.ERROR,
    "There is no way back for that tunnel: pulumi config set --path argoweb:tunnel.name <name>, then: "
    "pulumi up --replace '**::tunnel-tunnel'",
)
ZONE_DELEGATED = make_warning(
    "zone-delegated", "A hostname lies in a name that an NS record gives to other name servers."
)
ACCESS_LEFT = make_warning(
    "access-left",
    "An Access application that an update of the stack made and did not note is wanted no more.",
)
ACCESS_FOREIGN = make_warning(
    "access-foreign",
    "At a site for everybody an Access application that is not of this stack asks for a login.",
)
ACCESS_EDITED = make_warning(
    "access-edited",
    "Somebody else has changed an Access application that the stack made.",
    Severity.ERROR,
    _REFRESH,
)
BECOMES_PUBLIC = make_warning(
    "becomes-public", "What was protected by Access is for everybody now."
)
TUNNEL_REPLACED = make_warning(
    "tunnel-replaced", "The tunnel would be replaced: visitors find nothing for a while."
)
RECORD_REPLACED = make_warning(
    "record-replaced", "A record would be replaced: its visitors find nothing for a moment."
)
