"""Operations on the organization, its keys, and the ways to log in that it has."""

import uuid
from dataclasses import replace

from ..errors import AccessNotEnabled, InvalidAccessRequest
from ..models import AccessObject, now
from ..routes import PAGING, Call, Json, Reply, Route, paged, refuse_unknown
from ..store import Store
from .objects import named, seconds, shown

DOMAIN = ".cloudflareaccess.com"
ONE_TIME_PIN = "onetimepin"
_KIND = "organizations"
_ALL = "/accounts/{acc}/access/"
_READ, _EDIT = "access_organizations:read", "access_organizations:edit"
_FIELDS = frozenset(
    {
        *("name", "auth_domain", "session_duration", "auto_redirect_to_identity"),
        *("deny_unmatched_requests", "deny_unmatched_requests_exempted_zone_names"),
        "strict_service_token_auth",
    }
)


def of(store: Store, account_id: str) -> AccessObject:
    """An account's organization.

    Raises:
        AccessNotEnabled: it has none.
    """
    return store.access_objects(account_id, _KIND)[0]


def seeded(store: Store, given: Json) -> None:
    """Sets an account's organization up, as the dashboard does: `account_id`, `team` and what else it has.

    `identity_providers` are objects with id, name and type; without them there is the one-time PIN.

    Raises:
        UnknownInput: it has fields that an organization has not.
    """
    given = dict(given)
    account_id, team = store.account(given.pop("account_id")).id, given.pop("team")
    providers = given.pop("identity_providers", None)
    refuse_unknown("field of an organization", given, _FIELDS)
    try:
        old = of(store, account_id)
    except AccessNotEnabled:
        old = AccessObject(
            id=str(uuid.uuid4()), account_id=account_id, kind=_KIND, body=_fresh(team)
        )
    store.put_access(replace(old, body={**old.body, "auth_domain": team + DOMAIN, **given}))
    there = store.access_objects(account_id, "identity_providers")
    if providers is None and not there:
        providers = [{"id": str(uuid.uuid4()), "name": "One-time PIN", "type": ONE_TIME_PIN}]
    for provider in providers or []:
        body = {"name": provider["name"], "type": provider["type"], "config": {}}
        store.put_access(
            AccessObject(
                id=provider["id"], account_id=account_id, kind="identity_providers", body=body
            )
        )


def _fresh(team: str) -> Json:
    """As one is that was made since October 2026: service tokens are judged strictly."""
    return {
        "name": team,
        "auth_domain": team + DOMAIN,
        "session_duration": "24h",
        "auto_redirect_to_identity": False,
        "deny_unmatched_requests": False,
        "deny_unmatched_requests_exempted_zone_names": [],
        "strict_service_token_auth": True,
    }


def get(call: Call) -> Reply:
    return Reply(result=_shown(call, of(call.store, call.path["acc"])))


def put(call: Call) -> Reply:
    old = of(call.store, call.path["acc"])
    for name, value in call.body.items():
        if type(value) is not type(old.body[name]):
            raise InvalidAccessRequest(f"{name} is {value!r}")
    if "session_duration" in call.body:
        seconds("session_duration", call.body["session_duration"])
    changed = replace(old, body={**old.body, **call.body}, updated_at=now())
    return Reply(result=_shown(call, call.store.put_access(changed)))


def _shown(call: Call, thing: AccessObject) -> Json:
    return {name: value for name, value in shown(call, thing).items() if name != "id"}


def list_providers(call: Call) -> Reply:
    there = call.store.access_objects(call.path["acc"], "identity_providers")
    return paged([shown(call, each) for each in there], call.query, default=25, limit=1000)


def get_provider(call: Call) -> Reply:
    return Reply(result=shown(call, named(call, "identity_providers")))


ROUTES = (
    Route(method="GET", template=_ALL + _KIND, handler=get, permission=_READ),
    Route(method="PUT", template=_ALL + _KIND, handler=put, permission=_EDIT, fields=_FIELDS),
    Route(
        method="GET",
        template=_ALL + "identity_providers",
        handler=list_providers,
        permission=_READ,
        query=PAGING,
    ),
    Route(
        method="GET",
        template=_ALL + "identity_providers/{id}",
        handler=get_provider,
        permission=_READ,
    ),
)
