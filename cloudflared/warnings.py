"""Warns of rules that cloudflared takes in silence, though they hardly work as meant."""

import re
from collections.abc import Mapping
from typing import Any

from cloudflared import hostnames, near, services
from cloudflared.go import idna
from cloudflared.paths import check_path
from cloudflared.rules import NO_TOKEN_PASSES, Rule, check_demands, lacks_team_name
from cloudflared.services import Service
from cloudflared.unclean import refuses_unclean
from values.findings import DOUBTFUL_VALUE, NO_EFFECT, Findings, make_warning, show
from values.tables import NEEDED_KEY

HOSTNAME_UNMATCHED = make_warning(
    "hostname-unmatched", "No request has a hostname that the rule's one matches."
)
ACCESS_UNUSED = make_warning(
    "access-unused", "Access is set, but `required` is not, so nothing is checked."
)
ACCESS_UNMATCHED = make_warning(
    "access-unmatched", "No token of Access can have this team or audience."
)
BASTION = make_warning("bastion", "A switch turns a service into a bastion.")
UNCHUNKED = make_warning(
    "unchunked-upload", "An upload of unknown length is read as further requests."
)
NO_IP_RULES = make_warning("no-ip-rules", "A socks-proxy has no `ipRules`, so it reaches nothing.")
_URL_CHARACTERS = " \t/?#@"
_OF_NO_HOSTNAME = re.compile(r"[<>{}()\[\]$^\\|;!~`\"'“”„‘’‚«»]")
"""What templates, patterns and texts have beside letters."""
_OF_TLS = ("caPool", "originServerName", "matchSNItoHost", "noTLSVerify", "tlsTimeout")
_NOT_HTTPS = "has no effect: the service is not https."
ABSOLUTE = "an absolute path on the server"
_URL_OR_PORT = re.compile(r"/|^[^:]*:[0-9]*$")
_TEAM = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_TEAM_URL = re.compile(r"^(?:https?://)?")
_AUDIENCE = re.compile("[0-9a-f]{64}")


def check_rule(
    rule: Rule, where: str, findings: Findings, *, bastion_mode: bool = False
) -> Service | None:
    """Checks one rule by itself, and gives its service where cloudflared takes that.

    `bastion_mode` is the `originRequest` of all rules'.
    """
    service = check_demands(rule, where, findings, bastion_mode=bastion_mode)
    _check_hostname(rule.hostname, f"{where}.hostname", findings)
    if not refuses_unclean(rule):
        check_path(rule.path, f"{where}.path", findings)
    _check_access(rule, f"{where}.originRequest.access", findings)
    if service is not None:
        if (problem := services.find_doubt(rule.service, service)) is not None:
            expected = f"{problem}{near.suggest_service(rule.service)}"
            findings.add_mismatch(f"{where}.service", rule.service, expected, DOUBTFUL_VALUE)
        _check_service(rule, service, f"{where}.originRequest", findings)
    return service


def _check_hostname(hostname: str, where: str, findings: Findings) -> None:
    name = hostname.removeprefix("*.")
    if hostname == "*":
        return  # every one
    if hostname == "@":
        expected = "a hostname: that of the zone is written out"
        findings.add_mismatch(where, hostname, expected, DOUBTFUL_VALUE)
    elif re.search(r"[^\s,][\s,]+[^\s,]", hostname):
        text = f"found '{hostname}', expected one hostname."
        findings.add(DOUBTFUL_VALUE, where, text, "Write a rule for each.")
    elif any(character in _URL_CHARACTERS for character in hostname):
        expected = f"a hostname, not a URL{near.suggest_hostname(hostname)}"
        findings.add_mismatch(where, hostname, expected, DOUBTFUL_VALUE)
    elif (why := _explain_unmatched(hostname, name)) is not None:
        findings.add(HOSTNAME_UNMATCHED, where, f"'{hostname}' matches nothing; {why}.")


def _explain_unmatched(hostname: str, name: str) -> str | None:
    """Says why no request has the hostname, whose part behind a wildcard is `name`; `None` where one has."""
    if (odd := _OF_NO_HOSTNAME.search(hostname)) is not None:
        return f"no hostname has '{odd[0]}'"
    if len(name) > 1 and name.startswith("*"):
        return "a wildcard is '*.' and a suffix"
    if hostname.startswith("."):
        return f"write '*{hostname}' for all below it"
    if hostname.endswith("."):
        return "leave the final dot out"
    if name and not _is_of_dns(name):
        return "DNS has no such name"
    sent = hostname.replace(name, idna.look_up_name(name) or name.lower())
    as_sent = hostname == hostname.lower() and hostname.isascii()
    if as_sent or hostnames.matches(hostname, sent.replace("*", "x")):
        return None
    return f"requests have '{sent}'"


