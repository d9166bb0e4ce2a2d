"""Ingress rules: what cloudflared demands of them, and which one takes a request (its `ingress/ingress.go`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloudflared import hostnames, near, services
from cloudflared.go import urls
from cloudflared.go.regexp import Pattern, PatternError
from cloudflared.keys import IP_RULE, PORTS, check_network
from cloudflared.services import Service, ServiceError
from values.findings import Findings, Kind
from values.tables import MISSING_KEY

NOT_FOUND = "http_status:404"
"""The service that answers 404 to whatever comes."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """An ingress rule of cloudflared."""

    hostname: str = ""
    """Exact, `*.` and a suffix, or empty for every hostname."""
    path: str = ""
    """Go regular expression, searched in the URL's path; empty for every path."""
    service: str
    origin_request: dict[str, object] = field(default_factory=dict)

    @property
    def catches_all(self) -> bool:
        """Whether no request passes it by (`ingress.go`, `isCatchAll`)."""
        return self.hostname in ("", "*") and not self.path

    def takes(self, hostname: str, path: str) -> bool:
        """Whether the rule takes a request.

        Raises:
            PatternError: Go refuses the rule's path.
        """
        return hostnames.matches(self.hostname, hostname) and (
            not self.path or Pattern(self.path).is_found_in(path)
        )

    def as_yaml(self) -> dict[str, object]:
        """Gives the rule in the words of cloudflared's file."""
        keys = {
            "hostname": self.hostname,
            "path": self.path,
            "service": self.service,
            "originRequest": self.origin_request,
        }
        return {key: value for key, value in keys.items() if value}


def check_demands(
    rule: Rule, where: str, findings: Findings, *, bastion_mode: bool = False
) -> Service | None:
    """Checks what cloudflared demands of one rule; gives its service, or `None` where cloudflared refuses that.

    `bastion_mode` is the `originRequest` of all rules'.
    """
    service = _check_service(rule, where, findings, bastion_mode)
    if lacks_team_name(rule):
        place = f"{where}.originRequest.access.teamName"
        findings.add(MISSING_KEY, place, "missing.", NO_TOKEN_PASSES)
    if urls.split_host_port(rule.hostname) is not None:
        expected = "a hostname, not a URL" if "/" in rule.hostname else "a hostname without a port"
        expected += near.suggest_hostname(rule.hostname)
        findings.add_mismatch(f"{where}.hostname", rule.hostname, expected)
    elif "*" in rule.hostname[1:]:
        findings.add_mismatch(
            f"{where}.hostname",
            rule.hostname,
            "'*' as the first character only, as in '*.example.com'"
            + near.suggest_hostname(rule.hostname),
        )
    try:
        Pattern(rule.path)
    except PatternError as error:
        expected = f"a regular expression of Go's RE2 ({error}){near.suggest_path(rule.path)}"
        findings.add_mismatch(f"{where}.path", rule.path, expected)
    return service


NO_TOKEN_PASSES = "With `required: true` cloudflared refuses every request without it."


def lacks_team_name(rule: Rule) -> bool:
    """Whether Access tokens of given audiences, but of no team, are required; cloudflared refuses that."""
    access = rule.origin_request.get("access")
    return bool(
        isinstance(access, Mapping)
        and access.get("required")
        and access.get("audTag")
        and not access.get("teamName")
    )


def _check_service(
    rule: Rule, where: str, findings: Findings, bastion_mode: bool
) -> Service | None:
    chosen = rule.origin_request.get("bastionMode", bastion_mode)
    try:
        service = services.parse(rule.service, bastion_mode=chosen is True)
    except ServiceError as error:
        expected = f"{error}{near.suggest_service(rule.service)}"
        findings.add_mismatch(f"{where}.service", rule.service, expected)
        return None
    if rule.service == "socks-proxy":
        _check_ip_rules(rule, f"{where}.originRequest.ipRules", findings)
    return service


def _check_ip_rules(rule: Rule, where: str, findings: Findings) -> None:
    given = rule.origin_request.get("ipRules")
    for index, ip_rule in enumerate(given if isinstance(given, list) else []):
        place = f"{where}[{index}]"
        if not (prefix := ip_rule.get("prefix")):
            findings.add(MISSING_KEY, f"{place}.prefix", "missing.", IP_RULE.keys["prefix"].doc)
        elif (problem := check_network(prefix)) is not None:
            findings.add_mismatch(f"{place}.prefix", prefix, problem)
        PORTS.read(ip_rule.get("ports", []), f"{place}.ports", findings)


HALF_RULE = Kind("half-rule", "A rule's keys are two rules, since a '- ' stands between them.")
NOT_LAST = Kind("catch-all-not-last", "What takes every request stands before others.")
NO_CATCH_ALL = Kind("no-catch-all", "The last rule does not take every request.")


def check_ends(rules: Sequence[Rule], places: Sequence[str], findings: Findings) -> None:
    """Checks what cloudflared demands: that the last rule, and no other one, takes every request."""
    for index, (rule, place) in enumerate(zip(rules, places, strict=True), start=1):
        if rule.catches_all and index < len(rules):
            halves = not rule.service or (index > 1 and not rules[index - 2].service)
            if halves:
                findings.add(
                    HALF_RULE,
                    place,
                    "is a rule of its own, since it begins with '- '.",
                    "Write it without that, in line with the keys of the rule before it.",
                )
            else:
                findings.add(NOT_LAST, place, "takes every request.", "Move it to the end.")
        elif index == len(rules) and not rule.catches_all:
            findings.add(
                NO_CATCH_ALL,
                place,
                "is the last rule, which has to take every request.",
                "Add one without hostname and path.",
            )
