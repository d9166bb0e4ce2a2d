"""Finds what somebody else has changed of the stack's Access applications."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from existing.state import OwnState
from values.tables import write_camel_case

_NAMES = {
    "include": "includes",
    "require": "requires",
    "exclude": "excludes",
}
"""Keys of the API that have another name in the state than their own in camel case."""
_OF_POLICIES = ("decision", *_NAMES, "session_duration")
_OF_APPLICATIONS = (
    *(
        "name",
        "destinations",
        "aud",
        "session_duration",
        "allowed_idps",
        "auto_redirect_to_identity",
    ),
    *("app_launcher_visible", "cors_headers", "custom_deny_message", "custom_deny_url"),
    *("enable_binding_cookie", "same_site_cookie_attribute"),
)
"""Keys of an application that the stack sets, as the API names them."""


def compare_access(own: OwnState, there: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Gives a line for each key or policy of an application that is not as the state has it; `there` has applications by id."""
    policies = {each["id"]: each for each in own.policies}
    for uri, recorded in own.applications.items():
        found = there.get(recorded["id"])
        if found is None:
            continue
        its = found.get("policies") or []
        named = [each.get("name") or each["id"] for each in its]
        if [each["id"] for each in its] != [each["id"] for each in recorded.get("policies") or []]:
            yield f"'{uri}': its policies are {', '.join(map(repr, named)) or 'none'}"
        for each in its:
            for key in _list_differing(_OF_POLICIES, each, policies.get(each["id"], {})):
                yield f"'{uri}': the policy {each['name']!r} has another `{key}`"
        for key in _list_differing(_OF_APPLICATIONS, found, recorded):
            yield f"'{uri}': its `{key}` is {json.dumps(found.get(key))}"


def _list_differing(
    keys: Sequence[str], found: Mapping[str, Any], recorded: Mapping[str, Any]
) -> Iterator[str]:
    """Gives the keys whose value differs from the recorded one, and none if nothing is recorded."""
    for key in keys if recorded else ():
        name = _NAMES.get(key) or write_camel_case(key)
        if key in found and _simplify(found[key]) != _simplify(recorded.get(name)):
            yield key


def _simplify(value: Any) -> Any:
    """Brings a value into a form in which equal meanings are equal: the API's names, sorted lists, `None` for what is not set."""
    if isinstance(value, Mapping):
        inner = {
            re.sub("([A-Z])", lambda it: f"_{it[0].lower()}", key): _simplify(each)
            for key, each in value.items()
        }
        return {key: each for key, each in inner.items() if each is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sorted(map(_simplify, value), key=lambda it: json.dumps(it, sort_keys=True)) or None
    return value or None
