"""What somebody else has changed of the stack's Access applications."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from existing.state import OwnState

_RULES = {"include": "includes", "require": "requires", "exclude": "excludes"}
"""The parts of a policy as the API names them, and as the state does."""


def compare_access(own: OwnState, there: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line for each application, of those that are `there` by id, that is not as the state has it."""
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
            for part, name in _RULES.items():
                of_ours = policies.get(each["id"])
                if of_ours and part in each and _plain(each[part]) != _plain(of_ours.get(name)):
                    yield f"'{uri}': the policy {each['name']!r} has another `{part}`"
        if found.get("session_duration") != recorded.get("sessionDuration"):
            yield f"'{uri}': its session lasts {found.get('session_duration')}"


def _plain(rules: Any) -> set[str]:
    """Rules as texts that are equal for equal rules, in the API's words."""
    return {json.dumps(_in_the_apis_words(rule), sort_keys=True) for rule in rules or ()}


def _in_the_apis_words(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {
        re.sub("([A-Z])", lambda found: f"_{found[0].lower()}", key): _in_the_apis_words(inner)
        for key, inner in value.items()
        if inner is not None
    }
