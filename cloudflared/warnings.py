"""What cloudflared takes in silence, though it hardly works as meant."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cloudflared import hostnames, near, services
from cloudflared.flags import DEFAULTS
from cloudflared.go import durations, idna
from cloudflared.go.inclusion import covers, find_path
from cloudflared.go.regexp import Pattern, PatternError
from cloudflared.rules import NO_TOKEN_PASSES, Rule, check_demands, lacks_team_name
from cloudflared.services import Service
from cloudflared.unclean import refuses_unclean
from values.findings import DOUBTFUL_VALUE, NO_EFFECT, Findings, make_doubt, make_warning, show
from values.kinds import NEEDED_KEY

HOSTNAME_UNMATCHED = make_warning(
    "hostname-unmatched", "No request has a hostname that the rule's one matches."
)
PATH_UNMATCHED = make_warning(
    "path-unmatched", "No path is one in which the rule's pattern is found."
)
PATH_UNANCHORED = make_warning(
    "path-unanchored", "A pattern is found anywhere in a path, not at its beginning."
)
PATH_PARAMETER = make_warning(
    "path-parameter", "A part such as ':id' stands for itself, not for any text."
)
PATH_STAR = make_warning("path-star", "A '*' repeats what stands before it; it is not any text.")
PATH_SLASH = make_warning(
    "path-slash", "A pattern that ends with '/' does not match the path without it."
)
ACCESS_UNUSED = make_warning(
    "access-unused", "Access is set, but `required` is not, so nothing is checked."
)
ACCESS_UNMATCHED = make_warning(
    "access-unmatched", "No token of Access can have this team or audience."
)
ACCESS_FOR_ALL = make_doubt(
    "access-for-all", "Access in the `originRequest` of all is ignored, so nothing is checked."
)
BASTION = make_warning("bastion", "A switch turns a service into a bastion.")
UNCHUNKED = make_warning(
    "unchunked-upload", "An upload of unknown length is read as further requests."
)
RULE_TWICE = make_doubt("rule-twice", "Two rules take the same requests.")
RULE_HIDDEN = make_warning("rule-hidden", "An earlier rule takes every request of a later one.")
QUIC_ONLY = make_warning("quic-only", "cloudflared has no other protocol where UDP is blocked.")
REGION = make_warning("unknown-region", "The region is none that Cloudflare is known to have.")
METRICS_OPEN = make_warning(
    "metrics-open", "Everybody who reaches the server can read cloudflared's metrics."
)
NO_IP_RULES = make_warning("no-ip-rules", "A socks-proxy has no `ipRules`, so it reaches nothing.")
_URL_CHARACTERS = " \t/?#@"
_OF_NO_HOSTNAME = re.compile(r"[<>{}()\[\]$^\\|;!~`\"'“”„‘’‚«»]")
"""What templates, patterns and texts have beside letters."""
EVERY_PATH = re.compile(r"\^?(?:/|/?\.\*\$?)?")
"""Paths of rules that plainly take every one."""
_EMPTY = re.compile(r"(?:\^|\\A)(?:\$|\\z)")
_LITERAL = re.compile(r"(\^?)([\w/-]+)")
_ANYWHERE = re.compile(r"\.\*.*\.\*")
"""Patterns that are plainly meant to be found anywhere."""
_ANY_FOR_A_DOT = re.compile(r"\.(?=[(\w])")
_OF_ELSEWHERE = re.compile(r"(?:~\*?|=|\^~) +\^?(?=/)|\^?https?://[^/]*(?=/|$)")
"""What nginx writes before a path, and a URL's beginning."""
_PART = re.compile(r"(?<=/)(?::[A-Za-z]\w*|\{[A-Za-z]\w*\})(?=/|$)")
"""As routers of applications name a part."""
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_QUERY = re.compile(r"\\?\?[\w-]+=|\\\?|#")
"""What begins a query or a fragment: a '?' before a name and '=', or one that stands for itself."""
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_ANY_NAME = re.compile(r"/?\*(?=\.)")
"""Before a file's ending, as shells write it."""
_ENDING = re.compile(
    r"(?:\\\.(?!git|env|svn|ht(?:access|passwd))\(?(?:\?[:i]+)?[\w?]{1,5}(?:\|[\w?]{1,5})*\)?(?:\||$))+"
)
"""The ending of a file's name, or several, and no name of a hidden file."""
_OF_TLS = ("caPool", "originServerName", "matchSNItoHost", "noTLSVerify", "tlsTimeout")
_NOT_HTTPS = "has no effect: the service is not https."
_ABSOLUTE = "an absolute path on the server"
_FILES = (
    "cacert",
    "logfile",
    "log-directory",
    "pidfile",
    "trace-output",
    "origincert",
    "token-file",
)
_REGIONS = ("us", "fed")
"""Put before the name of the edge's service (cloudflared's `edgediscovery/allregions/regions.go`)."""
_URL_OR_PORT = re.compile(r"/|^[^:]*:[0-9]*$")
_TEAM = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_TEAM_URL = re.compile(r"^(?:https?://)?")
_AUDIENCE = re.compile("[0-9a-f]{64}")
_HOST, _PORT = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]"), re.compile(r"[0-9]{1,5}")


