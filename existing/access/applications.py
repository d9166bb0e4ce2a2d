"""Looks at what Cloudflare has of Access: the stack's own applications, policies and tokens, and those that it names by id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi

from existing import permissions
from existing.access.edits import compare_access
from existing.access.foreign import check_foreign
from existing.access.lost import (
    PER_PAGE,
    LostPolicy,
    check_left,
    find_lost_applications,
    find_lost_policies,
    find_lost_tokens,
    list_uris,
    write_access_path,
)
from existing.access.who import find_newly_public, list_who_may_come_in
from existing.api import Api, ApiError, Forbidden
from existing.state import OwnState
from settings import Settings
from settings.looked_up import (
    ACCESS_EDITED,
    ACCESS_GONE,
    ACCESS_TEAM,
    ACCESS_UNKNOWN,
    BECOMES_PUBLIC,
)
from settings.model.access import (
    EVERYBODY,
    AccessSettings,
    Application,
    ServiceToken,
    find_wildcard_above,
)
from settings.model.access_marks import unmark
from settings.model.names import EVERY
from values.findings import Findings
from values.remedies import SetKey

_There = Mapping[str, dict[str, Any]]
"""The account's applications, policies or tokens, by id."""
_GONE_APPLICATION = (
    "The Access application of '{}' that this stack made is gone at Cloudflare, which asks nobody for a login there any more; "
    "a server that asks for its token refuses everybody."
)
_GONE_POLICY = (
    "The Access policy '{}' that this stack made is gone at Cloudflare: nobody comes in by it."
)
_GONE_TOKEN = "The service token '{}' that this stack made is gone at Cloudflare: no program comes in with it."


@dataclass(frozen=True, kw_only=True)
class AccessFound:
    """What Cloudflare has of a stack's Access."""

    applications: Sequence[Application] = ()
    """The applications that the stack makes."""
    taken_in: Mapping[str, str] = field(default_factory=dict)
    """Ids of applications, by URI, and of policies, by key, that are there, but not in the state, and become the stack's."""
    lost_tokens: Mapping[str, ServiceToken] = field(default_factory=dict)
    """Tokens of the stack, by id, that are not in the state: their secret went with the answer."""
    lost_policies: Mapping[str, LostPolicy] = field(default_factory=dict)
    """Policies of the stack, by id, that are not in the state and that it has already."""
    audiences: Mapping[str, str] = field(default_factory=dict)
    """The audiences of applications that the stack file names by id, by URI."""


def look_at_access(
    settings: Settings, api: Api, own: OwnState, findings: Findings, notices: list[str]
) -> AccessFound:
    """Looks at the stack's applications, policies and tokens; asks nothing if the stack has none and never had.

    Tells who may come in, and what somebody else has changed of it.
    """
    if settings.access is None and not (own.applications or own.policies or own.tokens):
        return AccessFound()
    try:
        there = list_access(settings, api, "apps", permissions.ACCESS)
        policies = list_access(settings, api, "policies", permissions.ACCESS)
        tokens = (
            list_access(settings, api, "service_tokens", permissions.SERVICE_TOKENS)
            if own.tokens or (settings.access and settings.access.tokens)
            else {}
        )
        _check_gone(settings, own, {**there, **policies, **tokens}, findings)
        found = AccessFound()
        wanted: list[Application] = []
        if settings.access is not None:
            wanted = _list_wanted(settings, settings.access, api, findings, notices)
            found = _sort_out(settings, api, own, wanted, there, findings)
            missing, twice = find_lost_policies(
                settings, own, found.applications, policies.values()
            )
            found = replace(
                found,
                taken_in={**missing, **found.taken_in},
                lost_policies=twice,
                lost_tokens=find_lost_tokens(settings, own, tokens.values()),
            )
        left = check_left(settings, own, wanted, there, findings)
        ours = {each["id"] for each in own.applications.values()} | left
        others = [each for id, each in there.items() if id not in ours]
        asked = check_foreign(settings.sites, found.applications, others, findings)
    except ApiError as error:
        findings.errors.append(error.place_at("argoweb:access").finding)
        return AccessFound()
    for uri, place in find_newly_public(wanted, settings, own):
        findings.add(
            BECOMES_PUBLIC, place, f"{uri} becomes public: everybody may come in, without a login."
        )
    if pulumi.runtime.is_dry_run() and (who := list_who_may_come_in(wanted, settings, own, asked)):
        notices.append(who)
    _tell_edited(own, there, findings)
    _tell_taken_in(found, notices)
    return found


def _tell_edited(own: OwnState, there: _There, findings: Findings) -> None:
    if changed := [*compare_access(own, there)]:
        lines = "\n".join(f"  - {line}" for line in changed)
        findings.add(
            ACCESS_EDITED,
            "",
            "Access applications of this stack were changed at Cloudflare by somebody else.",
            f"Only an update with --refresh sees that: `pulumi up --refresh` makes them what the stack says.\n{lines}",
        )


def _tell_taken_in(found: AccessFound, notices: list[str]) -> None:
    lost = [each.name for each in found.lost_tokens.values()]
    lost += [each.name for each in found.lost_policies.values()]
    if again := [*found.taken_in, *map(unmark, lost)]:
        notices.append(
            "Taken in, since they are this stack's and not in its state, as after an update that broke off: what Access has "
            f"of {', '.join(again)}. Of a service token and of what is there twice the next `pulumi up` deletes the old one."
        )


