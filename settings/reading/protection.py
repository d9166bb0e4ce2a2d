"""Decides who may come in at each site."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cloudflared.go.inclusion import covers
from settings.keys.access import ACCESS
from settings.model.access import (
    PUBLIC,
    Cors,
    Protection,
)
from settings.model.names import EVERY
from settings.model.stack import Site
from settings.reading.access_paths import EXPECTED, translate_path
from values.findings import Findings, Kind
from values.tables import MISSING_KEY, fill

UNFIT = Kind("access-unfit", "What a site says of Access does not fit together.")
WHERE = "argoweb:access"
_Values = dict[str, Any]


def protect_sites(
    sites: Sequence[Site], given: Mapping[str, Any], access: _Values | None, findings: Findings
) -> list[Site]:
    """Gives the sites with who may come in at each; `given` is the `access` of each site by its place, `access` is `argoweb:access`."""
    default = access and access.get("default")
    found: list[Site] = []
    for site in sites:
        own = given.get(site.place)
        where = f"{site.place}.access" if own is not None else f"{WHERE}.default"
        value: _Values | None = own if own is not None else default
        protection = _read_protection(value, default, access, where, findings) if value else None
        open_paths = tuple(dict.fromkeys(value.get("except", ()))) if value else ()
        if protection is None:
            if open_paths:
                text = "belongs to a site that is not for everybody."
                findings.add(UNFIT, f"{where}.except", text, "Leave it out.")
            if own is not None and not site.is_public:
                findings.add(
                    UNFIT,
                    where,
                    f"'{PUBLIC}' does not go with the site's `originRequest.access`, which asks for a token.",
                    "Leave one out; an application of your own goes into `access.application`.",
                )
            found.append(site)
            continue
        if site.hostname == EVERY:
            findings.add(
                UNFIT,
                f"{site.place}.hostname",
                "'*' can have no Access application.",
                f"Name the hostnames, or write `access: {PUBLIC}`.",
            )
        if "access" in site.origin_request:
            findings.add(
                UNFIT,
                f"{site.place}.originRequest.access",
                "is written by argoweb where a site has `access`.",
                "Leave it out; an application of your own goes into `access.application`.",
            )
        for path in open_paths:
            place = find_place(site, path, open_paths)
            if translate_path(path) is None:
                findings.add_mismatch(place, path, EXPECTED)
            elif not covers(site.path, path):
                findings.add_mismatch(place, path, f"a path within the site's own, '{site.path}'")
        found.append(replace(site, access=protection, open_paths=open_paths))
    return found


def find_place(site: Site, path: str, open_paths: Sequence[str]) -> str:
    """Gives the place of one of the open paths of a site."""
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
            findings.add(UNFIT, where, f"found '{PUBLIC}' beside others, expected it alone.")
        return None
    if access is None:
        findings.add(MISSING_KEY, f"{WHERE}.team", "missing.", ACCESS.keys["team"].remedy)
        return None
    if "application" in value and len(who) > 1:
        findings.add(
            UNFIT,
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
                f"Name those of {WHERE}.groups that may come in.",
            )
            return None
        value = {**default, **value}
        names = value.get("groups", ())
    for name in names:
        if name not in access["groups"]:
            known = ", ".join(access["groups"]) or "none"
            findings.add(UNFIT, where, f"'{name}' is no group of {WHERE}.groups ({known}).")
    return fill(
        Protection,
        value,
        groups=tuple(dict.fromkeys(names)),
        policies=tuple(dict.fromkeys(value.get("policies", ()))),
        login_methods=tuple(dict.fromkeys(value.get("loginMethods", ()))),
        cors=_read_cors(value.get("cors"), f"{where}.cors", findings),
    )


def _read_cors(value: _Values | None, where: str, findings: Findings) -> Cors | None:
    if value is None:
        return None
    if "*" in value["origins"]:
        if len(value["origins"]) > 1:
            text = "found '*' beside others, expected it alone."
            findings.add(UNFIT, f"{where}.origins", text)
        if value["credentials"]:
            text = "browsers send none where every origin may ask."
            findings.add(UNFIT, f"{where}.credentials", text, "Name the origins.")
    return fill(Cors, value)