def check_rule(
    rule: Rule, where: str, findings: Findings, *, bastion_mode: bool = False
) -> Service | None:
    """Checks one rule by itself, and gives its service where cloudflared takes that.

    `bastion_mode` is the `originRequest` of all rules'.
    """
    service = check_demands(rule, where, findings, bastion_mode=bastion_mode)
    _check_hostname(rule.hostname, f"{where}.hostname", findings)
    if not refuses_unclean(rule):
        _check_path(rule.path, f"{where}.path", findings)
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


def _check_path(path: str, where: str, findings: Findings) -> None:
    try:
        anchored = Pattern(path).anchored
    except PatternError:
        return  # cloudflared says so itself
    literal = _LITERAL.match(path)
    everything = EVERY_PATH.fullmatch(path) or _ANYWHERE.fullmatch(path) or covers(path, "^/")
    whole = _OF_ELSEWHERE.match(path)
    if whole is not None:
        meant = f"^{path[whole.end() :] or '/'}"
        text = f"'{path}' matches nothing; it is found in the path alone: write '{meant}'."
        findings.add(PATH_UNMATCHED, where, text)
    elif _EMPTY.fullmatch(path):
        text = f"'{path}' matches nothing; a path begins with '/': write '^/$'."
        findings.add(PATH_UNMATCHED, where, text)
    elif not anchored and not everything:
        text = f"'{path}' is found anywhere in a path; {advise_to_bind(path)}."
        findings.add(PATH_UNANCHORED, where, text)
    elif literal and literal[1] and not literal[2].startswith("/"):
        text = f"'{path}' matches nothing; a path begins with '/': write '^/{path[1:]}'."
        findings.add(PATH_UNMATCHED, where, text)
    bare = _CLASS.sub("", path)
    if whole is None and (found := _QUERY.search(bare)) is not None:
        text = f"'{found[0]}' in '{path}' begins a query or a fragment, which is no part of a path: leave it out."
        findings.add(PATH_UNMATCHED, where, text)
    if whole is None and (found := _ESCAPE.search(bare)) is not None:
        text = f"'{found[0]}' in '{path}' is compared with the decoded path: write the character itself."
        findings.add(PATH_UNMATCHED, where, text)
    if (part := _PART.search(path)) is not None:
        text = f"'{part[0]}' stands for itself; '[^/]+' is any one part of a path."
        findings.add(PATH_PARAMETER, where, text)
    if re.search(r"/\*(?:\$?$|/)", path) and not everything:
        text = f"'*' in '{path}' repeats the '/'; '.*' is any characters."
        findings.add(PATH_STAR, where, text)
    elif path.endswith("/") and len(path) > 2:
        bare = path.lstrip("^")[:-1]
        both = "" if "|" in path else f"; '^{bare}(?:/|$)' matches both"
        text = f"'{path}' does not match '{bare}' without the '/'{both}."
        findings.add(PATH_SLASH, where, text)


