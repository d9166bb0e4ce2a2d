"""Finds what the stack made of Access before an update broke off, and its state does not have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from existing.state import OwnState
from settings import Settings
from settings.looked_up import ACCESS_LEFT, ACCESS_TAKEN
from settings.model.access import EVERYBODY, Application, ServiceToken
from settings.model.access_marks import mark
from values.findings import Findings
from values.remedies import SetKey

PER_PAGE = 1000
"""Things of Access a page."""


@dataclass(frozen=True, kw_only=True)
class LostPolicy:
    """A policy with the stack's name that is not in its state, as the API gives it."""

    name: str
    decision: str
    include: Sequence[Mapping[str, Any]]
    require: Sequence[Mapping[str, Any]]
    exclude: Sequence[Mapping[str, Any]]
    session: str | None


def write_access_path(settings: Settings, what: str) -> str:
    """Gives the path in the API of a kind of Access's things, as `apps`."""
    return f"accounts/{settings.account_id}/access/{what}"


def list_uris(application: Mapping[str, Any]) -> list[str]:
    """Gives what an application stands in front of: `hostname` or `hostname/path` each."""
    destinations = application.get("destinations") or ()
    found = [each["uri"] for each in destinations if each.get("uri")]
    return found or application.get("self_hosted_domains") or [application.get("domain") or ""]


def find_lost_policies(
    settings: Settings,
    own: OwnState,
    made: Sequence[Application],
    there: Iterable[Mapping[str, Any]],
) -> tuple[dict[str, str], dict[str, LostPolicy]]:
    """Finds policies of the stack that are not in its state: the ids, by key, of those that it lacks, and those that exist twice, by id.

    The provider tries again where an answer is lost, and Cloudflare makes a second one of the same name.
    """
    keys = {policy.key for each in made for policy in each.policies}
    missing = {mark(key, settings.deployment): key for key in keys}
    for each in own.policies:
        missing.pop(each["name"], None)
    known = {each["id"] for each in own.policies}
    taken_in: dict[str, str] = {}
    twice: dict[str, LostPolicy] = {}
    for each in there:
        if each["id"] in known or not each["name"].endswith(mark("", settings.deployment)):
            continue
        key = missing.pop(each["name"], None)
        if key is not None:
            taken_in[key] = str(each["id"])
        elif not each.get("app_count"):
            twice[str(each["id"])] = LostPolicy(
                name=each["name"],
                decision=each["decision"],
                include=each.get("include") or (),
                require=each.get("require") or (),
                exclude=each.get("exclude") or (),
                session=each.get("session_duration"),
            )
    return taken_in, twice


def find_lost_applications(
    settings: Settings,
    own: OwnState,
    made: Sequence[Application],
    there: Mapping[str, dict[str, Any]],
    findings: Findings,
) -> dict[str, str]:
    """Finds the stack's applications that are not in its state, by URI; refuses somebody else's in their place."""
    known = {each["id"] for each in own.applications.values()}
    by_uri = {
        uri: each for each in there.values() if each["id"] not in known for uri in list_uris(each)
    }
    found = {}
    for each in made:
        other = by_uri.get(each.uri)
        if each.uri in own.applications or other is None:
            continue
        if _is_ours(other, each, settings.deployment):
            found[each.uri] = str(other["id"])
            continue
        step = SetKey(f"{each.place}.access.application", str(other["id"]))
        go_on = (", or go on with it: ", step) if each.protection else ()
        findings.add(
            ACCESS_TAKEN,
            each.place,
            f"'{each.uri}' has an Access application that is not of this stack: {other['name']!r} ({other['id']}).",
            ("Delete it in the dashboard (Zero Trust, Access)", *go_on),
        )
    return found


def check_left(
    settings: Settings,
    own: OwnState,
    made: Sequence[Application],
    there: Mapping[str, dict[str, Any]],
    findings: Findings,
) -> set[str]:
    """Warns of each application of the stack that neither its state nor its file has; gives their ids.

    It asks for a login at what is public now, or for none at what the server asks a token for, and its policies cannot be
    deleted.
    """
    known = {each["id"] for each in own.applications.values()}
    wanted = {each.uri for each in made}
    left = set()
    for id, each in there.items():
        uris = list_uris(each)
        ours = [each["name"]] == uris and _has_only(each, settings.deployment)
        if id in known or not wanted.isdisjoint(uris) or not ours:
            continue
        left.add(id)
        decisions = {policy.get("decision") for policy in each["policies"]}
        does = "lets everybody through" if decisions == {EVERYBODY.decision} else "asks for a login"
        findings.add(
            ACCESS_LEFT,
            "",
            f"'{uris[0]}' has an Access application ({id}) that an update of this stack made before it broke off, and the stack "
            f"file has no `access` for it any more: it {does} there, and its policies cannot be deleted.",
            "Delete it in the dashboard (Zero Trust, Access), or give the site its `access` back for one `pulumi up`.",
        )
    return left


def _is_ours(other: Mapping[str, Any], wanted: Application, deployment: str) -> bool:
    """Whether an application has nothing but the stack's policies, and those that the stack file names for it."""
    named = wanted.protection.policies if wanted.protection else ()
    return list_uris(other) == [wanted.uri] and _has_only(other, deployment, named)


def _has_only(other: Mapping[str, Any], deployment: str, named: Sequence[str] = ()) -> bool:
    """Whether an application has policies, and none but the deployment's and those that are named by id."""
    policies = other.get("policies") or ()
    return bool(policies) and all(
        each["id"] in named or str(each.get("name")).endswith(mark("", deployment))
        for each in policies
    )


def find_lost_tokens(
    settings: Settings, own: OwnState, there: Iterable[Mapping[str, Any]]
) -> dict[str, ServiceToken]:
    """Finds service tokens with the stack's mark that are not in its state, by id."""
    known = {each["id"] for each in own.tokens}
    return {
        str(each["id"]): ServiceToken(
            name=each["name"],
            duration=each["duration"],
            secret_version=int(each.get("client_secret_version") or 1),
            old_until=each.get("previous_client_secret_expires_at"),
        )
        for each in there
        if each["id"] not in known and each["name"].endswith(mark("", settings.deployment))
    }
