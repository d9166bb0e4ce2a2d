"""From the raw stack file to checked settings: shapes first, then what spans several keys."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi

from cloudflared import Router, Rule, check_order, check_origin, check_rule, check_settings
from settings import names, servers, sites, tunnel
from settings.caddy import caddy as read_caddy
from settings.checks import records
from settings.checks.behind_tunnel import check_given_away
from settings.checks.folders import check_folders, check_roots
from settings.checks.loops import check_loops, check_services
from settings.checks.paths import check_seen
from settings.checks.ports import check_instances, check_ports
from settings.checks.releases import check_release
from settings.errors import configuration_error
from settings.health import health
from settings.keys import STACK
from settings.model import Nixos, Package, Service, Settings, Zone
from values.findings import Finding, Findings
from values.kinds import MISSING_KEY, NEEDED_KEY, key_of

NAMESPACE = "argoweb"
METRICS = "127.0.0.1:20251"
"""Fixed so that the health check finds it, and none of 20241 to 20245, of which every other cloudflared takes a free one."""
CATCH_ALL = Rule(service="http_status:404")

_Values = dict[str, Any]


def build(
    raw: Mapping[str, object],
    *,
    deployment: str,
    ssh_private_key: pulumi.Output[str] | None = None,
    tunnel_secret: str | None = None,
    before: Findings | None = None,
) -> Settings:
    """The settings of the stack `deployment` (`project/stack`).

    Raises:
        FindingsError: something is wrong; what was found `before` goes with it.
    """
    shapes, findings = Findings(), Findings()
    stack = _Stack(STACK.read(dict(raw), NAMESPACE, shapes), shapes)
    findings.warnings += shapes.warnings
    settings = _settings(stack, deployment, ssh_private_key, tunnel_secret, findings)
    earlier = before.errors if before else []
    errors = list(dict.fromkeys([*earlier, *shapes.errors, *findings.errors]))
    if errors:
        raise configuration_error([_with_command(error) for error in errors])
    return settings


class _Stack:
    """What was read, without the sites, zones, servers and tables that something is wrong with.

    So what is wrong between the sound ones is reported at the same time.
    """

    def __init__(self, values: _Values, shapes: Findings) -> None:
        self._values = values
        self._shapes = shapes

    def whole(self, key: str) -> bool:
        """Whether nothing in a table, list or mapping is malformed."""
        return not self._shapes.wrong(f"{NAMESPACE}:{key}")

    def table(self, key: str) -> Any:
        """A table, or its default where it is absent or malformed."""
        spec = STACK.keys[key]
        if self.whole(key):
            return self._values.get(key)
        return None if spec.default is None else spec.shape.read(spec.default, key, Findings())

    def items(self, key: str) -> list[tuple[str, _Values]]:
        """The sound items of a list or mapping, each with its place; none where a name in it is malformed."""
        whole = f"{NAMESPACE}:{key}"
        unusable = {whole, key_of(whole)}.intersection(each.place for each in self._shapes.errors)
        found = {} if unusable else self._values.get(key, [])
        named = (
            ((f"{whole}.{name}", value) for name, value in found.items())
            if isinstance(found, dict)
            else ((f"{whole}[{index}]", value) for index, value in enumerate(found))
        )
        return [(place, value) for place, value in named if not self._shapes.wrong(place)]


def _with_command(error: Finding) -> Finding:
    """The error, with the command that sets a missing value."""
    if error.kind not in (MISSING_KEY, NEEDED_KEY) or "pulumi config set" in error.message:
        return error
    command = f"Set it with: pulumi config set --path '{error.place}' <value>"
    return replace(error, remedy=f"{error.remedy} {command}")


def _settings(
    stack: _Stack,
    deployment: str,
    ssh_private_key: pulumi.Output[str] | None,
    tunnel_secret: str | None,
    findings: Findings,
) -> Settings:
    """The settings, complete only if `findings` has no error afterwards."""
    zones = _zones(stack.items("zones"), findings)
    sound_zones = stack.whole("zones") and not findings.errors
    caddy = read_caddy(stack.table("caddy"), stack.table("routing"), findings)
    written = [
        site for place, value in stack.items("sites") for site in sites.at(place, value, findings)
    ]
    chosen, notices = sites.ordered(written, stack.table("siteOrder"))
    cloudflared: _Values = {"metrics": METRICS, **stack.table("cloudflared")}
    defaults = cloudflared.get("originRequest") or {}
    sites.check_last(chosen, findings)
    rules = [sites.rule(site, caddy, defaults, findings) for site in chosen]
    if not (rules and rules[-1].catches_all):
        rules.append(sites.rest(caddy, defaults) if caddy.routes else CATCH_ALL)
    of_sites = rules[: len(chosen)]
    sites.check_routing(chosen, caddy, findings)
    sites.check_defaults(chosen, defaults, findings)
    places = [site.place for site in chosen]
    for site, rule in zip(chosen, of_sites, strict=True):
        service = check_rule(rule, site.place, findings)
        if isinstance(site.backend, Service):
            check_origin(rule, service, site.place, findings, common=defaults)
    check_order(of_sites, places, findings)
    if sound_zones:
        records.check_zones(chosen, zones, findings)
    records.check_records(chosen, deployment, findings)
    check_settings(cloudflared, "argoweb:cloudflared.", findings)
    machines = [servers.server(place, value, findings) for place, value in stack.items("servers")]
    if stack.whole("servers"):
        servers.check_servers(machines, findings)

    package = _package(stack.table("package"))
    check_release(package, findings)
    account_id, given = stack.table("accountId"), stack.table("nixos")
    nixos = Nixos(
        allow_unfree=given["allowUnfree"],
        instances=given["instances"],
        config_dir=given["configDir"].rstrip("/"),
        data_dir=given["dataDir"].rstrip("/"),
    )
    check_folders(nixos, findings)
    check_roots(chosen, nixos, findings)
    check_instances(nixos.instances, cloudflared, findings)
    check_ports(nixos.instances, cloudflared, caddy, findings)
    check_seen(chosen, cloudflared, caddy, nixos, findings)
    router = Router(of_sites)
    check_loops(chosen, router, caddy, findings)
    check_given_away(chosen, cloudflared, nixos.instances, caddy, findings)
    check_services(chosen, defaults, caddy, findings)
    servers.check_addresses(machines, chosen, findings)
    return Settings(
        deployment=deployment,
        account_id=account_id,
        ssh_private_key=ssh_private_key,
        tunnel=tunnel.tunnel(
            stack.table("tunnel"),
            tunnel_secret,
            account_id,
            deployment,
            cloudflared.get("region"),
            findings,
        ),
        cloudflared=cloudflared,
        zones=zones,
        servers=machines,
        sites=chosen,
        rules=rules,
        caddy=caddy,
        package=package,
        nixos=nixos,
        health=health(stack.table("health"), chosen, router, caddy, findings),
        warnings=tuple(dict.fromkeys(findings.warnings)),
        notices=tuple(notices),
    )


def _package(given: _Values | None) -> Package | None:
    if given is None:
        return None
    return Package(
        url=given["url"],
        rev=given["rev"],
        hash=given["hash"],
        vendor_hash=given.get("vendorHash"),
        version=given["version"],
    )


def _zones(items: list[tuple[str, _Values]], findings: Findings) -> list[Zone]:
    zones: dict[str, Zone] = {}
    by_id: dict[str, str] = {}
    for place, value in items:
        where = f"{place}.name"
        name = names.checked(value["name"], where, findings, wildcard=False)
        if name in zones:
            findings.error(where, f"'{name}' is there twice. Remove one of them.")
        zone = Zone(place=place, name=name, id=value.get("id"))
        if zone.id and (same := by_id.setdefault(zone.id, place)) != place:
            findings.error(f"{place}.id", f"is that of {same} too. Correct one of them.")
        zones[name] = zone
    return list(zones.values())
