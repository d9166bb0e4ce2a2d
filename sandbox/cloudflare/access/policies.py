"""Operations on reusable policies and on groups."""

from collections.abc import Mapping
from typing import Any

from ..errors import AccessObjectNotFound, InvalidAccessRequest, PolicyInUse
from ..models import AccessObject
from ..routes import Call, Json
from . import selectors
from .objects import flag, given, seconds, shared_routes, shown, text

DECISIONS = ("allow", "deny", "non_identity", "bypass")
_MORE = (
    *("approval_groups", "approval_required", "connection_rules", "isolation_required"),
    *("mfa_config", "purpose_justification_prompt", "purpose_justification_required"),
)
"""Fields that are kept and shown, and not acted upon."""


def rules(call: Call) -> Json:
    """The three lists of a body.

    Raises:
        InvalidAccessRequest: a rule is none, there is none to include, or it names what is not there.
    """
    lists = {name: selectors.checked(name, call.body.get(name)) for name in selectors.LISTS}
    if not lists["include"]:
        raise InvalidAccessRequest("include must have at least one rule")
    for kind, object_id in references(lists):
        try:
            call.store.access_object(call.path["acc"], kind, object_id)
        except AccessObjectNotFound as error:
            raise InvalidAccessRequest(f"{kind} {object_id} not found") from error
    return dict(lists)


def references(body: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The groups and service tokens that the rules of an object name: kind and id."""
    return {
        (kind, rule[selector][field])
        for name in selectors.LISTS
        for rule in body[name]
        for selector, (kind, field) in selectors.REFERENCES.items()
        if selector in rule
    }


def named_by(call: Call, thing: AccessObject) -> bool:
    """Whether a policy or group names it."""
    return any(
        (thing.kind, thing.id) in references(other.body)
        for kind in ("policies", "groups")
        for other in call.store.access_objects(thing.account_id, kind)
    )


def check_policy(call: Call, old: AccessObject | None) -> Json:
    body = call.body
    decision = body.get("decision")
    if decision not in DECISIONS:
        raise InvalidAccessRequest(f"decision is {decision!r}; expected {', '.join(DECISIONS)}")
    lists = rules(call)
    if decision == "bypass":
        asked = sorted({key for each in lists.values() for rule in each for key in rule})
        if identity := [key for key in asked if key in selectors.IDENTITY]:
            raise InvalidAccessRequest(f"a bypass policy cannot have {', '.join(identity)}")
    session = {}
    if body.get("session_duration"):
        seconds("session_duration", body["session_duration"])
        session = {"session_duration": body["session_duration"]}
    return {
        "name": text(body, "name"),
        "decision": decision,
        **lists,
        **session,
        **given(body, _MORE),
    }


def show_policy(call: Call, policy: AccessObject) -> Json:
    apps = call.store.access_objects(policy.account_id, "apps")
    count = sum(policy.id in {each["id"] for each in app.body["policies"]} for app in apps)
    return {**shown(call, policy), "reusable": True, "app_count": count}


def refuse_used_policy(call: Call, policy: AccessObject) -> None:
    if show_policy(call, policy)["app_count"]:
        raise PolicyInUse


def check_group(call: Call, old: AccessObject | None) -> Json:
    return {
        "name": text(call.body, "name"),
        **rules(call),
        "is_default": flag(call.body, "is_default", False),
    }


def refuse_used_group(call: Call, group: AccessObject) -> None:
    if named_by(call, group):
        raise PolicyInUse


ROUTES = (
    *shared_routes(
        "policies",
        read="access:read",
        edit="access:edit",
        fields=("name", "decision", "session_duration", *selectors.LISTS, *_MORE),
        check=check_policy,
        in_use=refuse_used_policy,
        show=show_policy,
    ),
    *shared_routes(
        "groups",
        read="access_organizations:read",
        edit="access_organizations:edit",
        fields=("name", "is_default", *selectors.LISTS),
        check=check_group,
        in_use=refuse_used_group,
        query=("name",),
    ),
)