def advise_to_bind(path: str) -> str:
    """Writes the advice to bind a pattern to the beginning of a path, or one of a file's ending to its end.

    A suggested pattern is found in nothing that the old one is not found in. For the beginning, it is found in all that
    the old one is at the beginning, with the first '/' written or not.
    """
    named = _ANY_NAME.sub("", path, count=1) if _ANY_NAME.match(path) else path
    meant = f"\\{named}" if _ANY_FOR_A_DOT.match(named) else named.replace("[.]", r"\.")
    if path.startswith(".*") or _ENDING.fullmatch(meant):
        for ended in (f"{meant}$", f"(?:{meant})$"):
            if _narrows(ended, path):
                return f"write '{ended}' for its end"
    meant = re.sub(r"(?<=[\w)])/\*$", "", path if named != path else meant)
    wanted = f"^/?(?:{meant})"
    for begun in (f"^{meant}", f"^/{meant}", f"^(?:{meant})", f"^/(?:{meant})", f"^/?(?:{meant})"):
        # Without paths that begin with '//', since `wanted` has them for a '/' that is written already.
        if _narrows(begun, path) and covers(f"^//|{begun}", wanted):
            return f"write '{begun}' for its beginning"
    return "begin it with '^/' for the beginning, or end it with '$' for the end"


def _narrows(pattern: str, wide: str) -> bool:
    """Whether a pattern is bound, and found in some path, but in none that the wide one is not found in."""
    try:
        anchored = Pattern(pattern).anchored
    except PatternError:
        return False
    return anchored and find_path(pattern) is not None and covers(wide, pattern)


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
        findings.add_mismatch(f"{where}.caPool", pool, _ABSOLUTE, DOUBTFUL_VALUE)
    if not name.isascii():
        sent = idna.look_up_name(name)
        instead = f" '{sent}'" if sent else ""
        expected = f"the name as certificates have it, in punycode{instead}"
        findings.add_mismatch(f"{where}.originServerName", name, expected, DOUBTFUL_VALUE)
    elif _URL_OR_PORT.search(name) or "*" in name:
        expected = "a name, not a URL and without a port or '*'"
        findings.add_mismatch(f"{where}.originServerName", name, expected, DOUBTFUL_VALUE)


def check_order(rules: Sequence[Rule], places: Sequence[str], findings: Findings) -> None:
    """Warns of rules that an earlier one hides, unless that one takes every request."""
    before: dict[str, dict[str, int]] = {}
    for index, later in enumerate(rules):
        cover = _find_first_cover(later, before)
        if not later.catches_all:
            before.setdefault(later.hostname, {}).setdefault(simplify_path(later), index)
        if cover is None:
            continue
        earlier = rules[cover]
        text = f"is never reached: {places[cover]} takes the same requests and stands before it."
        if (earlier.hostname, earlier.path) == (later.hostname, later.path):
            findings.add(RULE_TWICE, places[index], text, "Remove one of them.")
        else:
            findings.add(RULE_HIDDEN, places[index], text, "Move it up.")


def simplify_path(rule: Rule) -> str:
    """Gives the rule's path; empty where it plainly takes every one."""
    return "" if EVERY_PATH.fullmatch(rule.path) else rule.path


def _find_first_cover(later: Rule, before: Mapping[str, Mapping[str, int]]) -> int | None:
    """Finds the index of the first rule that covers a later one, of those indexed by hostname and path.

    Only a few hostnames can: the same one, none, `*`, and a wildcard for each of its suffixes.
    """
    labels = later.hostname.split(".")
    suffixes = (".".join(labels[start:]) for start in range(1, len(labels)))
    names = {"", "*", later.hostname, *(f"*.{suffix}" for suffix in suffixes)}
    paths = [item for name in names if name in before for item in before[name].items()]
    found = (index for path, index in paths if covers(path, simplify_path(later)))
    return min(found, default=None)


