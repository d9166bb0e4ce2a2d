"""The rules and messages of the real cloudflared for its configuration file.

They are those of cloudflare/cloudflared (`ingress/ingress.go`, `ingress/rule.go`,
`cmd/cloudflared/tunnel/ingress_subcommands.go`).
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml


class Refused(Exception):
    """What the real one would refuse, in its words."""


def duration(value: object) -> float:
    """Seconds of a Go duration."""
    if not isinstance(value, str):
        raise Refused(f"time: invalid duration {value}")
    units = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
    parts = re.findall(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)", value)
    if value != "0" and "".join(number + unit for number, unit in parts) != value.lstrip("+-"):
        raise Refused(f'time: invalid duration "{value}"')
    return sum(float(number) * units[unit] for number, unit in parts)


@dataclass
class Rule:
    """An ingress rule that has passed validation."""

    hostname: str
    path: "re.Pattern[str] | None"
    service: str
    origin: dict[str, Any] = field(default_factory=dict)
    access: dict[str, Any] | None = None
    """What the rule itself says of Access, where it requires that; what is said for all rules does not count."""

    def matches(self, hostname: str, path: str) -> bool:
        if self.hostname in ("", "*"):
            good = True
        elif self.hostname.startswith("*."):
            good = hostname.endswith(self.hostname[1:])
        else:
            good = self.hostname == hostname
        return good and (self.path is None or self.path.search(path) is not None)

    def lines(self) -> str:
        text = f"\thostname: {self.hostname}\n" if self.hostname else ""
        text += f"\tpath: {self.path.pattern}\n" if self.path else ""
        return text + f"\tservice: {self.service}"


def check_service(service: str) -> None:
    if service.startswith(("unix:", "unix+tls:")) or service in (
        "hello_world",
        "hello-world",
        "socks-proxy",
        "bastion",
    ):
        return
    if service.startswith("http_status:"):
        code = service.partition(":")[2]
        if not re.fullmatch(r"[+-]?[0-9]+", code):
            raise Refused(
                f'invalid HTTP status code: strconv.Atoi: parsing "{code}": invalid syntax'
            )
        if not 100 <= int(code) <= 999:
            raise Refused(f"invalid HTTP status code: {code}")
        return
    try:
        url = urlsplit(service)
        port = url.port
    except ValueError as error:
        raise Refused(f"{service}: {error}") from error
    if not url.scheme or not url.netloc or "://" not in service:
        raise Refused(
            f"{service} is an invalid address, please make sure it has a scheme and a hostname"
        )
    if url.path:
        raise Refused(
            f"{service} is an invalid address, ingress rules don't support proxying to a different path "
            "on the origin service. The path will be the same as the eyeball request's path"
        )
    del port


def load_rules(config: dict[str, Any]) -> list[Rule]:
    given = config.get("ingress")
    if not given:
        raise Refused("The config file doesn't contain any ingress rules")
    defaults = config.get("originRequest") or {}
    rules = []
    for index, item in enumerate(given):
        hostname, path = item.get("hostname") or "", item.get("path") or ""
        check_service(str(item.get("service") or ""))
        access = (item.get("originRequest") or {}).get("access") or {}
        if access.get("required") and access.get("audTag") and not access.get("teamName"):
            raise Refused("access.TeamName cannot be blank when access.audTags are present")
        last = index == len(given) - 1
        catch_all = hostname in ("", "*") and not path
        if ":" in hostname:
            raise Refused("Hostname cannot contain a port")
        if hostname.rfind("*") > 0:
            raise Refused(
                'Hostname patterns can have at most one wildcard character ("*") and it can only be used '
                'for subdomains, e.g. "*.example.com"'
            )
        if last and not catch_all:
            raise Refused(
                "The last ingress rule must match all URLs (i.e. it should not have a hostname or path filter)"
            )
        if catch_all and not last:
            name = f"'{hostname}'" if hostname else ""
            raise Refused(
                f"Rule #{index + 1} is matching the hostname {name}, but this will match every hostname, meaning the "
                "rules which follow it will never be triggered."
            )
        try:
            pattern = re.compile(path.replace(r"\z", r"\Z")) if path else None
        except re.error as error:
            raise Refused(
                f"Rule #{index + 1} has an invalid regex: error parsing regexp: {error}"
            ) from error
        rules.append(
            Rule(
                hostname,
                pattern,
                item["service"],
                {**defaults, **(item.get("originRequest") or {})},
                access if access.get("required") else None,
            )
        )
    return rules


def load_config(path: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(Path(path).read_text())
    except OSError as error:
        raise Refused(f"Cannot open configuration file {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise Refused(f"error parsing YAML in config file at {path}: {error}") from error
    return document if isinstance(document, dict) else {}
