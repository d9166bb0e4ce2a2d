"""Finds what somebody else has changed of a record that the stack made."""

from collections.abc import Mapping
from typing import Any

_COMPARED = ("name", "type", "content", "proxied", "comment")


def compare_record(
    recorded: Mapping[str, Any], there: Mapping[str, Any], wanted: Mapping[str, Any]
) -> str:
    """Says in words how a record at Cloudflare differs from the state; empty where it does not.

    What is as `wanted` was set by an update of the stack whose answer was lost.
    """
    changed = [
        f"{name} is {_show(there.get(name))}, was {_show(recorded.get(name))}"
        for name in _COMPARED
        if _simplify(there.get(name)) != _simplify(recorded.get(name))
        and (name not in wanted or _simplify(there.get(name)) != _simplify(wanted[name]))
    ]
    return "; ".join(changed)


def _simplify(value: object) -> object:
    """Brings a value into a form that can be compared: without case, and no comment as an empty one."""
    return value.lower() if isinstance(value, str) else value or ""


def _show(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if value else "nothing"