def check_settings(values: Mapping[str, Any], where: str, findings: Findings) -> None:
    """Checks the keys beside the rules for values with which cloudflared does not do what is meant."""
    if "metrics" in values:
        _check_metrics(str(values["metrics"]), f"{where}metrics", findings)
    if values.get("protocol") == "quic":
        findings.add(
            QUIC_ONLY,
            f"{where}protocol",
            "'quic' never falls back to http2 where UDP is blocked; 'auto' does.",
        )
    if "region" in values and values["region"] not in _REGIONS:
        region = values["region"]
        findings.add(
            REGION,
            f"{where}region",
            f"cloudflared connects to what it finds as {region}-v2-origintunneld, and none but {' and '.join(_REGIONS)} are known.",
        )
    for key in _FILES:
        if key in values and not str(values[key]).startswith("/"):
            findings.add_mismatch(f"{where}{key}", values[key], _ABSOLUTE, DOUBTFUL_VALUE)
    if "edge-bind-address" in values and "edge-ip-version" in values:
        _check_edge_address(values, where, findings)
    for key, default in DEFAULTS.items():
        if key in values and _is_nought(values[key]):
            findings.add(
                NO_EFFECT,
                f"{where}{key}",
                f"has no effect: for cloudflared, 0 and false in the file are no value, so it keeps {default}.",
            )
    common = values.get("originRequest") or {}
    check_origin_values(common, f"{where}originRequest", findings)
    if "access" in common:
        findings.add(
            ACCESS_FOR_ALL,
            f"{where}originRequest.access",
            "cloudflared ignores it here, so nothing would be checked.",
            "Write it in the originRequest of what it shall guard.",
        )
    if common.get("ipRules"):
        findings.add(
            NO_EFFECT,
            f"{where}originRequest.ipRules",
            "has no effect here; write it at a rule for socks-proxy.",
        )
    if common.get("bastionMode"):
        findings.add(
            BASTION,
            f"{where}originRequest.bastionMode",
            "turns every URL service into a bastion.",
        )


def _check_edge_address(values: Mapping[str, Any], where: str, findings: Findings) -> None:
    """Warns of an IP version that the address overrides (`adjustIPVersionByBindAddress` in cloudflared's `tunnel/configuration.go`)."""
    address, version = str(values["edge-bind-address"]), str(values["edge-ip-version"])
    try:
        own = ipaddress.ip_address(address).version
    except ValueError:
        return  # found wrong by its shape
    if version in ("4", "6") and own != int(version):
        findings.add(
            NO_EFFECT,
            f"{where}edge-ip-version",
            f"'{version}' has no effect: cloudflared takes IPv{own}, as edge-bind-address '{address}' is.",
        )


def _check_metrics(address: str, where: str, findings: Findings) -> None:
    host, _, port = address.rpartition(":")
    if not _HOST.fullmatch(host) or not _PORT.fullmatch(port) or not 1 <= int(port) <= 65535:
        expected = "an address and port such as '127.0.0.1:20241'"
        findings.add_mismatch(where, address, expected, DOUBTFUL_VALUE)
    elif not _is_only_this_machine(host):
        text = "everybody who reaches the server can read it; use 127.0.0.1."
        findings.add(METRICS_OPEN, where, text)


def _is_only_this_machine(host: str) -> bool:
    """Whether a host is this machine alone, or a name, which may be any address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return True


def _is_nought(value: object) -> bool:
    if isinstance(value, str):
        length = durations.read_seconds(value)
        return length is not None and length <= 0
    return isinstance(value, (bool, int)) and value <= 0