def _is_of_dns(name: str) -> bool:
    """Whether a name is one of several labels that DNS can have."""
    sent = idna.look_up_name(name) or name.lower()
    labels = [label for label in sent.split(".") if label != "*"]
    return (
        len(sent) <= hostnames.LONGEST
        and len(labels) > 1
        and all(re.fullmatch(hostnames.LABEL, label) for label in labels)
    )


def _check_access(rule: Rule, where: str, findings: Findings) -> None:
    access = rule.origin_request.get("access")
    if not isinstance(access, Mapping):
        return
    if not access.get("required"):
        findings.add(ACCESS_UNUSED, where, "has no effect without `required: true`.")
        return
    for key in ("teamName", "audTag"):
        if not access.get(key) and not (key == "teamName" and lacks_team_name(rule)):
            findings.add(NEEDED_KEY, f"{where}.{key}", "missing.", NO_TOKEN_PASSES)
    _check_access_values(access, where, findings)


def _check_access_values(access: Mapping[str, Any], where: str, findings: Findings) -> None:
    """Warns of values that no token has: its issuer is `https://<teamName>.cloudflareaccess.com`, its audience a hash."""
    team = str(access.get("teamName") or "")
    if team and not _TEAM.fullmatch(team):
        label = _TEAM_URL.sub("", team.lower()).partition(".")[0]
        instead = f": '{label}'" if _TEAM.fullmatch(label) else ""
        findings.add(
            ACCESS_UNMATCHED,
            f"{where}.teamName",
            f"found '{team}', expected the team's name alone, as before '.cloudflareaccess.com'{instead}. "
            "As it stands every request is refused.",
        )
    tags = access.get("audTag")
    for index, tag in enumerate(tags if isinstance(tags, list) else []):
        if not _AUDIENCE.fullmatch(str(tag)):
            findings.add(
                ACCESS_UNMATCHED,
                f"{where}.audTag[{index}]",
                f"found {show(tag)}, expected the 64 hexadecimal digits, in lower case, of an application's audience tag. "
                "No token has another one.",
            )


def _check_service(rule: Rule, service: Service, where: str, findings: Findings) -> None:
    socks, given = rule.service == "socks-proxy", rule.origin_request
    if given.get("ipRules") and not socks:
        text = "has no effect: only the service socks-proxy has it."
        findings.add(NO_EFFECT, f"{where}.ipRules", text)
    if socks and not given.get("ipRules"):
        text = "Without it the socks-proxy reaches nothing."
        findings.add(NO_IP_RULES, f"{where}.ipRules", "missing.", text)
    if given.get("bastionMode") and service.shown == "bastion" != rule.service:
        text = f"makes a bastion of it, not '{rule.service}'."
        findings.add(BASTION, f"{where}.bastionMode", text)
    check_origin_values(given, where, findings)
    if given.get("disableChunkedEncoding"):
        findings.add(
            UNCHUNKED,
            f"{where}.disableChunkedEncoding",
            "an upload whose length the visitor does not tell is then read as further requests, which answer other "
            "visitors.",
            "Leave it out where the service can do without.",
        )
    scheme = rule.service.partition(":")[0].lower()
    if given.get("http2Origin") and scheme not in ("https", "wss", "unix+tls"):
        findings.add(NO_EFFECT, f"{where}.http2Origin", _NOT_HTTPS)
    for key in _OF_TLS:
        if given.get(key) and scheme in ("http", "ws", "unix", "http_status"):
            findings.add(NO_EFFECT, f"{where}.{key}", _NOT_HTTPS)


def check_origin_values(given: Mapping[str, Any], where: str, findings: Findings) -> None:
    """Finds values of an `originRequest` that cloudflared takes and cannot use."""
    pool, name = str(given.get("caPool") or ""), str(given.get("originServerName") or "")
    if pool and not pool.startswith("/"):
        findings.add_mismatch(f"{where}.caPool", pool, ABSOLUTE, DOUBTFUL_VALUE)
    if not name.isascii():
        sent = idna.look_up_name(name)
        instead = f" '{sent}'" if sent else ""
        expected = f"the name as certificates have it, in punycode{instead}"
        findings.add_mismatch(f"{where}.originServerName", name, expected, DOUBTFUL_VALUE)
    elif _URL_OR_PORT.search(name) or "*" in name:
        expected = "a name, not a URL and without a port or '*'"
        findings.add_mismatch(f"{where}.originServerName", name, expected, DOUBTFUL_VALUE)
