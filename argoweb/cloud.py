"""Looks at what Cloudflare has of a stack: its tunnel, the cloudflareds connected to it, its records and its Access."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from argoweb.ends import SOON, find_time_left
from argoweb.report import observe
from argoweb.shadows import find_shadows
from argoweb.stack import Stack
from existing import permissions
from existing.access.applications import list_access
from existing.access.edits import compare_access
from existing.alerts import list_receivers, write_alerts_path
from existing.api import PER_PAGE, Api, ApiError, NotThere
from existing.edits import compare_record
from existing.hostnames import EXCLUSIVE
from existing.imported_tunnel import is_managed_remotely, write_tunnel_path
from existing.zone import look_up_zone
from settings import Zone, write_mark
from values.findings import Finding

_T = TypeVar("_T")
Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Connector:
    """A cloudflared that is connected to the tunnel."""

    id: str
    version: str
    since: str
    locations: Sequence[str]
    """Data centres, one for each connection."""


@dataclass(frozen=True, kw_only=True)
class CloudSeen:
    """What Cloudflare has of a stack."""

    tunnel_id: str | None = None
    tunnel_name: str | None = None
    tunnel_status: str = "not made"
    connectors: Sequence[Connector] = ()
    records: Mapping[str, str] = field(default_factory=dict)
    """How the record of each hostname is: `ours`, `foreign`, `missing`, `edited`, `none` where the stack makes none."""
    lines: Sequence[Finding] = ()


def open_api(stack: Stack) -> Api:
    """Gives the API for somebody who waits: what does not answer is known after some 15 seconds."""
    return Api(stack.access, attempts=2, timeout=7, longest_wait=5)


def look_at_cloudflare(stack: Stack) -> CloudSeen:
    """Asks for the tunnel (two requests), Access (one) and each zone (one for its records), all at once."""
    api = open_api(stack)
    zones = {zone.name: zone for zone in map(stack.settings.find_zone, stack.settings.named)}
    with ThreadPoolExecutor(8) as pool:
        tunnel = pool.submit(_look_at_tunnel, stack, api)
        others = [
            pool.submit(look, stack, api)
            for look in (_look_at_access, _look_at_service_tokens, _look_at_alert)
        ]
        asked = {
            name: pool.submit(_answer_or_reason, lambda zone=zone: _look_at_zone(stack, api, zone))
            for name, zone in zones.items()
        }
    seen, lines = tunnel.result()
    for other in others:
        lines += other.result()
    listed: dict[str, Sequence[Record]] = {}
    for name, future in asked.items():
        found = future.result()
        if isinstance(found, str):
            lines.append(observe("cloudflare-unreadable", name, found))
        else:
            listed[name], before = found
            lines += before
    records, more = _judge_records(stack, listed)
    return CloudSeen(**seen, records=records, lines=[*lines, *more])


def _answer_or_reason(question: Callable[[], _T]) -> _T | str:
    """Gives the answer to a question of the API, or the reason why there is none."""
    try:
        return question()
    except ApiError as error:
        return str(error)


def _look_at_tunnel(stack: Stack, api: Api) -> tuple[dict[str, Any], list[Finding]]:
    made = stack.state.tunnel
    if made is None:
        return {}, [observe("tunnel-not-made", "tunnel", "the stack has made none yet")]
    tunnel_id, name = str(made["id"]), str(made["name"])
    seen: dict[str, Any] = {"tunnel_id": tunnel_id, "tunnel_name": name}
    path = write_tunnel_path(stack.settings, tunnel_id)

    def tell(code: str, text: str) -> list[Finding]:
        return [observe(code, "tunnel", f"{name} ({tunnel_id}) {text}")]

    try:
        there = api.read_one(path, permissions.TUNNEL)
        connected = api.read_list(f"{path}/connections", permissions.TUNNEL)
    except NotThere:
        return {**seen, "tunnel_status": "missing"}, tell("tunnel-missing", "is gone at Cloudflare")
    except ApiError as error:
        unread = observe("cloudflare-unreadable", "tunnel", str(error))
        return {**seen, "tunnel_status": "unknown"}, [unread]
    if deleted := there.get("deleted_at"):
        said = f"was deleted at Cloudflare on {deleted}"
        return {**seen, "tunnel_status": "deleted"}, tell("tunnel-deleted", said)
    connectors = [
        Connector(
            id=each["id"],
            version=each.get("version") or "",
            since=each.get("run_at") or "",
            locations=[connection["colo_name"] for connection in each["conns"]],
        )
        for each in connected
    ]
    lines: list[Finding] = []
    if is_managed_remotely(there):
        lines += tell("tunnel-remote", "is managed in Cloudflare's dashboard now")
    if there["name"] != name:
        lines += tell("tunnel-renamed", f"is called '{there['name']}' at Cloudflare")
    if not connectors:
        lines += tell("tunnel-down", "has no connection: visitors see 'error code: 1033'")
    status = there.get("status") or "unknown"
    return {**seen, "tunnel_status": status, "connectors": connectors}, lines


def _look_at_access(stack: Stack, api: Api) -> list[Finding]:
    """Finds what somebody else has done to the stack's Access applications; asks nothing if the stack has none."""
    own = stack.state.access
    if not own.applications:
        return []
    try:
        there = list_access(stack.settings, api, "apps", permissions.ACCESS)
    except ApiError as error:
        return [observe("cloudflare-unreadable", "access", str(error))]
    gone = [uri for uri, each in own.applications.items() if each["id"] not in there]
    lines = [
        observe("access-missing", uri, "its Access application is gone at Cloudflare")
        for uri in gone
    ]
    changed = compare_access(own, there)
    return lines + [observe("access-edited", "access", each) for each in changed]


