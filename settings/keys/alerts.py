"""The keys of `argoweb:alerts`."""

from settings.keys import formats
from settings.keys.access import EMAIL
from settings.keys.words import ALERTS as WORDS
from values.kinds import UUID, Choice, ListOf, Shape, Text
from values.tables import Key, Table

STATES = {
    "down": "TUNNEL_STATUS_TYPE_DOWN",
    "degraded": "TUNNEL_STATUS_TYPE_DEGRADED",
    "healthy": "TUNNEL_STATUS_TYPE_HEALTHY",
}
"""States of a tunnel, and how the filter of `tunnel_health_event` writes them."""
_ID = Text(
    expected="the id of a destination, as the API gives it",
    pattern=f"{formats.HEX_ID.pattern}|{UUID.pattern}",
)


def _make_several(item: Shape, doc: str, default: list[str] | None = None) -> Key:
    return Key(shape=ListOf(item=item, single=True, least=1), doc=doc, default=default)


ALERTS = Table(
    keys={
        "email": _make_several(
            EMAIL,
            "E-mail addresses that are told; a free plan takes those of the account's members alone.",
        ),
        "webhooks": _make_several(
            _ID,
            "Webhooks that are told, each by its id (Notifications, Destinations in the dashboard).",
        ),
        "pagerduty": _make_several(
            _ID, "PagerDuty services that are told, each by its id, once connected there."
        ),
        "when": _make_several(
            Choice(tuple(STATES)),
            "The states of the tunnel that are told when it enters them; it is degraded while some of its connections are missing.",
            [*STATES],
        ),
    },
    words=WORDS,
)
