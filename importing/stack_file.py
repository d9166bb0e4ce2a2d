"""Writes the stack file for a configuration file of cloudflared, with what a stack file cannot say."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import PurePosixPath
from textwrap import indent
from typing import Any

from cloudflared import hostnames
from cloudflared.beside import check_settings
from cloudflared.flags import FILE, OF_ONE_SERVICE, ONE_SERVICE, OWN_FILES, SETTINGS
from cloudflared.go import idna
from cloudflared.keys import ORIGIN_REQUEST, RULE
from cloudflared.near import find_likely_service
from cloudflared.rules import NOT_FOUND, Rule
from cloudflared.unclean import refuses_unclean
from cloudflared.warnings import check_origin_values, check_rule
from importing.file import SECOND_DOCUMENT, File
from values.findings import Finding, Findings, make_printable, show
from values.kinds import UUID, Text
from values.tables import Table
from values.yaml_text import dump

_HOSTNAME = re.compile(rf"(?:\*\.)?{hostnames.LABEL}(?:\.{hostnames.LABEL})+")
_SECOND_LEVEL = ("ac", "co", "com", "edu", "gov", "net", "org")
"""Labels below a country's that are hardly a zone of somebody's own."""
_ELSEWHERE = ("tunnel", "credentials-file", "ingress")
_OF_THE_OLD = "was for the old set-up; here systemd has the process and its journal."
_EVERY = "*"
_NO_RECORD = (
    "The site '*' takes every hostname whose record leads to the tunnel, and makes none. "
    "Write a site for each hostname that is to have one."
)


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """A stack file that does what a file of cloudflared's does, and what it cannot say."""

    config: dict[str, Any]
    """Keys under `argoweb:`."""
    left: list[str]
    """What it does not say of the file, each with its place."""
    notes: list[str]
    """What to know of what it says."""
    credentials: str | None
    """The path of the tunnel's credentials, as the file names it."""

    def write(self) -> str:
        """Writes the file, with what is left to be done as comments."""
        tunnel_id = self.config.get("tunnel", {}).get("importId")
        path = self.credentials or f"~/.cloudflared/{tunnel_id or 'UUID'}.json"
        home = "~/" if path.startswith("~/") else ""  # which the shell knows without quotes only
        shown_there = shlex.quote(f"cat {home}{shlex.quote(path.removeprefix(home))}")
        lines = [
            "# Set what is not here, servers by the example of Pulumi.prod.yaml:",
            "#   pulumi config set --secret cloudflare:apiToken",
            "#   pulumi config set --secret argoweb:sshPrivateKey < ~/.ssh/id_ed25519   # or use your SSH agent",
            "#   pulumi config set argoweb:accountId <AccountTag of the credentials file>",
            f"#   ssh root@192.0.2.10 {shown_there} | pulumi config set --secret argoweb:tunnelSecret",
            "#   pulumi config set --path argoweb:servers.web1.address 192.0.2.10",
            "#   pulumi config set --path argoweb:servers.web1.hostKey '<its SSH host key>'",
            *(f"# Not carried over: {text}" for text in self.left),
            *(f"# {text}" for text in self.notes),
            "# The zones are a guess from the hostnames.",
        ]
        keys = [f"argoweb:{dump({key: value})}" for key, value in self.config.items()]
        heading = "config:" if keys else "config: {}"
        return "\n".join([*lines, heading]) + "\n" + indent("".join(keys), "  ")


def write_stack_file(file: File) -> StackFile:
    """Writes the stack file for a file that cloudflared takes, or that has the old form for one service."""
    left: list[str] = []
    left += [f"a part: {it.message}" for it in file.problems if it.kind is SECOND_DOCUMENT]
    values, rules = file.values, [*_place_rules(file)]
    if not rules:
        values, rules = _read_one_service(values)
    sites = _make_sites(rules, left)
    named = [site["hostname"] for site in sites if site["hostname"] != _EVERY]
    credentials = _find_credentials(values, left)
    config = {
        "tunnel": _find_tunnel(values, left),
        "cloudflared": _keep_settings(values, left),
        "zones": [{"name": zone} for zone in dict.fromkeys(map(_guess_zone, named))],
        "sites": sites,
    }
    return StackFile(
        config={key: value for key, value in config.items() if value},
        left=[make_printable(text) for text in left],
        notes=[_NO_RECORD] if len(named) < len(sites) else [],
        credentials=credentials,
    )


