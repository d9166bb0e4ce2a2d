"""Notification policies, of which the sandbox has those of a tunnel's health. Nobody is told anything."""

import uuid
from dataclasses import replace
from typing import Any

from .errors import InvalidAccessRequest
from .models import AccessObject, now
from .routes import Call, Json, Reply, Route

_KIND = "alerting_policies"
_ALL = "/accounts/{acc}/alerting/v3/policies"
_ONE = _ALL + "/{id}"
_READ, _EDIT = "notifications:read", "notifications:edit"
_FIELDS = frozenset(
    {"name", "alert_type", "mechanisms", "filters", "enabled", "description", "alert_interval"}
)
_MECHANISMS = ("email", "webhooks", "pagerduty")
_STATUSES = {f"TUNNEL_STATUS_TYPE_{word}" for word in ("HEALTHY", "DEGRADED", "DOWN")}


def _refused(text: str) -> InvalidAccessRequest:
    return InvalidAccessRequest(text)


def _checked(call: Call, old: Json) -> Json:
    body = {**old, **call.body}
    if not isinstance(body.get("name"), str) or not body["name"]:
        raise _refused("policy name is required")
    if body.get("alert_type") != "tunnel_health_event":
        raise _refused("the sandbox has alerts of the type tunnel_health_event only")
    mechanisms = {k: v for k, v in (body.get("mechanisms") or {}).items() if v}
    if not mechanisms or not set(mechanisms) <= {*_MECHANISMS}:
        raise _refused(f"at least one mechanism is required, of {', '.join(_MECHANISMS)}")
    if not all(isinstance(each.get("id"), str) for ids in mechanisms.values() for each in ids):
        raise _refused("each receiver has an id")
    filters = body.get("filters") or {}
    if unknown := set(filters) - {"tunnel_id", "new_status"}:
        raise _refused(f"no filters of tunnel_health_event: {', '.join(sorted(unknown))}")
    for tunnel in filters.get("tunnel_id") or ():
        call.store.tunnel(call.path["acc"], tunnel)
    if not set(filters.get("new_status") or ()) <= _STATUSES:
        raise _refused(f"new_status is one of {', '.join(sorted(_STATUSES))}")
    enabled = body.get("enabled")
    shown = {"enabled": enabled is None or enabled, "mechanisms": mechanisms}
    return {**{n: v for n, v in body.items() if n in _FIELDS and v is not None}, **shown}


def _shown(found: AccessObject) -> Json:
    times = {"created": found.created_at, "modified": found.updated_at}
    return {"id": found.id, **found.body, **times}


def _there(call: Call) -> list[AccessObject]:
    account = call.store.account(call.path["acc"]).id
    return [it for it in call.store.access.values() if (it.kind, it.account_id) == (_KIND, account)]


def _named(call: Call) -> AccessObject:
    from .errors import AccessObjectNotFound

    for found in _there(call):
        if found.id == call.path["id"]:
            return found
    raise AccessObjectNotFound


def _create(call: Call) -> Reply:
    account = call.store.account(call.path["acc"]).id
    body = _checked(call, {})
    made = AccessObject(id=uuid.uuid4().hex, account_id=account, kind=_KIND, body=body)
    return Reply(result={"id": call.store.put_access(made).id})


def _put(call: Call) -> Reply:
    old = _named(call)
    changed: Any = replace(old, body=_checked(call, old.body), updated_at=now())
    return Reply(result={"id": call.store.put_access(changed).id})


def _delete(call: Call) -> Reply:
    call.store.delete_access(_named(call))
    return Reply(result=None)


ROUTES = (
    Route(method="POST", template=_ALL, handler=_create, permission=_EDIT, fields=_FIELDS),
    Route(
        method="GET",
        template=_ALL,
        handler=lambda call: Reply(result=[_shown(each) for each in _there(call)]),
        permission=_READ,
    ),
    Route(
        method="GET",
        template=_ONE,
        handler=lambda call: Reply(result=_shown(_named(call))),
        permission=_READ,
    ),
    Route(method="PUT", template=_ONE, handler=_put, permission=_EDIT, fields=_FIELDS),
    Route(method="DELETE", template=_ONE, handler=_delete, permission=_EDIT),
)
