"""Tries whether the API token may do what an update needs and no more, and whether Cloudflare serves the zones."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from argoweb.cloud import find_zone_id, open_api
from argoweb.ends import SOON, find_time_left
from argoweb.report import observe
from argoweb.stack import Stack
from existing import permissions
from existing.alerts import write_alerts_path
from existing.api import Api, ApiError, NoAnswer
from settings import Zone
from values.findings import Finding, Severity, write_count

_NO_TUNNEL = "00000000-0000-4000-8000-000000000000"
_NO_RECORD = "0" * 32
"""Ids that nothing has."""


def try_cloudflare(stack: Stack) -> list[Finding]:
    """Tries the token, each permission and each zone, all at once; of a token that is taken by nobody it says that alone."""
    api = open_api(stack)
    questions: list[Callable[[], list[Finding]]] = [
        lambda: _try_validity(stack, api),
        lambda: _try_tunnels(stack, api),
        lambda: _try_access(stack, api),
        lambda: _try_alerts(stack, api),
        lambda: _try_reach(stack, api),
        *(lambda zone=zone: _try_zone(stack, api, zone) for zone in stack.settings.zones),
    ]  # fmt: skip
    with ThreadPoolExecutor(len(questions)) as pool:
        answers: list[list[Finding]] = list(pool.map(lambda question: question(), questions))
    valid = answers.pop(0)
    if any(line.severity in (Severity.ERROR, Severity.UNKNOWN) for line in valid):
        return valid
    return [*valid, *(line for lines in answers for line in lines)]


def _observe_token(code: str, text: str, *, passed: bool = False, place: str = "token") -> Finding:
    return observe(code, place, text, passed=passed)


def _try_validity(stack: Stack, api: Api) -> list[Finding]:
    if stack.access.is_key:
        said = f"the {stack.access.named} may do whatever its user may"
        return [_observe_token("token-wide", said)]
    try:
        try:
            found = api.read_one("user/tokens/verify", "")
        except NoAnswer:
            raise
        except ApiError as error:  # the token may be one of an account and not of a user
            refused = str(error)
            found = api.read_one(f"accounts/{stack.settings.account_id}/tokens/verify", "")
    except NoAnswer as silence:
        return [_observe_token("cloudflare-unreadable", str(silence), place="cloudflare")]
    except ApiError:
        return [_observe_token("token-invalid", refused)]
    if found.get("status") != "active":
        return [
            _observe_token("token-invalid", f"the {stack.access.named} is {found.get('status')}")
        ]
    lines = [_observe_token("token-invalid", f"the {stack.access.named} is active", passed=True)]
    if ends := found.get("expires_on"):
        lines.append(
            _observe_token(
                "token-expires", f"it expires on {ends}", passed=find_time_left(ends) > SOON
            )
        )
    return lines


def _try_tunnels(stack: Stack, api: Api) -> list[Finding]:
    account = stack.settings.account_id
    path = f"accounts/{account}/cfd_tunnel"
    return _try_permission(
        api,
        f"tunnels of the account {account}",
        f"{path}?per_page=1",
        f"{path}/{_NO_TUNNEL}",
        permissions.TUNNEL,
    )


def _try_access(stack: Stack, api: Api) -> list[Finding]:
    if stack.settings.access is None:
        return []
    wanted = [("Access applications", "apps", permissions.ACCESS)]
    if stack.settings.access.tokens:
        wanted.append(("service tokens", "service_tokens", permissions.SERVICE_TOKENS))
    path = f"accounts/{stack.settings.account_id}/access"
    return [
        line
        for what, kind, permission in wanted
        for line in _try_permission(
            api,
            what,
            f"{path}/{kind}?per_page=1",
            f"{path}/{kind}/{_NO_TUNNEL}",
            permission,
            "PUT",
        )
    ]


def _try_alerts(stack: Stack, api: Api) -> list[Finding]:
    if stack.settings.alerts is None:
        return []
    path = write_alerts_path(stack.settings)
    return _try_permission(
        api, "notifications", path, f"{path}/{_NO_RECORD}", permissions.NOTIFICATIONS, "PUT"
    )


def _try_permission(
    api: Api, what: str, read: str, changed: str, permission: str, method: str = "PATCH"
) -> list[Finding]:
    try:
        api.read_one(read, permission)
        may = api.may_change(changed, method)
    except ApiError as error:
        return [_observe_token("token-permission", str(error))]
    if not may:
        said = f"it may read the {what}, and not change them: it needs {permission}"
        return [_observe_token("token-permission", said)]
    return [_observe_token("token-permission", f"it may change the {what}", passed=True)]


def _try_reach(stack: Stack, api: Api) -> list[Finding]:
    """Finds whether the token reaches more zones and accounts than the stack needs."""
    try:
        zones = api.read_list("zones", permissions.ZONE, per_page=50)
    except ApiError:
        return []  # `_try_zone` tells it for each zone
    named = {zone.name for zone in stack.settings.zones}
    others = sorted(str(zone["name"]) for zone in zones if zone["name"] not in named)
    if not others:
        return [
            _observe_token("token-wide", "it reaches the stack's zones and no others", passed=True)
        ]
    said = f"it also reaches {write_count(len(others), 'other zone')}: {', '.join(others[:5])}"
    return [_observe_token("token-wide", said)]


def _try_zone(stack: Stack, api: Api, zone: Zone) -> list[Finding]:
    try:
        found = api.read_one(f"zones/{find_zone_id(stack, api, zone)}", permissions.ZONE)
    except ApiError as error:
        return [_observe_token("zone-unreadable", str(error), place=zone.name)]
    servers = ", ".join(found.get("name_servers") or [])
    status, account = found["status"], found["account"]["id"]
    lines: list[Finding] = []
    if account != stack.settings.account_id:
        said = f"belongs to the account {account}, the stack is for {stack.settings.account_id}"
        lines.append(_observe_token("zone-unreadable", said, place=zone.name))
    active = status == "active"
    said = f"is {status}; its name servers at Cloudflare are {servers}"
    lines.append(_observe_token("zone-inactive", said, passed=active, place=zone.name))
    if found.get("paused"):
        lines.append(_observe_token("zone-paused", "Cloudflare is paused for it", place=zone.name))
    records = f"zones/{found['id']}/dns_records"
    return lines + _try_permission(
        api,
        f"records of {zone.name}",
        f"{records}?per_page=1",
        f"{records}/{_NO_RECORD}",
        permissions.DNS,
    )
