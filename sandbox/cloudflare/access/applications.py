"""Operations on applications. Of their many types there is `self_hosted` alone, and their policies are reusable ones."""

import secrets
from typing import Any

from ..errors import (
    AccessObjectNotFound,
    ApplicationExists,
    DestinationTaken,
    InvalidAccessRequest,
)
from ..models import AccessObject
from ..routes import Call, Json
from . import destinations
from .objects import flag, given, seconds, shared_routes, shown, text

_FLAGS = {
    "app_launcher_visible": True,
    "auto_redirect_to_identity": False,
    "enable_binding_cookie": False,
    "http_only_cookie_attribute": True,
    "options_preflight_bypass": False,
    "path_cookie_attribute": False,
    "service_auth_401_redirect": False,
    "skip_interstitial": False,
    "allow_iframe": False,
}
"""Fields that are true or false, as the API shows them where they are not given."""
_TEXTS = (
    *("custom_deny_message", "custom_deny_url", "custom_non_identity_deny_url", "logo_url"),
    *("read_service_tokens_from_header", "same_site_cookie_attribute"),
)
_LISTS = ("allowed_idps", "tags")
_CORS = frozenset(
    {
        *("allow_all_headers", "allow_all_methods", "allow_all_origins", "allow_credentials"),
        *("allowed_headers", "allowed_methods", "allowed_origins", "max_age"),
    }
)
_SAME_SITE = ("none", "lax", "strict")
_SESSION = "24h"


def check(call: Call, old: AccessObject | None) -> Json:
    body = call.body
    if body.get("type") != "self_hosted":
        raise InvalidAccessRequest("app type is missing or invalid")
    listed = {name: list(body.get(name) or []) for name in _LISTS}
    _check_login(call, listed)
    if listed["tags"]:
        raise InvalidAccessRequest("tags contain a tag that does not exist")
    same_site = body.get("same_site_cookie_attribute")
    if same_site not in (None, "", *_SAME_SITE):
        raise InvalidAccessRequest(
            f"same_site_cookie_attribute is {same_site!r}; expected {', '.join(_SAME_SITE)}"
        )
    duration = body.get("session_duration") or _SESSION
    seconds("session_duration", duration)
    policies = _policies(call)
    covered = _covered(call)
    _check_free(call, covered, old)
    return {
        "name": text(body, "name"),
        "type": "self_hosted",
        "aud": old.body["aud"] if old else secrets.token_hex(32),
        "domain": body.get("domain") or covered[0],
        "self_hosted_domains": covered,
        "destinations": [{"type": "public", "uri": uri} for uri in covered],
        "policies": policies,
        "session_duration": duration,
        **{name: flag(body, name, default) for name, default in _FLAGS.items()},
        **given(body, _TEXTS),
        **listed,
        **_cors(body),
    }


def _check_login(call: Call, listed: dict[str, list[Any]]) -> None:
    known = {each.id for each in call.store.access_objects(call.path["acc"], "identity_providers")}
    if unknown := [each for each in listed["allowed_idps"] if each not in known]:
        raise InvalidAccessRequest(f"identity provider {unknown[0]} not found")
    if call.body.get("auto_redirect_to_identity") and len(listed["allowed_idps"]) != 1:
        raise InvalidAccessRequest("auto_redirect_to_identity requires exactly one allowed_idps")


def _cors(body: Json) -> Json:
    cors = body.get("cors_headers")
    if cors is None:
        return {}
    if not isinstance(cors, dict) or not set(cors) <= _CORS:
        raise InvalidAccessRequest(f"cors_headers may have {', '.join(sorted(_CORS))}")
    if body.get("options_preflight_bypass"):
        raise InvalidAccessRequest("options_preflight_bypass cannot be set with cors_headers")
    return {"cors_headers": {name: value for name, value in cors.items() if value is not None}}


def _policies(call: Call) -> list[Json]:
    """Id and precedence of each policy, in the order in which the edge asks them."""
    found: list[Json] = []
    last = 0
    for item in call.body.get("policies") or []:
        entry = {"id": item} if isinstance(item, str) else item
        if not isinstance(entry, dict) or not set(entry) <= {"id", "precedence"}:
            raise InvalidAccessRequest("the sandbox has policies by id and precedence only")
        policy_id = text(entry, "id")
        try:
            call.store.access_object(call.path["acc"], "policies", policy_id)
        except AccessObjectNotFound as error:
            raise InvalidAccessRequest(f"policy {policy_id} not found") from error
        precedence = entry.get("precedence")
        last = last + 1 if precedence is None else precedence
        if not isinstance(last, int) or last < 1:
            raise InvalidAccessRequest("policy precedences must be positive")
        found.append({"id": policy_id, "precedence": last})
    if len({each["precedence"] for each in found}) != len(found):
        raise InvalidAccessRequest("policy precedences must be unique")
    return sorted(found, key=lambda each: int(each["precedence"]))


def _covered(call: Call) -> list[str]:
    """The URIs of what the application covers, the primary one among them."""
    body = call.body
    given_ones: list[Any] = body.get("destinations") or []
    uris = [entry.get("uri") for entry in given_ones if entry.get("type", "public") == "public"]
    if len(uris) != len(given_ones):
        raise InvalidAccessRequest("the sandbox has public destinations only")
    uris = uris or list(body.get("self_hosted_domains") or [])
    if not uris and body.get("domain"):
        uris = [body["domain"]]
    if not uris:
        raise InvalidAccessRequest("domain or destinations must be set")
    zones = [
        zone.name
        for zone in call.store.zones.values()
        if zone.account_id == call.path["acc"] and zone.status == "active"
    ]
    for uri in [*uris, *([body["domain"]] if body.get("domain") else [])]:
        host = destinations.parsed(uri).host
        if not any(host == zone or host.endswith(f".{zone}") for zone in zones):
            raise InvalidAccessRequest("domain does not belong to zone")
    if body.get("domain") and body["domain"] not in uris:
        raise InvalidAccessRequest("domain not included in destinations")
    return uris


def _check_free(call: Call, uris: list[str], old: AccessObject | None) -> None:
    """Nothing of it is another application's."""
    primary = destinations.parsed(call.body.get("domain") or uris[0])
    wanted = [destinations.parsed(uri) for uri in uris]
    if len(set(wanted)) != len(wanted):
        raise InvalidAccessRequest("destinations must be unique")
    for other in call.store.access_objects(call.path["acc"], "apps"):
        if old is not None and other.id == old.id:
            continue
        if destinations.parsed(other.body["domain"]) == primary:
            raise ApplicationExists
        if {destinations.parsed(uri) for uri in other.body["self_hosted_domains"]} & set(wanted):
            raise DestinationTaken


def show(call: Call, app: AccessObject) -> Json:
    """An application with its policies in full."""
    policies = [
        {**shown(call, call.store.access_object(app.account_id, "policies", each["id"])), **each}
        for each in app.body["policies"]
    ]
    return {**shown(call, app), "uid": app.id, "policies": policies}


ROUTES = shared_routes(
    "apps",
    read="access:read",
    edit="access:edit",
    fields=(
        *("name", "type", "domain", "self_hosted_domains", "destinations", "policies"),
        *("session_duration", "cors_headers", *_FLAGS, *_TEXTS, *_LISTS),
    ),
    check=check,
    show=show,
    query=("name", "domain", "aud"),
)