def _place_rules(file: File) -> Iterator[tuple[str, Rule, list[str]]]:
    """Gives each rule with its place, and what is wrong with keys that cloudflared does not read there."""
    for index, rule in enumerate(file.rules):
        where = f"ingress[{index}]"
        given = file.values["ingress"][index]
        unread = [
            f"{where}.{name}: {RULE.say_wrong(name)}" for name in given if name not in RULE.keys
        ]
        yield where, rule, unread


def _read_one_service(
    values: Mapping[str, Any],
) -> tuple[dict[str, Any], list[tuple[str, Rule, list[str]]]]:
    """Gives what is left of the values, and the one rule that the flags of the old form stand for."""
    name = next((name for name in ONE_SERVICE if name != "socks5" and values.get(name)), None)
    if name is None:
        return dict(values), []
    text = str(values[name])
    url = find_likely_service(text) or text
    service = {"url": url, "unix-socket": f"unix:{text}"}.get(name, name.replace("-", "_"))
    origin_request = {
        key: values[flag] for flag, (_, key) in OF_ONE_SERVICE.items() if values.get(flag)
    }
    if values.get("socks5"):
        origin_request["proxyType"] = "socks"
    rule = Rule(
        hostname=str(values.get("hostname") or ""),
        service=service,
        origin_request=origin_request,
    )
    read = {*ONE_SERVICE, *OF_ONE_SERVICE, "hostname"}
    rest = {key: value for key, value in values.items() if key not in read}
    return rest, [(name, rule, [])]


def _find_credentials(values: Mapping[str, Any], left: list[str]) -> str | None:
    path = values.get("credentials-file")
    if not isinstance(path, str) or path == make_printable(path):
        return path if isinstance(path, str) else None
    left.append(
        f"credentials-file: found {show(path)}, which no command can name in a line. Read the file yourself."
    )
    return None


def _find_tunnel(values: Mapping[str, Any], left: list[str]) -> dict[str, str]:
    # cloudflared names the credentials by the tunnel's UUID, whatever the file calls the tunnel.
    credentials = PurePosixPath(str(values.get("credentials-file", "")))
    for given in (str(values.get("tunnel", "")).lower(), credentials.stem.lower()):
        if re.fullmatch(UUID.pattern or "", given):
            return {"importId": given}
    found = f"found {show(values['tunnel'])}, " if "tunnel" in values else ""
    left.append(
        f"tunnel: {found}expected its UUID, which `cloudflared tunnel list` prints. Without it a new tunnel is made."
    )
    return {}


def _keep_settings(values: Mapping[str, Any], left: list[str]) -> dict[str, Any]:
    settings = {name: value for name, value in values.items() if name not in _ELSEWHERE}
    left += [f"{name}: {_OF_THE_OLD}" for name in OWN_FILES if settings.pop(name, None)]
    kept = _keep(settings, SETTINGS, "", left)
    for name in list(kept):
        findings = Findings()
        check_settings({name: kept[name]}, "", findings)
        left += map(str, findings.errors)
        for error in findings.errors:
            key = error.place.removeprefix(f"{name}.").partition("[")[0]
            if name == "originRequest" and key in kept.get(name, {}):
                kept[name] = {k: v for k, v in kept[name].items() if k != key}
                if not kept[name]:
                    del kept[name]
            else:
                kept.pop(name, None)
    return kept


