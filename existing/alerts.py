"""Finds the notifications about the stack's tunnel that an update made at Cloudflare before it broke off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from existing import permissions
from existing.api import Api, ApiError
from existing.state import OwnState
from settings import Settings
from settings.model.access_marks import mark
from values.findings import Findings

CALLED = "tunnel health"
"""The name of the notification, before its owner's mark."""


def write_alerts_path(settings: Settings) -> str:
    """Gives the path in the API of the account's notifications."""
    return f"accounts/{settings.account_id}/alerting/v3/policies"


@dataclass(frozen=True, kw_only=True)
class AlertsFound:
    """The stack's notifications that are at Cloudflare and not in its state."""

    taken_in: str | None = None
    """The id of the one that becomes the stack's."""
    twice: Sequence[str] = ()
    """Ids of those of which the stack has one already: noted by this update, deleted by the next one."""


def look_at_alerts(
    settings: Settings, api: Api, own: OwnState, findings: Findings, notices: list[str]
) -> AlertsFound:
    """Looks for notifications with the stack's mark that are not in its state; asks nothing of a stack without `argoweb:alerts`.

    The provider tries again where an answer is lost, and Cloudflare makes a second one of the same name.
    """
    if settings.alerts is None:
        return AlertsFound()
    name = mark(CALLED, settings.deployment)
    try:
        there = api.read_list(write_alerts_path(settings), permissions.NOTIFICATIONS)
    except ApiError as error:
        findings.errors.append(error.place_at("argoweb:alerts").finding)
        return AlertsFound()
    known = {each["id"] for each in own.alerts}
    lost = [str(it["id"]) for it in there if it["name"] == name and it["id"] not in known]
    found = AlertsFound(taken_in=next(iter(lost), None), twice=lost[1:])
    if own.alerts:
        found = AlertsFound(twice=lost)
    if lost:
        notices.append(
            f"Taken in, since it is this stack's and not in its state, as after an update that broke off: the notification '{name}'."
        )
    if found.twice:
        notices.append(f"'{name}' is there twice, which the next `pulumi up` ends.")
    return found


def sends_alerts(settings: Settings, own: OwnState) -> bool:
    """Whether the update makes the notification, or changes it."""
    told = settings.alerts
    if told is None:
        return False
    receivers = sorted([*told.email, *told.webhooks, *told.pagerduty])
    wanted = [mark(CALLED, settings.deployment), receivers, sorted(told.when)]
    return wanted not in [
        [it["name"], list_receivers(it["mechanisms"]), sorted(it["filters"]["newStatuses"])]
        for it in own.alerts
    ]


def list_receivers(mechanisms: Mapping[str, Any]) -> list[str]:
    """Lists whom a notification tells, whatever the kinds are called there."""
    return sorted(str(each["id"]) for receivers in mechanisms.values() for each in receivers or ())
