"""Makes policies of Access from the groups of the stack file."""

from collections.abc import Iterator
from typing import Any

from settings.keys.access import GROUP
from settings.model.access import SESSION, Policy, Selector
from values.findings import Findings, Kind

_NOBODY = Kind("access-nobody", "A group of `argoweb:access` lets nobody in.")
_OF_TOKENS = ("serviceTokens", "anyServiceToken")
_OF_PEOPLE = ("emails", "emailDomains", "loginMethods", "everyone")
"""Kinds of visitor that only somebody who has logged in can be."""
_SEVERAL = ("externalGroups",)
"""Kinds of which a visitor can be several at once."""


def make_policies(name: str, group: dict[str, Any], session: str) -> Iterator[Policy]:
    """Gives the policies of a group: one for its people, and one for its service tokens.

    Access asks for no login only by a policy of the decision `non_identity`, which tokens alone can meet.
    """
    include = [*_list_selectors(group)]
    require, exclude = (
        [*_list_selectors(group.get("require"))],
        [*_list_selectors(group.get("exclude"))],
    )
    apart = "" if session == SESSION else f"/{session}"
    for key, decision, of_tokens, others in (
        (name, "allow", False, _OF_TOKENS),
        (f"{name}/tokens", "non_identity", True, _OF_PEOPLE),
    ):
        if own := tuple(it for it in include if (it.kind in _OF_TOKENS) is of_tokens):
            yield Policy(
                key=f"{key}{apart}",
                decision=decision,
                include=own,
                require=require,
                exclude=[it for it in exclude if it.kind not in others],
                session=session,
            )


def _list_selectors(value: dict[str, Any] | None) -> Iterator[Selector]:
    for kind in GROUP.keys:
        found = (value or {}).get(kind)
        if kind in ("require", "exclude") or not found:
            continue
        for each in dict.fromkeys([""] if found is True else found):
            yield Selector(kind=kind, value=each)


def check_groups(access: dict[str, Any], findings: Findings) -> None:
    """Refuses groups that nobody can be in."""
    for name, group in access["groups"].items():
        where = f"argoweb:access.groups.{name}"
        kinds = {it.kind for it in _list_selectors(group)}
        if not kinds:
            remedy = "Give `emails`, `emailDomains`, `everyone` or another kind of visitor."
            findings.add(_NOBODY, where, "names nobody.", remedy)
        for kind, found in (group.get("require") or {}).items():
            if len(dict.fromkeys(found)) > 1 and kind not in _SEVERAL:
                findings.add(
                    _NOBODY,
                    f"{where}.require.{kind}",
                    f"found {len(found)}, expected one: nobody is all of them.",
                    "For one of several name an Access group in `externalGroups`.",
                )
            if kind in _OF_PEOPLE and kinds.intersection(_OF_TOKENS):
                findings.add(
                    _NOBODY,
                    f"{where}.require.{kind}",
                    "no service token can meet it.",
                    "Make a group of its own for the tokens.",
                )