def _keep(values: Mapping[str, Any], table: Table, where: str, left: list[str]) -> dict[str, Any]:
    """Gives the values that a stack takes too."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        place = f"{where}{name}"
        key = table.keys.get(name)
        unknown = table.passes_on(name) and (where or FILE.passes_on(name))
        if key is None and unknown and _is_data(value):
            kept[name] = value
        elif key is None:
            read_as = table if where or name in table.misused else FILE
            idle = not where and name in FILE.keys and name not in read_as.misused
            left.append(f"{place}: {'is not for a stack.' if idle else read_as.say_wrong(name)}")
        elif isinstance(key.shape, Table) and isinstance(value, Mapping):
            if inner := _keep(value, key.shape, f"{place}.", left):
                kept[name] = inner
        elif value not in (None, [], {}):
            findings = Findings()
            key.shape.read(value, place, findings)
            if not findings.errors:
                kept[name] = value
            left += [_explain_loss(place, "", error) for error in findings.errors]
    return kept


def _explain_loss(place: str, named: str, error: Finding) -> str:
    """Says what is not carried over because of an error in a part of it."""
    if error.place == place and not named:
        return str(error)
    part = error.place.removeprefix(place).removeprefix(".")
    return f"{named or place}, for {f'its {part}' if part else 'this'}: {error.message}"


def _is_data(value: object) -> bool:
    """Whether a stack file can hold a value of a key that nobody knows here."""
    match value:
        case str():
            findings = Findings()
            Text(lines=True, empty=True).read(value, "", findings)
            return not findings.errors
        case list():
            return all(map(_is_data, value))
        case dict():
            return all(isinstance(key, str) and _is_data(item) for key, item in value.items())
        case float():
            return isfinite(value)
        case _:
            return value is None or isinstance(value, (bool, int))


def _make_sites(
    rules: Sequence[tuple[str, Rule, list[str]]], left: list[str]
) -> list[dict[str, Any]]:
    sites: list[dict[str, Any]] = []
    taken: set[tuple[str, str]] = set()
    for where, rule, unread in rules:
        if refuses_unclean(rule):
            continue  # it comes by itself
        left += unread
        if rule.catches_all and rule.service == NOT_FOUND:
            if rule.origin_request:
                left.append(f"{where}.originRequest: has no effect at {NOT_FOUND}.")
            continue
        if (site := _make_site(rule, where, left)) is None:
            continue
        if (site["hostname"], rule.path) in taken:
            left.append(
                f"{where}: is never reached, since an earlier rule takes the same requests."
            )
            continue
        # The hand-made set-up has made the records.
        named = {each["hostname"] for each in sites} | {_EVERY}
        new = site["hostname"] not in named
        taken.add((site["hostname"], rule.path))
        sites.append(site | ({"dns": {"adopt": True}} if new else {}))
    return sites


def _make_site(rule: Rule, where: str, left: list[str]) -> dict[str, Any] | None:
    named = f"the rule {where} ({rule.hostname or 'every hostname'})"
    hostname = _read_hostname(rule.hostname, named, left)
    if hostname is None:
        return None
    findings = Findings()
    Text().read(rule.path or "/", f"{where}.path", findings)
    Text().read(rule.service, f"{where}.service", findings)
    origin_request = _keep(rule.origin_request, ORIGIN_REQUEST, f"{where}.originRequest.", left)
    for key in _find_unusable(origin_request, where, left):
        del origin_request[key]
    carried = Rule(
        hostname=hostname, path=rule.path, service=rule.service, origin_request=origin_request
    )
    check_rule(carried, where, findings)
    if findings.errors:
        left += [_explain_loss(where, named, error) for error in findings.errors]
        return None
    return carried.as_yaml()


def _find_unusable(origin_request: Mapping[str, Any], where: str, left: list[str]) -> list[str]:
    """Finds the keys of an `originRequest` that no request could use: they are lost alone, without the rule."""
    findings = Findings()
    check_origin_values(origin_request, f"{where}.originRequest", findings)
    left += map(str, findings.errors)
    return [error.place.rpartition(".")[2] for error in findings.errors]


def _read_hostname(name: str, named: str, left: list[str]) -> str | None:
    """Gives the hostname as a stack has it, or `None` for one that can have no record."""
    if name in ("", _EVERY):
        return _EVERY
    prefix, rest = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    hostname = prefix + (idna.look_up_name(rest) or rest.lower())
    if not _HOSTNAME.fullmatch(hostname) or len(hostname) > hostnames.LONGEST:
        left.append(
            f"{named}: a hostname such as {show(name)} has no DNS record to be made. Write one site a hostname."
        )
        return None
    if not hostnames.matches(name, hostname.replace("*", "any")):
        left.append(
            f"{named}: the hostname {show(name)} is written '{hostname}', which takes requests that it never took."
        )
    return hostname


def _guess_zone(hostname: str) -> str:
    labels = hostname.removeprefix("*.").split(".")
    country = len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if country else labels[-2:])
