"""Decides which Access applications the sites take, and of which of them each site's requests must have passed one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from cloudflared import Router, Rule, check_order
from cloudflared.go.inclusion import covers
from settings.keys.access import SERVICE_TOKEN
from settings.model.access import (
    EVERYBODY,
    AccessSettings,
    Application,
    Protection,
    ServiceToken,
    find_wildcard_above,
)
from settings.model.stack import Settings, Site
from settings.reading.access_groups import check_groups, make_policies
from settings.reading.access_paths import EXPECTED, translate_path
from settings.reading.protection import UNFIT, WHERE, find_place
from values.findings import Findings, make_warning
from values.tables import MISSING_KEY, fill

_UNUSED = make_warning("access-group-unused", "No site names a group of `argoweb:access`.")
_Values = dict[str, Any]


def settle_access(settings: Settings, access: _Values | None, findings: Findings) -> Settings:
    """Gives the settings with all that the stack has of Access; `access` is the value of `argoweb:access`.

    Each open path is a site of its own then, before the one that it is a path of, and each rule of a protected site asks for
    the token of an application: cloudflared looks at a rule's own `access` alone. The application's URI stands for its
    audience, which is not known yet.
    """
    if access is None:
        return settings
    check_groups(access, findings)
    _check_used(access, settings.sites, findings)
    sites: list[Site] = []
    rules: list[Rule] = []
    for site, rule in zip(settings.sites, settings.site_rules, strict=True):
        for path in filter(translate_path, site.open_paths):
            place = find_place(site, path, site.open_paths)
            sites.append(replace(site, place=place, path=path, access=None, open_paths=()))
            rules.append(replace(rule, path=path))
        sites.append(site)
        rules.append(rule)
    if len(sites) > len(settings.sites):
        check_order(rules, [site.place for site in sites], findings)
    applications = _Applications(sites, rules, access["groups"], findings)
    passed, made = applications.passed, [*applications.made.values()]
    for index, uris in enumerate(passed):
        if sites[index].access:
            check = {"required": True, "teamName": access["team"], "audTag": [*uris]}
            guarded = {**rules[index].origin_request, "access": check}
            rules[index] = replace(rules[index], origin_request=guarded)
    return replace(
        settings,
        sites=[replace(site, passed=uris) for site, uris in zip(sites, passed, strict=True)],
        rules=[*rules, *settings.rules[len(settings.sites) :]],
        access=AccessSettings(
            team=access["team"],
            applications=made,
            tokens=_list_tokens(access, made),
        ),
    )


class _Applications:
    """The applications, and for each site the URIs of those of which a request must have passed one.

    A hostname's own application stands before that of the wildcard above it, so it has one for each site that takes its
    requests, be that a wildcard's.
    """

    def __init__(
        self, sites: Sequence[Site], rules: Sequence[Rule], groups: _Values, findings: Findings
    ) -> None:
        """`rules` are those of the sites, `groups` those of `argoweb:access`."""
        self._sites, self._groups, self._findings = sites, groups, findings
        router = Router(rules)
        self._taking = {site.hostname: _list_taking(site.hostname, sites, router) for site in sites}
        """For each hostname the indexes of the sites that take its requests."""
        self._refused: set[int] = set()
        """The indexes of sites whose path was refused: one of a wildcard is so for several hostnames."""
        self._passed: list[list[str]] = [[] for _ in sites]
        self.made: dict[str, Application] = {}
        for hostname, numbered in self._taking.items():
            self._make_for_hostname(hostname, numbered)
        self._close_unreached()
        self._open_below_wildcards()

    @property
    def passed(self) -> list[tuple[str, ...]]:
        """Each site's URIs."""
        return [tuple(dict.fromkeys(uris)) for uris in self._passed]

    def _make(self, uri: str, index: int, protection: Protection | None) -> None:
        site, policies = self._sites[index], [EVERYBODY]
        if protection is not None:
            policies = [
                policy
                for name in protection.groups
                if name in self._groups
                for policy in make_policies(name, self._groups[name], protection.session)
            ]
        made_of = Application(
            uri=uri, place=site.place, protection=protection, policies=tuple(policies)
        )
        there = self.made.setdefault(uri, made_of)
        if there.protection != protection:
            self._findings.add(
                UNFIT,
                f"{site.place}.path",
                f"Access has one application for '{uri}', which is that of {there.place}, for other visitors.",
                "Let both be for the same ones, or write another path.",
            )
        if site.access:
            self._passed[index].append(uri)

    def _make_for_hostname(self, hostname: str, numbered: Sequence[int]) -> None:
        """Makes the application of a hostname as a whole, and those of its paths with other visitors."""
        its = [self._sites[index] for index in numbered]
        general = _find_general(its)
        if general is not None:
            self._make(hostname, numbered[its.index(_find_whole(its))], general)
        exact: list[tuple[str, str]] = []
        for number, (index, site) in enumerate(zip(numbered, its, strict=True)):
            if not _differs(site, its, general):
                if site.access:
                    self._passed[index].append(hostname)
            elif site.access or site.is_public:  # else its application is the user's own affair
                exact += self._make_for_path(hostname, index, its[:number])
        for below, path in exact:
            self._make_below(hostname, numbered, below, path)

    def _make_for_path(
        self, hostname: str, index: int, before: Sequence[Site]
    ) -> Iterator[tuple[str, str]]:
        """Makes the application of a site's path; gives the URI and a path of what lies below, where Access takes that and the site does not."""
        site = self._sites[index]
        path = translate_path(site.path)
        is_wildcards = site.hostname != hostname
        if path is None:
            # That of a wildcard, which is for everybody, asks for the hostname's login.
            if (site.access or not is_wildcards) and index not in self._refused:
                self._refused.add(index)
                expected = (
                    f"{EXPECTED}, since who may come in differs from other paths of '{hostname}'"
                )
                self._findings.add_mismatch(f"{site.place}.path", site.path, expected)
            return
        if is_wildcards and any(covers(other.path, site.path) for other in before):
            return  # no request for this hostname reaches it
        uri = f"{hostname}{path[0]}"
        self._make(uri, index, site.access)
        if path[1]:
            yield f"{uri}/*", f"{site.path.removesuffix('$')}/"

    def _make_below(self, hostname: str, numbered: Sequence[int], uri: str, path: str) -> None:
        """Makes the application of what lies below a path: that of the path takes all which has none of its own, be its rule another site's."""
        sites = self._sites
        behind = [
            index for index in numbered if not sites[index].path or covers(sites[index].path, path)
        ]
        if not behind or uri in self.made:
            return
        protection = sites[behind[0]].access
        self._make(uri, behind[0], protection)
        for index in numbered:
            if (
                protection is not None
                and hostname in self._passed[index]
                and sites[index].access == protection
            ):
                self._passed[index].append(uri)

    def _close_unreached(self) -> None:
        """Makes an application for each protected site of which another one takes all requests: it is closed all the same."""
        for index, site in enumerate(self._sites):
            if site.access and not self._passed[index]:
                path = (translate_path(site.path) or ("", False))[0]
                self._make(f"{site.hostname}{path}", index, site.access)

    def _open_below_wildcards(self) -> None:
        """Makes an application for everybody where a hostname is open and the wildcard above it asks for a login."""
        closed = {uri.partition("/")[0] for uri, it in self.made.items() if it.protection}
        for hostname, numbered in self._taking.items():
            if hostname not in self.made and find_wildcard_above(hostname) in closed - {hostname}:
                for index in _find_open(numbered, self._sites):
                    self._make(hostname, index, None)


