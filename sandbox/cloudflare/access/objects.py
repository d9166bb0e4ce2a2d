"""What the operations on all kinds of objects have in common."""

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..errors import InvalidAccessRequest
from ..models import AccessObject, now
from ..routes import PAGING, Call, Json, Reply, Route, paged

_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

Show = Callable[[Call, AccessObject], Json]
Check = Callable[[Call, AccessObject | None], Json]
"""The fields of a new object, or of a changed one, from the body of a request."""


def seconds(name: str, value: object) -> float:
    """A duration as Go writes it.

    Raises:
        InvalidAccessRequest: it is none, or less than nothing.
    """
    if isinstance(value, str) and value:
        found = list(_DURATION.finditer(value))
        if value == "".join(match[0] for match in found):
            return sum(float(match[0].rstrip("nuµmsh")) * _SECONDS[match[1]] for match in found)
    raise InvalidAccessRequest(f"{name} is {value!r}; expected a duration such as 24h")


def text(body: Json, name: str) -> str:
    """A field that has to be there.

    Raises:
        InvalidAccessRequest: it is not.
    """
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidAccessRequest(f"{name} must be a text that is not empty")
    return value


def flag(body: Json, name: str, default: bool) -> bool:
    """A field that is true or false; null is the default.

    Raises:
        InvalidAccessRequest: it is neither.
    """
    value = default if body.get(name) is None else body[name]
    if not isinstance(value, bool):
        raise InvalidAccessRequest(f"{name} must be true or false")
    return value


def shown(call: Call, thing: AccessObject) -> Json:
    """An object as the API shows it."""
    times = {"created_at": thing.created_at, "updated_at": thing.updated_at}
    return {"id": thing.id, **thing.body, **times}


def shared_routes(
    kind: str,
    *,
    read: str,
    edit: str,
    fields: Sequence[str],
    check: Check,
    in_use: Callable[[Call, AccessObject], None] = lambda _call, _thing: None,
    show: Show = shown,
    query: Sequence[str] = (),
) -> tuple[Route, ...]:
    """Create, list, read, replace and delete."""
    everything = "/accounts/{acc}/access/" + kind
    one = everything + "/{id}"
    names = frozenset(fields)

    def create(call: Call) -> Reply:
        call.store.access_objects(call.path["acc"], kind)
        thing = AccessObject(
            id=str(uuid.uuid4()),
            account_id=call.path["acc"],
            kind=kind,
            body=check(call, None),
        )
        return Reply(result=show(call, call.store.put_access(thing)), status=201)

    def list_all(call: Call) -> Reply:
        there = call.store.access_objects(call.path["acc"], kind)
        found = [
            show(call, thing)
            for thing in there
            if all(thing.body.get(name) == call.query.get(name, thing.body.get(name)) for name in query)
        ]  # fmt: skip
        return paged(found, call.query, default=25, limit=1000)

    def get(call: Call) -> Reply:
        return Reply(result=show(call, named(call, kind)))

    def put(call: Call) -> Reply:
        old = named(call, kind)
        changed = replace(old, body=check(call, old), updated_at=now())
        return Reply(result=show(call, call.store.put_access(changed)))

    def delete(call: Call) -> Reply:
        thing = named(call, kind)
        in_use(call, thing)
        call.store.delete_access(thing)
        return Reply(result={"id": thing.id}, status=202)

    return (
        Route(method="POST", template=everything, handler=create, permission=edit, fields=names),
        Route(
            method="GET",
            template=everything,
            handler=list_all,
            permission=read,
            query=PAGING | frozenset(query),
        ),
        Route(method="GET", template=one, handler=get, permission=read),
        Route(method="PUT", template=one, handler=put, permission=edit, fields=names),
        Route(method="DELETE", template=one, handler=delete, permission=edit),
    )


def named(call: Call, kind: str) -> AccessObject:
    """The object whose id is in the path."""
    return call.store.access_object(call.path["acc"], kind, call.path["id"])


def given(body: Json, names: Sequence[str]) -> dict[str, Any]:
    """Those of the fields that have a value; null is none."""
    return {name: body[name] for name in names if body.get(name) is not None}
