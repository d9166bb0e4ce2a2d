"""The keys of `argoweb:access` and of a site's `access`."""

import ipaddress
import re
from datetime import datetime

from cloudflared.go.durations import read_seconds
from settings.keys import words
from settings.model.access import PUBLIC, SESSION
from values.kinds import UUID, Checked, Choice, Flag, ListOf, MapOf, Shape, Text, Whole
from values.remedies import SetKey
from values.tables import Key, Short, Table

TOKEN_DURATION = "8760h"
_LONGEST_SESSION = 31 * 24 * 3600
"""Seconds: a month, the most that Access keeps a session."""
_MOST_AGE = 86_400


def _check_network(text: str) -> str | None:
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        found = None
    if found is None or "%" in text:
        return "an IP address, or a network without bits behind its prefix, such as '192.0.2.0/24'"
    return None


def _check_time(text: str) -> str | None:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return "a time of UTC such as '2026-12-24T18:00:00Z'"
    return None if text.endswith("Z") else "a time of UTC such as '2026-12-24T18:00:00Z'"


def _check_session(text: str) -> str | None:
    length = read_seconds(text)
    if length is None or not 0 <= length <= _LONGEST_SESSION:
        return "a duration with its unit such as '12h', of a month (744h) at most"
    return None


def _check_lifetime(text: str) -> str | None:
    length = read_seconds(text)
    if text != "forever" and (length is None or length <= 0):
        return "a duration with its unit such as '8760h', or 'forever'"
    return None


def _check_url(text: str) -> str | None:
    found = re.fullmatch(rf"https://{_HOST}(?:[/?#][!-~]*)?", text, re.IGNORECASE)
    return None if found else "an https URL of ASCII characters, without a blank and a password"


def _check_origin(text: str) -> str | None:
    if text == "*" or re.fullmatch(rf"https://{_HOST}", text):
        return None
    return "an origin as browsers write it, such as 'https://app.example.com', without a path, or '*' for all"


