"""Finds the notification about the stack's tunnel that an update made at Cloudflare before it broke off."""

from existing import permissions
from existing.api import Api, ApiError
from existing.state import OwnState
from settings import Settings
from settings.access_marks import mark
from values.findings import Findings

CALLED = "tunnel health"
"""The name of the notification, before its owner's mark."""


def write_alerts_path(settings: Settings) -> str:
    """Gives the path in the API of the account's notifications."""
    return f"accounts/{settings.account_id}/alerting/v3/policies"


def find_lost_alert(
    settings: Settings, api: Api, own: OwnState, findings: Findings, notices: list[str]
) -> str | None:
    """Finds a notification with the stack's mark that is not in its state, and gives its id, by which it is imported.

    Nothing is asked where the stack has no `argoweb:alerts`, or its notification in the state.
    """
    if settings.alerts is None or own.has_alert:
        return None
    name = mark(CALLED, settings.deployment)
    try:
        there = api.read_list(write_alerts_path(settings), permissions.NOTIFICATIONS)
    except ApiError as error:
        findings.errors.append(error.place_at("argoweb:alerts").finding)
        return None
    found = next((str(each["id"]) for each in there if each["name"] == name), None)
    if found:
        notices.append(
            f"Taken in, since it is this stack's and not in its state, as after an update that broke off: the notification '{name}'."
        )
    return found
