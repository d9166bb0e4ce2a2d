"""Reads `argoweb:alerts`: whom Cloudflare tells of the tunnel's health."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from settings import formats
from settings.access_keys import EMAIL
from settings.words import ALERTS as WORDS
from values.findings import Findings, Kind
from values.kinds import UUID, Choice, ListOf, Shape, Text
from values.tables import Key, Table

NO_RECEIVER = Kind("no-receiver", "`argoweb:alerts` names nobody who would be told.")
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


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """A notification of Cloudflare's."""

    email: Sequence[str]
    webhooks: Sequence[str]
    pagerduty: Sequence[str]
    when: Sequence[str]
    """States of the tunnel, as the API writes them."""


def read_alerts(given: dict[str, Any] | None, findings: Findings) -> Alerts | None:
    """Reads what `argoweb:alerts` says; `None` if it is absent."""
    if given is None:
        return None
    receivers = {name: given.get(name) or () for name in ("email", "webhooks", "pagerduty")}
    if not any(receivers.values()):
        why = "names nobody who would be told."
        findings.add(NO_RECEIVER, "argoweb:alerts", why, "Add email, webhooks or pagerduty.")
    return Alerts(**receivers, when=[STATES[each] for each in STATES if each in given["when"]])