_HOST = r"[a-z0-9_.-]+(?::[0-9]{1,5})?"
_INVISIBLE = r"\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
"""Characters that only change how those around them look."""
_NOT_IN_ADDRESSES = rf"\s@\"<>,;:\\()\[\]{_INVISIBLE}"
_LABEL = rf"(?!-)[^{_NOT_IN_ADDRESSES}.*?/=]+"
EMAIL = Text(
    expected="an e-mail address of at most 254 visible characters",
    pattern=rf"(?!\*@)(?=.{{1,254}}$)[^{_NOT_IN_ADDRESSES}]+@(?:{_LABEL}\.)+{_LABEL}",
)
"""RFC 5321, 4.5.3.1.3, without the angle brackets."""
_DOMAIN = Text(
    expected="an e-mail domain in lower case such as 'example.com', without '@' and '*'",
    pattern=r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
)
_COUNTRY = Text(expected="a country's two letters such as 'AT'", pattern=r"[A-Z][A-Z0-9]")
_NETWORK = Checked(check=_check_network, example="192.0.2.0/24", kind="an IP address or network")
_NAME = Text(
    expected=f"a name of a-z, 0-9 and '-' other than '{PUBLIC}'",
    pattern=rf"(?!{PUBLIC}$)[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?",
)
_TEAM = Text(
    expected="the team's name alone, as before '.cloudflareaccess.com'",
    pattern=r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
)
_MESSAGE = Text(expected="at most 1,000 characters", pattern=".{1,1000}")
_HEADER = Text(expected="a header's name", pattern=r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")


def _make_list(item: Shape, doc: str) -> Key:
    return Key(ListOf(item=item, single=True, least=1), doc)


_PEOPLE = {
    "emails": _make_list(EMAIL, "E-mail addresses."),
    "emailDomains": _make_list(_DOMAIN, "All addresses of these domains."),
    "loginMethods": _make_list(UUID, "Whoever logs in by these, each by its id (Zero Trust, Settings, Authentication)."),
    "externalGroups": _make_list(UUID, "Access groups that are there already, by id."),
}  # fmt: skip
_PLACES = {
    "ips": _make_list(_NETWORK, "IP addresses and networks."),
    "countries": _make_list(_COUNTRY, "Countries, by the two letters of ISO 3166."),
}
_TOKENS = {
    "serviceTokens": _make_list(_NAME, "Service tokens by name, which the stack makes."),
}
REQUIRE = Table(keys={**_PEOPLE, **_PLACES}, words=words.GROUP)
EXCLUDE = Table(keys={**_PEOPLE, **_PLACES, **_TOKENS}, words=words.GROUP)
GROUP = Table(
    keys={
        **_PEOPLE,
        **_PLACES,
        **_TOKENS,
        "anyServiceToken": Key(Flag(), "Every service token of the account.", False),
        "everyone": Key(Flag(), "Everybody who logs in, by whatever the account's login methods take.", False),
        "require": Key(REQUIRE, "What one of the above has to be too: each of these."),
        "exclude": Key(EXCLUDE, "Who stays outside all the same."),
    },
    words=words.GROUP,
)  # fmt: skip
_CORS = Table(
    keys={
        "origins": Key(
            shape=ListOf(item=Checked(check=_check_origin, example="https://app.example.com", kind="an origin"), single=True, least=1),
            doc="Origins that may ask, or '*' for all.",
            required=True,
        ),
        "methods": Key(ListOf(item=Choice(_METHODS), single=True, least=1), "Methods; none for all."),
        "headers": Key(ListOf(item=_HEADER, single=True, least=1), "Headers; none for all."),
        "credentials": Key(Flag(), "Whether the browser sends cookies, which a login needs.", False),
        "maxAge": Key(Whole(least=1, most=_MOST_AGE), "How long a browser keeps the answer.", unit="seconds"),
    },
    words=words.CORS,
)  # fmt: skip
_WHO = {
    "groups": Key(
        ListOf(item=Text(), single=True, least=1),
        f"Groups of `argoweb:access.groups` that may come in, or `{PUBLIC}`; a site that says neither this, policies nor an "
        "application takes all that it leaves out from `argoweb:access.default`.",
    ),
    "policies": _make_list(UUID, "Access policies that are there already, by id, behind those of the groups."),
}  # fmt: skip
_HOW = {
    "session": Key(Checked(check=_check_session, example="12h", kind="a duration with its unit"), "How long a login lasts.", otherwise=SESSION),
    "denyText": Key(_MESSAGE, "What somebody reads who may not come in."),
    "denyUrl": Key(Checked(check=_check_url, example="https://www.example.com/no", kind="an https URL"), "Where he is sent instead."),
    "sameSite": Key(Choice(("none", "lax", "strict")), "SameSite of the session's cookie; `strict` may make logins go in circles."),
    "bindingCookie": Key(Flag(), "A second cookie, without which a stolen first one is of no use.", otherwise="false"),
    "loginMethods": _make_list(UUID, "The only login methods that are offered, by id; a single one is taken at once."),
    "appLauncher": Key(Flag(), "Shows the site in the team's App Launcher.", otherwise="true"),
    "cors": Key(_CORS, "What Access answers to a browser's preflight requests; without it they are refused."),
}  # fmt: skip
SITE = Short(
    table=Table(
        keys={
            **_WHO,
            "application": Key(
                UUID,
                "An Access application of your own, by id, instead of groups and policies.",
            ),
            "except": Key(
                ListOf(item=Text(), single=True, least=1),
                "Paths for everybody, as '^/webhook/', '^/webhook$', '^/webhook(?:/|$)' or '^/webhook'.",
            ),
            **_HOW,
        },
        words=words.ACCESS,
    ),
    key="groups",
)
SERVICE_TOKEN = Table(
    keys={
        "duration": Key(
            Checked(
                check=_check_lifetime,
                example=TOKEN_DURATION,
                kind="a duration with its unit, or 'forever'",
            ),
            "How long it is valid, or `forever`.",
            TOKEN_DURATION,
        ),
        "secretVersion": Key(Whole(least=1), "Raise it by one for a new secret.", 1),
        "oldSecretUntil": Key(
            Checked(check=_check_time, example="2026-12-24T18:00:00Z", kind="a time of UTC"),
            "With a `secretVersion` above 1: until when the old secret is valid too.",
        ),
    }
)
ACCESS = Table(
    keys={
        "team": Key(
            shape=_TEAM,
            doc="The Zero Trust team's name, as before .cloudflareaccess.com.",
            remedy=("Set it with: ", SetKey("argoweb:access.team", "<the name before .cloudflareaccess.com>")),
            required=True,
        ),
        "groups": Key(MapOf(item=GROUP, key=_NAME), "Who may come in, by names of your choice.", {}),
        "default": Key(
            Short(table=Table(keys={**_WHO, **_HOW}, words=words.ACCESS), key="groups"),
            f"`access` of each site that has none of its own; `access: {PUBLIC}` at a site lets everybody in.",
        ),
        "serviceTokens": Key(
            MapOf(item=SERVICE_TOKEN, key=_NAME),
            "Service tokens that the stack makes; one that a group names alone is made too.",
            {},
        ),
    },
    words=words.ACCESS,
)  # fmt: skip