def list_access(settings: Settings, api: Api, kind: str, permission: str) -> _There:
    """Lists the account's applications, policies or service tokens, as `kind` says, by id.

    Raises:
        ApiError: they cannot be read.
    """
    listed = api.read_list(write_access_path(settings, kind), permission, per_page=PER_PAGE)
    return {str(each["id"]): each for each in listed}


def _check_gone(settings: Settings, own: OwnState, there: _There, findings: Findings) -> None:
    """Refuses to go on while something that the stack made is gone; what is recorded of another account is not known."""
    gone = [
        (each, text)
        for recorded, text in (
            ([*own.applications.items()], _GONE_APPLICATION),
            ([(each["name"], each) for each in own.policies], _GONE_POLICY),
            ([(each["name"], each) for each in own.tokens], _GONE_TOKEN),
        )
        for each, it in recorded
        if it["accountId"] == settings.account_id and it["id"] not in there
    ]
    for name, text in gone:
        findings.add(
            ACCESS_GONE,
            "",
            text.format(name),
            "Run `pulumi refresh` first, by itself: the `pulumi up` after it makes it again where it is still wanted.",
        )


def _list_wanted(
    settings: Settings,
    access: AccessSettings,
    api: Api,
    findings: Findings,
    notices: list[str],
) -> list[Application]:
    """Gives the stack's applications, and one for each public hostname if the account refuses hostnames without one."""
    wanted = [*access.applications]
    try:
        organization = api.read_one(
            write_access_path(settings, "organizations"), permissions.ORGANIZATION
        )
    except Forbidden:
        return wanted
    team = str(organization.get("auth_domain") or "").partition(".")[0]
    if team and team != access.team:
        findings.add(
            ACCESS_TEAM,
            "argoweb:access.team",
            f"is '{access.team}', but the account's is '{team}', whose tokens the servers would refuse.",
            ("Set it with: ", SetKey("argoweb:access.team", team)),
        )
    if organization.get("deny_unmatched_requests"):
        exempted = organization.get("deny_unmatched_requests_exempted_zone_names") or ()
        taken = {each.uri for each in wanted}
        opened = [
            Application(uri=hostname, place=site.place, protection=None, policies=[EVERYBODY])
            for hostname, site in {
                site.hostname: site for site in settings.sites if site.is_public
            }.items()
            if hostname not in taken
            and hostname != EVERY
            and not any(f".{hostname}".endswith(f".{zone}") for zone in exempted)
        ]
        if opened:
            wanted += opened
            notices.append(
                "The account refuses hostnames that have no Access application (deny_unmatched_requests). Public ones get one "
                f"that lets everybody in: {', '.join(each.uri for each in opened)}"
            )
    return wanted


def _sort_out(
    settings: Settings,
    api: Api,
    own: OwnState,
    wanted: Sequence[Application],
    there: _There,
    findings: Findings,
) -> AccessFound:
    made, audiences = [], {}
    for each in wanted:
        existing = each.protection and each.protection.application
        if not existing:
            made.append(each)
        elif _fits(each, existing, there, findings):
            audiences[each.uri] = str(there[existing]["aud"])
    _check_ids(settings, api, made, findings)
    return AccessFound(
        applications=made,
        taken_in=find_lost_applications(settings, own, made, there, findings),
        audiences=audiences,
    )


def _fits(each: Application, existing: str, there: _There, findings: Findings) -> bool:
    """Whether an application that the stack file names by id exists and is one of the site's hostname."""
    where = f"{each.place}.access.application"
    if existing not in there:
        text = f"the account has no Access application {existing}."
        findings.add(ACCESS_UNKNOWN, where, text)
        return False
    hostname = each.uri.partition("/")[0]
    names = {uri.partition("/")[0] for uri in list_uris(there[existing])}
    fits = not names.isdisjoint({hostname, find_wildcard_above(hostname)})
    if not fits:
        findings.add(
            ACCESS_UNKNOWN,
            where,
            f"the Access application {there[existing]['name']!r} is one of {', '.join(sorted(names))}, and not of "
            f"'{hostname}'.",
            "Add the hostname to it in the dashboard, or name another one.",
        )
    return fits


def _check_ids(
    settings: Settings, api: Api, made: Sequence[Application], findings: Findings
) -> None:
    """Refuses each id in the stack file that the account does not have, if the token may ask for them."""
    protections = [each.protection for each in made if each.protection]
    selectors = [
        selector
        for each in made
        for policy in each.policies
        for selector in (*policy.include, *policy.require, *policy.exclude)
    ]

    def list_values(kind: str) -> set[str]:
        return {selector.value for selector in selectors if selector.kind == kind}

    named = {
        "policies": {each for it in protections for each in it.policies},
        "groups": list_values("externalGroups"),
        "identity_providers": list_values("loginMethods")
        | {each for it in protections for each in it.login_methods},
    }
    for kind, ids in named.items():
        if not ids:
            continue
        try:
            listed = api.read_list(
                write_access_path(settings, kind), permissions.ORGANIZATION, per_page=PER_PAGE
            )
        except Forbidden:
            continue
        for unknown in sorted(ids - {str(each["id"]) for each in listed}):
            text = f"the account has no '{unknown}' among its Access {kind.replace('_', ' ')}."
            findings.add(ACCESS_UNKNOWN, "argoweb:access", text)
