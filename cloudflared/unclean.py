"""Paths that mean another one to the programs that clean them, and rules by which cloudflared refuses them."""

from collections.abc import Iterator, Mapping, Sequence

from cloudflared.rules import NOT_FOUND, Rule
from values.findings import Findings, make_warning

PATH_BYPASS = make_warning(
    "path-bypass", "A path with '//' or '/../' leads round the rule that asks for a token."
)
UNCLEAN = r"^($|[^/])|//|/[.][.]?(/|;|$)|[\x00-\x1f\x7f\\]"
"""Regular expression, in Go's syntax, of the decoded paths that are no site's where paths choose the site.

`//`, `.` and `..` are taken away by whoever cleans a path, and `..;` by Java's servers. A backslash is a slash to some,
and a control character ends a path or is dropped.
"""
_EVERY = "*"


def refuse_unclean(rules: Sequence[Rule], refused_elsewhere: str) -> Iterator[Rule]:
    """Gives the rules, and before the first one with a path of each hostname one that refuses unclean paths.

    cloudflared compares a rule's path with the visitor's as it is (`ingress/rule.go`), so `/public/../admin` is taken by a
    rule for `^/public`. A hostname whose every rule answers by a status or leads to the service `refused_elsewhere` needs
    none.
    """
    services = {
        rule.hostname or _EVERY
        for rule in rules
        if rule.service != refused_elsewhere and not rule.service.startswith("http_status:")
    }
    below = {name for hostname in services for name in add_wildcards(hostname)}
    done: set[str] = set()
    for rule in rules:
        hostname = rule.hostname or _EVERY
        if rule.path and hostname not in done:
            done.add(hostname)
            if hostname in below or services.intersection(add_wildcards(hostname)):
                yield Rule(hostname=rule.hostname, path=UNCLEAN, service=NOT_FOUND)
        yield rule


def check_unclean(rules: Sequence[Rule], places: Sequence[str], findings: Findings) -> None:
    """Warns of a path whose rule asks for another Access token than another rule of the hostname does."""
    refusing = {rule.hostname for rule in rules if refuses_unclean(rule)}
    tokens: dict[str, list[object]] = {}
    for rule in rules:
        tokens.setdefault(rule.hostname, []).append(_find_token(rule))
    for rule, place in zip(rules, places, strict=True):
        others = tokens[rule.hostname]
        if (
            rule.path
            and rule.hostname not in refusing
            and any(it != _find_token(rule) for it in others)
        ):
            findings.add(
                PATH_BYPASS,
                f"{place}.path",
                "is compared as the visitor writes it, while rules of this hostname differ in access: a '//' or '/../' leads "
                "round it.",
                f"Write before it a rule with the path '{UNCLEAN}' and the service {NOT_FOUND}.",
            )


def _find_token(rule: Rule) -> object:
    access = rule.origin_request.get("access")
    return access if isinstance(access, Mapping) and access.get("required") else None


def refuses_unclean(rule: Rule) -> bool:
    """Whether a rule is one that refuses unclean paths, as argoweb adds them."""
    return (rule.path, rule.service) == (UNCLEAN, NOT_FOUND)


def add_wildcards(hostname: str) -> Iterator[str]:
    """Gives a rule's hostname, and the wildcards that take every request that it takes; `*` for none, which takes all."""
    hostname = hostname or _EVERY
    yield hostname
    if hostname == _EVERY:
        return
    labels = hostname.removeprefix("*.").split(".")
    yield from (f"*.{'.'.join(labels[start:])}" for start in range(1, len(labels)))
    yield _EVERY
