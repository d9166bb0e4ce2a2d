"""The arguments of the parts `Tunnel`, `Records`, `Access` and `NixosHost`, most of which are keys of the stack file."""

from settings.keys import formats
from settings.keys.stack import STACK
from values.kinds import UUID, ListOf, MapOf, Shape, Text
from values.tables import Key, Table, require

OF_SITES = frozenset({
    "sites", "siteOrder", "routing", "caddy", "cloudflared", "package", "nixos", "health", "metrics", "access", "accept",
    "accountId",
})  # fmt: skip
"""The keys of the stack file that say what is served."""


def _find_inner(key: str) -> Table:
    """Gives the table that is the value of a key of the stack file, or of each item of its list."""
    shape: Shape = STACK.keys[key].shape
    inner = shape.item if isinstance(shape, ListOf | MapOf) else shape
    assert isinstance(inner, Table)
    return inner


def _pick(*keys: str) -> dict[str, Key]:
    return {key: STACK.keys[key] for key in STACK.keys if key in keys}


# The part has one server, whose `metrics` are its own.
_SERVER = {key: it for key, it in _find_inner("servers").keys.items() if key != "metricsAddress"}
OF_THE_SERVER = frozenset(_SERVER)
TUNNEL = Table(
    joint=":",
    keys={
        **_pick("accountId"),
        **{key: about for key, about in _find_inner("tunnel").keys.items() if key != "importId"},
    },
)
RECORDS = Table(
    joint=":",
    keys={
        "target": require(Text(), "Where they lead: `target` of a Tunnel."),
        "records": require(
            ListOf(
                item=Table(
                    keys={
                        "hostname": require(Text(), "Exact, or `*.` and a suffix."),
                        "zoneId": require(formats.HEX_ID, "The id of its zone."),
                        "comment": Key(shape=formats.COMMENT, doc="The record's comment."),
                        "tags": Key(
                            shape=ListOf(item=formats.PLAIN),
                            doc="Tags of the record; a zone of the free plan takes none.",
                            default=[],
                        ),
                    }
                ),
                least=1,
            ),
            "The hostnames.",
        ),
    },
)
ACCESS = Table(
    joint=":",
    keys={
        **_pick("accountId", "sites"),
        "access": require(STACK.keys["access"].shape, STACK.keys["access"].doc),
    },
)
NIXOS_HOST = Table(
    joint=":",
    keys={
        **_SERVER,
        **_pick(*OF_SITES - {"accountId"}),
        "tunnelId": require(UUID, "The tunnel: `tunnelId` of a Tunnel."),
        "credentials": require(
            Text(), "Its credentials file, a secret: `credentials` of a Tunnel."
        ),
        "audiences": Key(
            shape=MapOf(item=Text(), key=Text()),
            doc="Of the sites behind Access: `audiences` of an Access.",
        ),
    },
)
