"""The arguments of the parts `Tunnel`, `Records`, `Access` and `NixosHost`, most of which are keys of the stack file."""

from settings import formats
from settings.keys import STACK
from values.kinds import UUID, Key, ListOf, MapOf, Shape, Table, Text

OF_SITES = frozenset(
    [
        "sites",
        "siteOrder",
        "routing",
        "caddy",
        "cloudflared",
        "package",
        "nixos",
        "health",
        "metrics",
        "access",
        "accept",
        "accountId",
    ]
)
"""The keys of the stack file that say what is served."""


def _inner(key: str) -> Table:
    """Gives the table that is the value of a key of the stack file, or of each item of its list."""
    shape: Shape = STACK.keys[key].shape
    inner = shape.item if isinstance(shape, ListOf | MapOf) else shape
    assert isinstance(inner, Table)
    return inner


def _must(shape: Shape, doc: str) -> Key:
    return Key(shape=shape, doc=doc, required=True)


def _of(*keys: str) -> dict[str, Key]:
    return {key: STACK.keys[key] for key in STACK.keys if key in keys}


_SERVER = _inner("servers").keys
OF_THE_SERVER = frozenset(_SERVER)
TUNNEL = Table(
    joint=":",
    keys={
        **_of("accountId"),
        **{key: about for key, about in _inner("tunnel").keys.items() if key != "importId"},
    },
)
RECORDS = Table(
    joint=":",
    keys={
        "target": _must(Text(), "Where they lead: `target` of a Tunnel."),
        "records": _must(
            ListOf(
                item=Table(
                    keys={
                        "hostname": _must(Text(), "Exact, or `*.` and a suffix."),
                        "zoneId": _must(formats.HEX_ID, "The id of its zone."),
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
        **_of("accountId", "sites"),
        "access": _must(STACK.keys["access"].shape, STACK.keys["access"].doc),
    },
)
NIXOS_HOST = Table(
    joint=":",
    keys={
        **_SERVER,
        **_of(*OF_SITES - {"accountId"}),
        "tunnelId": _must(UUID, "The tunnel: `tunnelId` of a Tunnel."),
        "credentials": _must(Text(), "Its credentials file, a secret: `credentials` of a Tunnel."),
        "audiences": Key(
            shape=MapOf(item=Text(), key=Text()),
            doc="Of the sites behind Access: `audiences` of an Access.",
            default={},
        ),
    },
)
