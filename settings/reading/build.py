"""Builds checked settings from the raw stack file: first each value, then what spans several keys."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pulumi

from cloudflared import Router, Rule
from cloudflared.rules import NOT_FOUND
from settings.checks import check_all
from settings.contract import METRICS
from settings.errors import make_configuration_error
from settings.keys.stack import SITES_FILE, STACK
from settings.model import names
from settings.model.stack import Caddy, Metrics, Nixos, Package, Settings, Site, Zone
from settings.reading import protection, servers, sites
from settings.reading.access_applications import settle_access
from settings.reading.alerts import read_alerts
from settings.reading.caddy import read_caddy
from settings.reading.health import read_health
from settings.reading.metrics import read_metrics
from settings.reading.rollout import read_rollout
from settings.reading.sites_file import read_sites_file
from settings.reading.tunnel import read_tunnel
from settings.telling import silence
from values.findings import TWICE, Finding, Findings
from values.kinds import name_key
from values.remedies import SetKey
from values.tables import MISSING_KEY, NEEDED_KEY, UNKNOWN_KEY, fill

NAMESPACE = "argoweb"
CATCH_ALL = Rule(service=NOT_FOUND)

_Values = dict[str, Any]


def build(
    raw: Mapping[str, object],
    *,
    deployment: str,
    ssh_private_key: pulumi.Output[str] | None = None,
    tunnel_secret: str | None = None,
    before: Findings | None = None,
    folder: Path | None = None,
) -> Settings:
    """Builds the settings of the stack `deployment` (`project/stack`); from `folder` it reads the file of more sites.

    Raises:
        FindingsError: something is wrong; what was found `before` goes with it.
    """
    findings = before or Findings()
    given, more = dict(raw), list[tuple[str, _Values]]()
    if folder is None and SITES_FILE in given:
        why = "a program gives all of its sites in `sites`."
        findings.add(UNKNOWN_KEY, f"{NAMESPACE}:{SITES_FILE}", why)
    elif folder is not None and isinstance(name := given.get(SITES_FILE), str):
        given.setdefault("sites", [])
        more = read_sites_file(folder, name, findings)
    stack = _Stack(STACK.read(given, NAMESPACE, findings), more, findings)
    settings = _read(stack, deployment, ssh_private_key, tunnel_secret, findings)
    check_all(settings, findings)
    settings = settle_access(settings, stack.get_table("access"), findings)
    if findings.errors:
        raise make_configuration_error([_add_command(error) for error in findings.errors])
    warnings, silenced = silence(findings.warnings, settings.accept)
    return replace(settings, warnings=tuple(warnings), notices=(*settings.notices, *silenced))


class _Stack:
    """The values of the stack file without malformed sites, zones, servers and tables.

    So what is wrong between the sound ones is reported at the same time.
    """

    def __init__(
        self, values: _Values, more_sites: Sequence[tuple[str, _Values]], findings: Findings
    ) -> None:
        """`findings` has what is wrong with the values by themselves, and may have more than that later."""
        self._values = values
        self._more = {"sites": more_sites}
        self._malformed = Findings(errors=[*findings.errors])

    def is_whole(self, key: str) -> bool:
        """Whether nothing in a table, list or mapping is malformed."""
        return not self._malformed.is_wrong(f"{NAMESPACE}:{key}")

    def get_table(self, key: str) -> Any:
        """Gives the value of a key that has a table, or its default if it is absent or malformed."""
        spec = STACK.keys[key]
        if self.is_whole(key):
            return self._values.get(key)
        return None if spec.default is None else spec.shape.read(spec.default, key, Findings())

    def list_items(self, key: str) -> list[tuple[str, _Values]]:
        """Gives the sound items of a list or mapping, each with its place; none if a name in it is malformed."""
        whole = f"{NAMESPACE}:{key}"
        unusable = {whole, name_key(whole)}.intersection(
            each.place for each in self._malformed.errors
        )
        found = {} if unusable else self._values.get(key, [])
        named = (
            ((f"{whole}.{name}", value) for name, value in found.items())
            if isinstance(found, dict)
            else ((f"{whole}[{index}]", value) for index, value in enumerate(found))
        )
        together = chain(named, self._more.get(key, ()))
        return [(place, value) for place, value in together if not self._malformed.is_wrong(place)]


def _add_command(error: Finding) -> Finding:
    """Adds the command that sets a missing value to the remedy of an error."""
    if error.kind not in (MISSING_KEY, NEEDED_KEY) or not isinstance(error.remedy, str):
        return error
    step = SetKey(error.place, "<value>")
    return replace(error, remedy=(f"{error.remedy} Set it with: ", step))


def _read(
    stack: _Stack,
    deployment: str,
    ssh_private_key: pulumi.Output[str] | None,
    tunnel_secret: str | None,
    findings: Findings,
) -> Settings:
    """Puts the settings together, which are complete only if `findings` has no error afterwards."""
    zones = _read_zones(stack.list_items("zones"), findings)
    machines = [
        servers.read_server(place.rpartition(".")[2], f"{place}.", value, findings)
        for place, value in stack.list_items("servers")
    ]
    counted = Metrics() if any(server.metrics for server in machines) else None
    caddy = replace(
        read_caddy(stack.get_table("caddy"), stack.get_table("routing"), findings),
        metrics=read_metrics(stack.get_table("metrics")) or counted,
    )
    chosen, notices = sites.put_in_order(_read_sites(stack, findings), stack.get_table("siteOrder"))
    cloudflared: _Values = {"metrics": METRICS, **stack.get_table("cloudflared")}
    rules = _make_rules(chosen, caddy, cloudflared.get("originRequest") or {}, findings)
    account_id, package, nixos = map(stack.get_table, ("accountId", "package", "nixos"))
    folders = {
        "config_dir": nixos["configDir"].rstrip("/"),
        "data_dir": nixos["dataDir"].rstrip("/"),
    }
    return Settings(
        deployment=deployment,
        account_id=account_id,
        ssh_private_key=ssh_private_key,
        tunnel=read_tunnel(
            stack.get_table("tunnel"),
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
        package=package and fill(Package, package),
        nixos=fill(Nixos, nixos, **folders),
        health=read_health(
            stack.get_table("health"), chosen, Router(rules[: len(chosen)]), caddy, findings
        ),
        alerts=read_alerts(stack.get_table("alerts"), findings),
        rollout=read_rollout(stack.get_table("rollout"), findings),
        notices=tuple(notices),
        accept=stack.get_table("accept"),
    )


def _read_sites(stack: _Stack, findings: Findings) -> list[Site]:
    """Reads the sites as they are written, with who may come in at each."""
    items = stack.list_items("sites")
    written = [site for place, value in items for site in sites.read_sites(place, value, findings)]
    if not stack.is_whole("access"):
        return written
    given = {place: value.get("access") for place, value in items}
    return protection.protect_sites(written, given, stack.get_table("access"), findings)


def _make_rules(
    chosen: Sequence[Site], caddy: Caddy, defaults: _Values, findings: Findings
) -> list[Rule]:
    """Makes the rules of the sites, and the last one, which takes the rest."""
    rules = [sites.make_rule(site, caddy, defaults, findings) for site in chosen]
    if not (rules and rules[-1].catches_all):
        rules.append(sites.make_last_rule(caddy, defaults) if caddy.routes else CATCH_ALL)
    return rules


def _read_zones(items: list[tuple[str, _Values]], findings: Findings) -> list[Zone]:
    zones: dict[str, Zone] = {}
    by_id: dict[str, str] = {}
    for place, value in items:
        where = f"{place}.name"
        name = names.read_hostname(value["name"], where, findings, wildcard=False)
        if name in zones:
            findings.add(TWICE, where, f"'{name}' is there twice.", "Remove one of them.")
        zone = Zone(place=place, name=name, id=value.get("id"))
        if zone.id and (same := by_id.setdefault(zone.id, place)) != place:
            text = f"is that of {same} too."
            findings.add(TWICE, f"{place}.id", text, "Correct one of them.")
        zones[name] = zone
    return list(zones.values())
