"""Reads `argoweb:alerts`: whom Cloudflare tells of the tunnel's health."""

from typing import Any

from settings.keys.alerts import STATES
from settings.model.stack import Alerts
from values.findings import Findings, Kind

NO_RECEIVER = Kind("no-receiver", "`argoweb:alerts` names nobody who would be told.")


def read_alerts(given: dict[str, Any] | None, findings: Findings) -> Alerts | None:
    """Reads what `argoweb:alerts` says; `None` if it is absent."""
    if given is None:
        return None
    receivers = {name: given.get(name) or () for name in ("email", "webhooks", "pagerduty")}
    if not any(receivers.values()):
        why = "names nobody who would be told."
        findings.add(NO_RECEIVER, "argoweb:alerts", why, "Add email, webhooks or pagerduty.")
    return Alerts(**receivers, when=[STATES[each] for each in STATES if each in given["when"]])