def _list_taking(hostname: str, sites: Sequence[Site], router: Router) -> list[int]:
    """Lists the indexes of the sites that take a hostname's requests, in their order, up to the first one that takes all the rest."""
    found = []
    for index in router.list_rules(hostname):
        found.append(index)
        if not sites[index].path:
            break
    return found


def _find_open(numbered: Sequence[int], sites: Sequence[Site]) -> list[int]:
    """Finds a site for everybody, if what no site of these takes by its path asks for nothing."""
    rest = sites[numbered[-1]]
    is_open = bool(rest.path) or rest.is_public
    return [index for index in numbered if is_open and sites[index].is_public][-1:]


def _find_whole(its: Sequence[Site]) -> Site:
    """Gives the site that takes all remaining paths of a hostname, or its last one if none does."""
    return next((site for site in its if not site.path), its[-1])


def _find_general(its: Sequence[Site]) -> Protection | None:
    """Gives who may come in at a hostname as a whole; `None`: everybody, or it has paths alone and they differ."""
    whole = _find_whole(its)
    alike = not whole.path or all(site.access == whole.access for site in its)
    return whole.access if alike else None


def _differs(site: Site, its: Sequence[Site], general: Protection | None) -> bool:
    """Whether a site needs an application for its path: it differs from its hostname, or lies in a path that does."""
    return bool(site.path) and any(
        other.access != general and (other is site or covers(_widen(other.path), site.path))
        for other in its
        if other.path
    )


def _widen(path: str) -> str:
    """Gives the expression of all that the application for a path takes."""
    found = translate_path(path)
    return f"{path.removesuffix('$')}(?:/|$)" if found and found[1] else path


def _list_tokens(access: _Values, applications: Sequence[Application]) -> list[ServiceToken]:
    """Gives the service tokens that the stack file declares, and those that a group in use names."""
    named = {
        selector.value: SERVICE_TOKEN.read({}, "", Findings())
        for application in applications
        for policy in application.policies
        for selector in (*policy.include, *policy.exclude)
        if selector.kind == "serviceTokens"
    }
    return [
        fill(ServiceToken, value, name=name, old_until=value.get("oldSecretUntil"))
        for name, value in {**named, **access["serviceTokens"]}.items()
    ]


def _check_used(access: _Values, sites: Sequence[Site], findings: Findings) -> None:
    """Warns of groups that no site names, and refuses a token's rotation of which `secretVersion` or `oldSecretUntil` is missing."""
    used = {name for site in sites if site.access for name in site.access.groups}
    for name in access["groups"]:
        if name not in used:
            text = "no site names it, so nothing is made of it."
            findings.add(_UNUSED, f"{WHERE}.groups.{name}", text)
    for name, value in access["serviceTokens"].items():
        where = f"{WHERE}.serviceTokens.{name}.oldSecretUntil"
        if value["secretVersion"] > 1 and "oldSecretUntil" not in value:
            findings.add(
                MISSING_KEY,
                where,
                "missing.",
                "A new secret needs to be told until when the old one is valid, a past time for not at all.",
            )
        elif value["secretVersion"] == 1 and "oldSecretUntil" in value:
            findings.add(
                UNFIT,
                where,
                "belongs to a `secretVersion` above 1: there is no old secret.",
                "Leave it out.",
            )