def _look_at_service_tokens(stack: Stack, api: Api) -> list[Finding]:
    """Finds the stack's service tokens that are gone, or end soon; asks nothing if it has none."""
    tokens = stack.state.access.tokens
    if not tokens:
        return []
    try:
        there = list_access(stack.settings, api, "service_tokens", permissions.SERVICE_TOKENS)
    except ApiError as error:
        return [observe("cloudflare-unreadable", "service tokens", str(error))]
    lines = []
    for token in tokens:
        found = there.get(token["id"])
        if found is None:
            said = "the service token is gone at Cloudflare"
            lines.append(observe("access-token-missing", str(token["name"]), said))
        elif (ends := found.get("expires_at")) and find_time_left(ends) < SOON:
            said = f"the service token ends on {ends}"
            lines.append(observe("access-token-expires", str(token["name"]), said))
    return lines


def _look_at_alert(stack: Stack, api: Api) -> list[Finding]:
    """Finds what somebody else has done to the stack's notification; asks nothing if it has none."""
    made = stack.state.alert
    if made is None:
        return []
    try:
        there = api.read_list(write_alerts_path(stack.settings), permissions.NOTIFICATIONS)
    except ApiError as error:
        return [observe("cloudflare-unreadable", "alerts", str(error))]
    found = next((each for each in there if each["id"] == made["id"]), None)
    if found is None:
        return [observe("alert-missing", "alerts", f"'{made['name']}' is gone at Cloudflare")]
    changed = []
    if not found.get("enabled", True):
        changed.append("it is off")
    if list_receivers(found["mechanisms"]) != list_receivers(made["mechanisms"]):
        changed.append(f"it tells {', '.join(list_receivers(found['mechanisms'])) or 'nobody'}")
    return [observe("alert-edited", "alerts", f"'{made['name']}': {each}") for each in changed]


def _look_at_zone(stack: Stack, api: Api, zone: Zone) -> tuple[Sequence[Record], list[Finding]]:
    """Lists a zone's records, and finds what takes requests before the stack's records do."""
    path = f"zones/{find_zone_id(stack, api, zone)}"
    records = api.read_list(f"{path}/dns_records", permissions.DNS, per_page=PER_PAGE)
    hostnames = [name for name in stack.settings.named if stack.settings.find_zone(name) == zone]
    return records, [*find_shadows(api, path, zone, records, hostnames)]


def find_zone_id(stack: Stack, api: Api, zone: Zone) -> str:
    """Gives a zone's id, and asks for it if the stack file does not have it.

    Raises:
        ApiError: the token sees no such zone.
    """
    if zone.id:
        return zone.id
    account = stack.settings.account_id
    found = look_up_zone(api, account, zone.name)
    if found is None:
        raise ApiError(f"the account {account} has no zone '{zone.name}' that the token may see")
    return str(found["id"])


def _judge_records(
    stack: Stack, listed: Mapping[str, Sequence[Record]]
) -> tuple[dict[str, str], list[Finding]]:
    """Tells for each hostname how its record is, and finds what is wrong with any."""
    settings, lines = stack.settings, list[Finding]()
    how = {site.hostname: "none" for site in settings.sites}
    mark = write_mark(settings.deployment)
    for hostname in settings.named:
        zone = settings.find_zone(hostname).name
        if zone not in listed:
            how[hostname] = "unknown"
            continue
        there = [
            record
            for record in listed[zone]
            if record["name"].lower() == hostname and record["type"] in EXCLUSIVE
        ]
        how[hostname], said = _judge_record(stack, hostname, there, mark)
        if said:
            code = f"record-{how[hostname]}"
            lines.append(observe(code, hostname, said))
    for hostname in stack.state.records.keys() - settings.named.keys():
        said = "the stack still has a record for it, which its file does not name any more"
        lines.append(observe("record-left", hostname, said))
    return how, lines


def _judge_record(
    stack: Stack, hostname: str, there: Iterable[Record], mark: str
) -> tuple[str, str]:
    """Tells how the record of a hostname is, and what is wrong with it: an empty text if nothing is."""
    recorded = stack.state.records.get(hostname)
    found = {record["id"]: record for record in there}
    mine = found.get(recorded["id"]) if recorded else None
    if mine is not None and recorded is not None:
        changed = compare_record(recorded, mine, {})
        return ("edited", f"was changed by somebody else: {changed}") if changed else ("ours", "")
    for record in found.values():
        target = f"{record['type']} {record['content']}"
        if (record.get("comment") or "").endswith(mark):
            return "edited", f"has this stack's mark and is not in its state ({target})"
        comment = record.get("comment")
        whose = f", with the comment '{comment}'" if comment else ""
        return "foreign", f"has a record of somebody else's: {target}{whose}"
    if recorded:
        return "missing", "its record was removed at Cloudflare"
    return "missing", "has no record yet"
