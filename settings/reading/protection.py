"""Decides who may come in at each site, and which Access applications that takes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cloudflared import Router, Rule, check_order
from cloudflared.go.inclusion import covers
from settings.keys.access import ACCESS, SERVICE_TOKEN
from settings.model.access import (
    EVERYBODY,
    PUBLIC,
    AccessSettings,
    Application,
    Cors,
    Protection,
    ServiceToken,
    find_wildcard_above,
)
from settings.model.names import EVERY
from settings.model.stack import Settings, Site
from settings.reading.access_groups import check_groups, make_policies
from settings.reading.access_paths import EXPECTED, translate_path
from values.findings import Findings, Kind, make_warning
from values.tables import MISSING_KEY

_UNFIT = Kind("access-unfit", "What a site says of Access does not fit together.")
_UNUSED = make_warning("access-group-unused", "No site names a group of `argoweb:access`.")
_WHERE = "argoweb:access"
_Values = dict[str, Any]


def protect_sites(
    sites: Sequence[Site], given: Mapping[str, Any], access: _Values | None, findings: Findings
) -> list[Site]:
    """Gives the sites with who may come in at each; `given` is the `access` of each site by its place, `access` is `argoweb:access`."""
    default = access and access.get("default")
    found: list[Site] = []
    for site in sites:
        own = given.get(site.place)
        where = f"{site.place}.access" if own is not None else f"{_WHERE}.default"
        value: _Values | None = own if own is not None else default
        protection = _read_protection(value, default, access, where, findings) if value else None
        open_paths = tuple(dict.fromkeys(value.get("except", ()))) if value else ()
        if protection is None:
            if open_paths:
                text = "belongs to a site that is not for everybody."
                findings.add(_UNFIT, f"{where}.except", text, "Leave it out.")
            if own is not None and not site.is_public:
                findings.add(
                    _UNFIT,
                    where,
                    f"'{PUBLIC}' does not go with the site's `originRequest.access`, which asks for a token.",
                    "Leave one out; an application of your own goes into `access.application`.",
                )
            found.append(site)
            continue
        if site.hostname == EVERY:
            findings.add(
                _UNFIT,
                f"{site.place}.hostname",
                "'*' can have no Access application.",
                f"Name the hostnames, or write `access: {PUBLIC}`.",
            )
        if "access" in site.origin_request:
            findings.add(
                _UNFIT,
                f"{site.place}.originRequest.access",
                "is written by argoweb where a site has `access`.",
                "Leave it out; an application of your own goes into `access.application`.",
            )
        for path in open_paths:
            place = _find_place(site, path, open_paths)
            if translate_path(path) is None:
                findings.add_mismatch(place, path, EXPECTED)
            elif not covers(site.path, path):
                findings.add_mismatch(place, path, f"a path within the site's own, '{site.path}'")
        found.append(replace(site, access=protection, open_paths=open_paths))
    return found


def _find_place(site: Site, path: str, open_paths: Sequence[str]) -> str:
    index = f"[{open_paths.index(path)}]" if len(open_paths) > 1 else ""
    return f"{site.place}.access.except{index}"


def _read_protection(
    value: _Values, default: _Values | None, access: _Values | None, where: str, findings: Findings
) -> Protection | None:
    """Reads who may come in at a site; `None`: everybody."""
    who = [key for key in ("groups", "policies", "application") if key in value]
    names = value.get("groups", ())
    if PUBLIC in names:
        if len(names) > 1 or len(who) > 1:
            findings.add(_UNFIT, where, f"found '{PUBLIC}' beside others, expected it alone.")
        return None
    if access is None:
        findings.add(MISSING_KEY, f"{_WHERE}.team", "missing.", ACCESS.keys["team"].remedy)
        return None
    if "application" in value and len(who) > 1:
        findings.add(
            _UNFIT,
            f"{where}.application",
            "found it beside groups or policies, which are the application's own affair.",
            "Leave one out.",
        )
    if not who:
        if default is None or value is default or PUBLIC in default.get("groups", ()):
            findings.add(
                MISSING_KEY,
                f"{where}.groups",
                "missing.",
                f"Name those of {_WHERE}.groups that may come in.",
            )
            return None
        value = {**{key: default[key] for key in ("groups", "policies") if key in default}, **value}
        names = value.get("groups", ())
    for name in names:
        if name not in access["groups"]:
            known = ", ".join(access["groups"]) or "none"
            findings.add(_UNFIT, where, f"'{name}' is no group of {_WHERE}.groups ({known}).")
    return Protection(
        groups=tuple(dict.fromkeys(names)),
        policies=tuple(dict.fromkeys(value.get("policies", ()))),
        application=value.get("application"),
        session=value["session"],
        deny_text=value.get("denyText"),
        deny_url=value.get("denyUrl"),
        same_site=value.get("sameSite"),
        binding_cookie=value["bindingCookie"],
        login_methods=tuple(dict.fromkeys(value.get("loginMethods", ()))),
        app_launcher=value["appLauncher"],
        cors=_read_cors(value.get("cors"), f"{where}.cors", findings),
    )


def _read_cors(value: _Values | None, where: str, findings: Findings) -> Cors | None:
    if value is None:
        return None
    if "*" in value["origins"]:
        if len(value["origins"]) > 1:
            text = "found '*' beside others, expected it alone."
            findings.add(_UNFIT, f"{where}.origins", text)
        if value["credentials"]:
            text = "browsers send none where every origin may ask."
            findings.add(_UNFIT, f"{where}.credentials", text, "Name the origins.")
    return Cors(
        origins=tuple(value["origins"]),
        methods=tuple(value.get("methods", ())),
        headers=tuple(value.get("headers", ())),
        credentials=value["credentials"],
        max_age=value.get("maxAge"),
    )


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
            place = _find_place(site, path, site.open_paths)
            sites.append(replace(site, place=place, path=path, access=None, open_paths=()))
            rules.append(replace(rule, path=path))
        sites.append(site)
        rules.append(rule)
    if len(sites) > len(settings.sites):
        check_order(rules, [site.place for site in sites], findings)
    applications, passed = _make_applications(sites, rules, access, findings)
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
            applications=applications,
            tokens=_list_tokens(access, applications),
        ),
    )


def _make_applications(
    sites: Sequence[Site], rules: Sequence[Rule], access: _Values, findings: Findings
) -> tuple[list[Application], list[tuple[str, ...]]]:
    """Gives the applications, and for each site the URIs of those of which a request must have passed one.

    A hostname's own application stands before that of the wildcard above it, so it has one for each site that takes its
    requests, be that a wildcard's; `rules` are those of the sites.
    """
    applications: dict[str, Application] = {}
    passed: list[list[str]] = [[] for _ in sites]
    told: set[int] = set()

    def make_application(uri: str, index: int, protection: Protection | None) -> None:
        site, policies = sites[index], [EVERYBODY]
        if protection is not None:
            policies = [
                policy
                for name in protection.groups
                if name in access["groups"]
                for policy in make_policies(name, access["groups"][name], protection.session)
            ]
        made_of = Application(
            uri=uri, place=site.place, protection=protection, policies=tuple(policies)
        )
        if applications.setdefault(uri, made_of).protection != protection:
            findings.add(
                _UNFIT,
                f"{site.place}.path",
                f"Access has one application for '{uri}', which is that of {applications[uri].place}, for other visitors.",
                "Let both be for the same ones, or write another path.",
            )
        if site.access:
            passed[index].append(uri)

    router = Router(rules)
    taking = {site.hostname: _list_taking(site.hostname, sites, router) for site in sites}
    for hostname, numbered in taking.items():
        its = [sites[index] for index in numbered]
        general, whole = _find_general(its), _find_whole(its)
        exact = list[tuple[str, str]]()
        if general is not None:
            make_application(hostname, numbered[its.index(whole)], general)
        for number, (index, site) in enumerate(zip(numbered, its, strict=True)):
            if not _differs(site, its, general):
                if site.access:
                    passed[index].append(hostname)
                continue
            if not (site.access or site.is_public):
                continue  # its application is the user's own affair
            path = translate_path(site.path)
            if path is None:
                # That of a wildcard, which is for everybody, asks for the hostname's login.
                if (site.hostname == hostname or site.access) and index not in told:
                    told.add(index)
                    expected = f"{EXPECTED}, since who may come in differs from other paths of '{hostname}'"
                    findings.add_mismatch(f"{site.place}.path", site.path, expected)
                continue
            if site.hostname != hostname and any(
                covers(before.path, site.path) for before in its[:number]
            ):
                continue  # no request for this hostname reaches it
            uri = f"{hostname}{path[0]}"
            make_application(uri, index, site.access)
            if path[1]:
                exact.append((f"{uri}/*", f"{site.path.removesuffix('$')}/"))
        # An application for a path takes all below it that have none of their own: here as their own rule says.
        for below, path_below in exact:
            behind = [
                index
                for index, site in zip(numbered, its, strict=True)
                if not site.path or covers(site.path, path_below)
            ]
            if behind and below not in applications:
                protection = sites[behind[0]].access
                make_application(below, behind[0], protection)
                for index, site in zip(numbered, its, strict=True):
                    if (
                        protection is not None
                        and hostname in passed[index]
                        and site.access == protection
                    ):
                        passed[index].append(below)
    for index, site in enumerate(sites):
        if site.access and not passed[index]:
            # Another site takes all of its requests: it is closed all the same.
            make_application(
                f"{site.hostname}{(translate_path(site.path) or ('', False))[0]}",
                index,
                site.access,
            )
    closed = {each.uri.partition("/")[0] for each in applications.values() if each.protection}
    for hostname, numbered in taking.items():
        if hostname not in applications and find_wildcard_above(hostname) in closed - {hostname}:
            for index in _find_open(numbered, sites):
                make_application(hostname, index, None)
    return [*applications.values()], [tuple(dict.fromkeys(uris)) for uris in passed]


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
        ServiceToken(
            name=name,
            duration=value["duration"],
            secret_version=value["secretVersion"],
            old_until=value.get("oldSecretUntil"),
        )
        for name, value in {**named, **access["serviceTokens"]}.items()
    ]


def _check_used(access: _Values, sites: Sequence[Site], findings: Findings) -> None:
    """Warns of groups that no site names, and refuses a token's rotation of which `secretVersion` or `oldSecretUntil` is missing."""
    used = {name for site in sites if site.access for name in site.access.groups}
    for name in access["groups"]:
        if name not in used:
            text = "no site names it, so nothing is made of it."
            findings.add(_UNUSED, f"{_WHERE}.groups.{name}", text)
    for name, value in access["serviceTokens"].items():
        where = f"{_WHERE}.serviceTokens.{name}.oldSecretUntil"
        if value["secretVersion"] > 1 and "oldSecretUntil" not in value:
            findings.add(
                MISSING_KEY,
                where,
                "missing.",
                "A new secret needs to be told until when the old one is valid, a past time for not at all.",
            )
        elif value["secretVersion"] == 1 and "oldSecretUntil" in value:
            findings.add(
                _UNFIT,
                where,
                "belongs to a `secretVersion` above 1: there is no old secret.",
                "Leave it out.",
            )
