"""Reads cloudflared's configuration file as cloudflared does: what it refuses, and the traps."""

from dataclasses import dataclass, field, replace
from typing import Any

from cloudflared.beside import check_settings
from cloudflared.flags import FIELDS, FILE, OF_ONE_SERVICE, ONE_SERVICE, ONLY_RUN
from cloudflared.go import urls
from cloudflared.go.decode import KEY_TWICE, NOTHING, Decoder
from cloudflared.go.durations import Duration, read_seconds
from cloudflared.go.yaml import YamlError, compose, find_second_document
from cloudflared.hidden import check_order
from cloudflared.origins import check_circles, check_origin
from cloudflared.router import Router
from cloudflared.rules import Rule, check_ends
from cloudflared.services import Service
from cloudflared.unclean import check_unclean
from cloudflared.warnings import NO_IP_RULES, check_rule
from importing.other_files import (
    advise_on_template,
    advise_on_text,
    advise_on_type,
    advise_on_yaml,
    name_other_kind,
    name_other_language,
)
from values.findings import (
    WRONG_VALUE,
    Finding,
    Findings,
    Kind,
    Severity,
    hide_secrets,
    make_warning,
    show,
)
from values.kinds import Flag, ListOf, Shape, Whole
from values.remedies import Remedy, map_remedy
from values.tables import MISSING_KEY, NEEDED_KEY

UNREADABLE = Kind("unreadable", "A file is no YAML that cloudflared can read.")
OTHER_FILE = Kind("other-file", "A file is not one of cloudflared's configuration.")
URL_CLASH = Kind(
    "url-beside-rules", "`url` stands beside ingress rules, which only `ingress rule` takes."
)
SECOND_DOCUMENT = make_warning(
    "second-document", "A file has a second document, which cloudflared does not read."
)
NO_RULES = Kind("no-rules", "A file has no ingress rule.")
ONLY_URL = Kind(
    "only-url", "A file has the old form for one service, which only `tunnel run` takes."
)
_ADVICE_ON_ONLY_URL = (
    "missing: the file is of the old form for one service, which `tunnel run` takes and `ingress validate` does not.",
    "Write the service as a rule, `- service: …` below `ingress`; in a stack as a site with its `hostname`.",
)


@dataclass(frozen=True, kw_only=True)
class File:
    """A configuration file of cloudflared that was read."""

    values: dict[str, Any]
    """What cloudflared reads from its keys, without what it refuses."""
    rules: list[Rule]
    services: list[Service | None]
    """The rules' services; nothing for one that cloudflared refuses."""
    problems: list[Finding]
    """What `cloudflared tunnel ingress validate` fails because of is an error, all else a warning of ours."""

    @property
    def refused(self) -> list[Finding]:
        """Why cloudflared refuses the file; empty where it takes it."""
        return [problem for problem in self.problems if problem.is_error]

    def match(self, url: str) -> int:
        """Gives the index of the rule that takes a request for a URL; the last one takes what no other does.

        Raises:
            UrlError: it is no URL with a host, or Go refuses it.
        """
        parsed = urls.parse(url)
        if not parsed.hostname and not parsed.scheme:
            raise urls.UrlError("a URL without a host; does it lack its 'https://'?")
        without_port = urls.split_host_port(parsed.hostname)
        host = parsed.hostname if without_port is None else without_port[0]
        found = Router(self.rules).find_first(host, parsed.path)
        return len(self.rules) - 1 if found is None else found


@dataclass(kw_only=True)
class _Report(Findings):
    """Collects findings with their lines. If it does not refuse, errors count as warnings, since cloudflared takes the file."""

    problems: list[Finding]
    lines: dict[str, int] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)
    """What people mean by a value of another type, by its place."""
    refuses: bool = True
    again: bool = False
    """Whether the file is looked at once more: a place of which something was said gets nothing else."""

    def add_mismatch(
        self, place: str, found: object, expected: str, kind: Kind = WRONG_VALUE
    ) -> None:
        if (hint := advise_on_type(place, type(found))) is not None:
            self.hints[place.removeprefix(".")] = hint
        super().add_mismatch(place, found, expected, kind)

    def add(self, kind: Kind, place: str, text: str, remedy: Remedy = "") -> None:
        text, remedy = hide_secrets(text), map_remedy(remedy, hide_secrets)
        refused = self.refuses and kind.severity is Severity.ERROR
        known = where = place.removeprefix(".")
        if kind is KEY_TWICE and (hint := advise_on_type(where, None)) is not None:
            self.hints[where] = hint
        while known and known not in self.lines:
            known = known[: max(known.rfind("."), known.rfind("["), 0)]
        line = self.lines.get(known, 0)
        said = {other.text for other in self.problems if other.place == where}
        wrong = any(other.is_error and _explains(other, kind, where) for other in self.problems)
        if refused or not (wrong or (said if self.again else text in said)):
            found = Finding(
                place=where,
                kind=kind,
                text=text,
                remedy=remedy,
                severity=Severity.ERROR if refused else Severity.WARNING,
                line=line,
            )
            self.problems.append(found)
            (self.errors if refused else self.warnings).append(found)


def _explains(error: Finding, kind: Kind, where: str) -> bool:
    """Whether an error is the cause of what is said of a place: one mistake is told once."""
    unread = error.place.rpartition(".")[0] if error.kind is KEY_TWICE else error.place
    return error.place == where or (
        kind in (MISSING_KEY, NEEDED_KEY, NO_IP_RULES) and where.rpartition(".")[0] == unread
    )


