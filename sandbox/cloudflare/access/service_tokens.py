"""Operations on service tokens."""

import secrets
import zlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from ..errors import InvalidAccessRequest, ServiceTokenInUse
from ..models import AccessObject, now
from ..routes import Call, Json, Reply, Route
from .objects import named, seconds, shared_routes, shown, text
from .policies import named_by

_KIND = "service_tokens"
_ONE = "/accounts/{acc}/access/" + _KIND + "/{id}"
_READ, _EDIT = "access_tokens:read", "access_tokens:edit"
_LASTS = "8760h"
_FOREVER = "forever"


def new_secret() -> str:
    """A secret in the form of those made since August 2026."""
    random = secrets.token_hex(20)
    return f"cfast_{random}{zlib.crc32(random.encode()):08x}"


def check(call: Call, old: AccessObject | None) -> Json:
    body = call.body
    duration = body.get("duration") or _LASTS
    if duration != _FOREVER:
        seconds("duration", duration)
    before = old.body if old else {}
    version = body.get("client_secret_version") or before.get("client_secret_version", 1)
    until = body.get("previous_client_secret_expires_at")
    if not isinstance(version, int | float) or version < before.get("client_secret_version", 1):
        raise InvalidAccessRequest("client_secret_version must not become less")
    if until is not None:
        _moment("previous_client_secret_expires_at", until)
    lasts_on = before.get("duration") == duration
    return {
        "name": text(body, "name"),
        "client_id": before.get("client_id") or f"{secrets.token_hex(16)}.access",
        "duration": duration,
        "expires_at": before["expires_at"] if lasts_on else _end(duration),
        "client_secret_version": version,
        **({"previous_client_secret_expires_at": until} if until is not None else {}),
        "last_seen_at": before.get("last_seen_at"),
    }


def create(call: Call) -> Reply:
    reply = _CREATE.handler(call)
    thing = call.store.access_object(call.path["acc"], _KIND, reply.result["id"])
    secret = new_secret()
    call.store.put_access(replace(thing, hidden={"secret": secret}))
    return replace(reply, result={**reply.result, "client_secret": secret})


def put(call: Call) -> Reply:
    """A greater version makes a new secret; the old one is good as long as the body says."""
    old = named(call, _KIND)
    body = check(call, old)
    changed = replace(old, body=body, updated_at=now())
    if body["client_secret_version"] == old.body["client_secret_version"]:
        return Reply(result=shown(call, call.store.put_access(changed)))
    return _rotated(call, changed)


def rotate(call: Call) -> Reply:
    old = named(call, _KIND)
    until = call.body.get("previous_client_secret_expires_at") or now()
    _moment("previous_client_secret_expires_at", until)
    version = old.body["client_secret_version"] + 1
    more = {"client_secret_version": version, "previous_client_secret_expires_at": until}
    return _rotated(call, replace(old, body={**old.body, **more}, updated_at=now()))


def refresh(call: Call) -> Reply:
    old = named(call, _KIND)
    body = {**old.body, "expires_at": _end(old.body["duration"])}
    return Reply(
        result=shown(call, call.store.put_access(replace(old, body=body, updated_at=now())))
    )


def _rotated(call: Call, thing: AccessObject) -> Reply:
    hidden = {"secret": new_secret(), "previous": thing.hidden["secret"]}
    changed = call.store.put_access(replace(thing, hidden=hidden))
    return Reply(result={**shown(call, changed), "client_secret": hidden["secret"]})


def refuse_used(call: Call, token: AccessObject) -> None:
    if named_by(call, token):
        raise ServiceTokenInUse


def admitted(token: AccessObject, secret: str) -> bool:
    """Whether a secret is the token's own, or its former one within its time, and the token has not expired."""
    present = datetime.now(timezone.utc)
    end = token.body["expires_at"]
    if end is not None and _moment("expires_at", end) <= present:
        return False
    if secrets.compare_digest(secret.encode(), token.hidden["secret"].encode()):
        return True
    until = token.body.get("previous_client_secret_expires_at")
    previous = token.hidden.get("previous")
    if previous is None or until is None or _moment("until", until) <= present:
        return False
    return secrets.compare_digest(secret.encode(), previous.encode())


def _end(duration: str) -> str | None:
    if duration == _FOREVER:
        return None
    lasts = timedelta(seconds=seconds("duration", duration))
    return (datetime.now(timezone.utc) + lasts).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(name: str, value: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError as error:
        raise InvalidAccessRequest(f"{name} is {value!r}; expected a time") from error
    if found.tzinfo is None:
        raise InvalidAccessRequest(f"{name} is {value!r}; expected a time with its zone")
    return found


_FIELDS = ("name", "duration", "client_secret_version", "previous_client_secret_expires_at")
_CREATE, *_SHARED = shared_routes(
    _KIND,
    read=_READ,
    edit=_EDIT,
    fields=_FIELDS,
    check=check,
    in_use=refuse_used,
    query=("name",),
)
ROUTES = (
    replace(_CREATE, handler=create),
    *(replace(route, handler=put) if route.method == "PUT" else route for route in _SHARED),
    Route(
        method="POST",
        template=_ONE + "/rotate",
        handler=rotate,
        permission=_EDIT,
        fields=frozenset({"previous_client_secret_expires_at"}),
    ),
    Route(method="POST", template=_ONE + "/refresh", handler=refresh, permission=_EDIT),
)
