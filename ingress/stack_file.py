"""The stack file for a configuration file of cloudflared that exists already, with what it cannot say."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from textwrap import indent
from typing import Any

from ingress import hostnames
from ingress.file import File
from ingress.flags import FILE, SETTINGS
from ingress.keys import ORIGIN_REQUEST
from ingress.rules import Rule
from ingress.shape import Findings, Table, Text, nearest, shown
from ingress.traps import check_rule, check_settings
from ingress.yaml_text import dump

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOSTNAME = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})+")
_LONGEST_HOSTNAME = 253
_SECOND_LEVEL = ("ac", "co", "com", "edu", "gov", "net", "org")
"""Labels below a country's that are hardly a zone of somebody's own."""
_ELSEWHERE = ("tunnel", "credentials-file", "ingress")
_CATCH_ALL = "http_status:404"


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """What a stack declares to do the same."""

    config: dict[str, Any]
    """Keys under `argoweb:`."""
    left: list[str] = field(default_factory=list)
    """What it does not say of the file, each with its place."""
    credentials: str | None
    """The path of the tunnel's credentials, as the file names it."""

    def text(self) -> str:
        """The file, with what is left to be done as comments."""
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
            "# The zones are a guess from the hostnames.",
        ]
        keys = [f"argoweb:{dump({key: value})}" for key, value in self.config.items()]
        heading = "config:" if keys else "config: {}"
        return "\n".join([*lines, heading]) + "\n" + indent("".join(keys), "  ")


def stack_file(file: File) -> StackFile:
    """The stack file for a file that cloudflared takes."""
    left: list[str] = []
    sites = _sites(file.rules, left)
    config = {
        "tunnel": _tunnel(file.values, left),
        "cloudflared": _settings(file.values, left),
        "zones": [{"name": zone} for zone in dict.fromkeys(_zone(s["hostname"]) for s in sites)],
        "sites": sites,
    }
    credentials = file.values.get("credentials-file")
    return StackFile(
        config={key: value for key, value in config.items() if value},
        left=left,
        credentials=credentials if isinstance(credentials, str) else None,
    )


def _tunnel(values: Mapping[str, Any], left: list[str]) -> dict[str, str]:
    # cloudflared names the credentials by the tunnel's UUID, whatever the file calls the tunnel.
    credentials = PurePosixPath(str(values.get("credentials-file", "")))
    for given in (str(values.get("tunnel", "")).lower(), credentials.stem.lower()):
        if _UUID.fullmatch(given):
            return {"importId": given}
    found = f"found {shown(values['tunnel'])}, " if "tunnel" in values else ""
    left.append(
        f"tunnel: {found}expected its UUID, which `cloudflared tunnel list` prints. Without it a new tunnel is made."
    )
    return {}


def _settings(values: Mapping[str, Any], left: list[str]) -> dict[str, Any]:
    settings = {name: value for name, value in values.items() if name not in _ELSEWHERE}
    kept = _kept(settings, SETTINGS, "", left)
    for name in list(kept):
        findings = Findings()
        check_settings({name: kept[name]}, "", findings)
        if findings.errors:
            left += findings.errors
            if name == "originRequest":
                kept[name] = {k: v for k, v in kept[name].items() if k != "access"}
            else:
                del kept[name]
    return kept


def _kept(values: Mapping[str, Any], table: Table, where: str, left: list[str]) -> dict[str, Any]:
    """The values that a stack takes too."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        key = table.keys.get(name)
        if key is None:
            unknown = (
                "is not for a stack."
                if name in FILE.keys
                else f"unknown key. {nearest(name, table.keys)}"
            )
            left.append(f"{where}{name}: {table.misused.get(name, unknown)}")
        elif isinstance(key.shape, Table) and isinstance(value, Mapping):
            kept[name] = _kept(value, key.shape, f"{where}{name}.", left)
        else:
            findings = Findings()
            key.shape.read(value, where + name, findings)
            if value is not None and not findings.errors:
                kept[name] = value
            left += findings.errors
    return kept


def _sites(rules: list[Rule], left: list[str]) -> list[dict[str, Any]]:
    sites: list[dict[str, Any]] = []
    taken: set[tuple[str, str]] = set()
    for index, rule in enumerate(rules):
        where = f"ingress[{index}]"
        if rule.catches_all:
            if index == len(rules) - 1 and rule.service != _CATCH_ALL:
                left.append(
                    f"{where}: the last rule leads to {shown(rule.service)}; a stack's is always {_CATCH_ALL}."
                )
            continue
        if (site := _site(rule, where, left)) is None:
            continue
        if (site["hostname"], rule.path) in taken:
            left.append(
                f"{where}: is never reached, since an earlier rule takes the same requests."
            )
            continue
        # The hand-made set-up has made the records.
        new = site["hostname"] not in {each["hostname"] for each in sites}
        taken.add((site["hostname"], rule.path))
        sites.append(site | ({"dns": {"adopt": True}} if new else {}))
    return sites


def _site(rule: Rule, where: str, left: list[str]) -> dict[str, Any] | None:
    name = rule.hostname
    prefix, rest = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    hostname = prefix + (hostnames.lookup_name(rest) or rest.lower())
    if not _HOSTNAME.fullmatch(hostname) or len(hostname) > _LONGEST_HOSTNAME:
        left.append(
            f"{where}: the hostname {shown(name)} has no DNS record to be made. Write one site a hostname."
        )
        return None
    if not hostnames.matches(name, hostname.replace("*", "any")):
        left.append(
            f"{where}: the hostname {shown(name)} is written '{hostname}', which takes requests that it never took."
        )
    findings = Findings()
    Text().read(rule.path or "/", f"{where}.path", findings)
    Text().read(rule.service, f"{where}.service", findings)
    origin_request = _kept(rule.origin_request, ORIGIN_REQUEST, f"{where}.originRequest.", left)
    carried = Rule(
        hostname=hostname, path=rule.path, service=rule.service, origin_request=origin_request
    )
    check_rule(carried, where, findings)
    if findings.errors:
        left += findings.errors
        return None
    return carried.as_yaml()


def _zone(hostname: str) -> str:
    labels = hostname.removeprefix("*.").split(".")
    country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if country else labels[-2:])