def read(data: bytes) -> File:
    """Reads a configuration file from its bytes."""
    problems: list[Finding] = []
    decoder = Decoder(findings=Findings())
    report = decoder.findings = _Report(problems=problems, lines=decoder.lines)
    try:
        values = _read_values(data, decoder)
    except YamlError as error:
        problem = _refuse_all(UNREADABLE, *_explain_yaml(error, data), line=error.line)
        return File(values={}, rules=[], services=[], problems=[*problems, problem])
    if (kind := name_other_kind(values)) is not None:
        problem = _refuse_all(OTHER_FILE, f"this is {kind}.")
        return File(values={}, rules=[], services=[], problems=[problem])
    rules = [
        Rule(
            hostname=given.get("hostname", ""),
            path=given.get("path", ""),
            service=given.get("service", ""),
            origin_request=given.get("originRequest", {}),
        )
        for given in values.get("ingress", [])
    ]
    services = _check(values, rules, report)
    for index, problem in enumerate(problems):
        advice = problem.is_error and (
            advise_on_template(data, problem.line)
            or report.hints.get(problem.place)
            or advise_on_text(data, problem.line, no_rules=problem.place == "ingress")
        )
        if advice:
            problems[index] = replace(problem, remedy=f"{problem.advice} {advice}".lstrip())
    if (line := find_second_document(data)) is not None:
        text = f"what stands from line {line} on is a second document, which cloudflared does not read."
        problems.append(
            Finding(place="", kind=SECOND_DOCUMENT, text=text, severity=Severity.WARNING, line=line)
        )
    problems.sort(key=lambda each: (each.line, each.place, each.message))
    return File(values=values, rules=rules, services=services, problems=problems)


def _refuse_all(kind: Kind, text: str, remedy: str = "", line: int = 0) -> Finding:
    """Makes the error that ends the reading of a file."""
    return Finding(
        place="", kind=kind, text=text, remedy=remedy, severity=Severity.ERROR, line=line
    )


def _explain_yaml(error: YamlError, data: bytes) -> tuple[str, str]:
    """Gives the message of Go's reader, and the likely cause."""
    if (kind := name_other_language(data)) is not None:
        return f"this is {kind}.", ""
    return f"{error}.", advise_on_template(data, error.line) or advise_on_yaml(
        data, error.line
    ) or ""


def _read_values(data: bytes, decoder: Decoder) -> dict[str, Any]:
    root = compose(data)
    values: dict[str, Any] = {}
    if root is None:
        raise YamlError(0, "the file is empty")
    if root.kind != "mapping":
        found = decoder.read_untyped(root, "")
        if found is not None:
            rules = ". Write 'ingress:' in a line above the list" if isinstance(found, list) else ""
            what = "a text" if isinstance(found, str) else show(found)  # it may be a secret
            raise YamlError(root.line, f"found {what}, expected a mapping{rules}")
        return values
    for key, child in decoder.list_entries(root, ""):
        name = decoder.read_name(key, "")
        if name is None:
            continue
        if name in FIELDS:
            value = decoder.read_typed(child, FILE.keys[name].shape, name)
        else:
            value = decoder.read_untyped(child, name)
            read_here = name in FILE.keys and name not in ONLY_RUN
            if read_here and not _fits(value, FILE.keys[name].shape):
                FILE.keys[name].shape.read(value, name, decoder.findings)
                value = NOTHING
        # By custom, a key that begins with 'x-' only holds what aliases give elsewhere.
        if value is not NOTHING and not name.startswith("x-"):
            values[name] = value
    return values


def _leave_out_old_form(values: dict[str, Any]) -> dict[str, Any]:
    """Gives the values without the flags of the form for one service, if they name one."""
    if not any(values.get(name) for name in ONE_SERVICE):
        return values
    read = {*ONE_SERVICE, *OF_ONE_SERVICE, "hostname"}
    return {name: value for name, value in values.items() if name not in read}


def _fits(value: object, shape: Shape) -> bool:
    """Whether a flag takes a value of this type (`configuration.go`, `configFileSettings`)."""
    match shape:
        case Flag():
            return isinstance(value, bool)
        case Whole():
            return type(value) is int and value < 2**63
        case Duration():
            return isinstance(value, str) and read_seconds(value) is not None
        case ListOf():
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case _:
            return isinstance(value, str)


def _check(values: dict[str, Any], rules: list[Rule], report: _Report) -> list[Service | None]:
    places = [f"ingress[{index}]" for index in range(len(rules))]
    bastion_mode = values.get("originRequest", {}).get("bastionMode") is True
    # If a value was refused, a missing service or catch-all may follow from that; it is not told twice.
    whole = not any(problem.is_error for problem in report.problems)
    services = [
        check_rule(rule, place, report, bastion_mode=bastion_mode)
        if whole or rule.service
        else None
        for rule, place in zip(rules, places, strict=True)
    ]
    common = values.get("originRequest", {})
    for rule, service, place in zip(rules, services, places, strict=True):
        check_origin(rule, service, place, report, common=common)
    check_circles(rules, services, places, report)
    if whole:
        check_ends(rules, places, report)
    if not rules and whole:
        if values != _leave_out_old_form(values):
            report.add(ONLY_URL, "ingress", *_ADVICE_ON_ONLY_URL)
        else:
            needed = (
                "cloudflared needs at least one rule, the last one as `- service: http_status:404`."
            )
            report.add(NO_RULES, "ingress", "missing.", needed)
    if rules and values.get("url"):
        report.add(URL_CLASH, "url", "cannot stand beside ingress rules.", "Remove it.")
    check_order(rules, places, report)
    check_unclean(rules, places, report)
    check_settings(values, "", report)
    stricter = _Report(problems=report.problems, lines=report.lines, refuses=False, again=True)
    FILE.read(values if rules else _leave_out_old_form(values), "", stricter)
    return services
