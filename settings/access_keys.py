"""The keys of `argoweb:access` and of a site's `access`."""

import ipaddress
from urllib.parse import urlsplit

from cloudflared.go.durations import seconds
from settings import formats, words
from values.kinds import (
    Checked,
    Choice,
    Flag,
    Key,
    ListOf,
    MapOf,
    Shape,
    Short,
    Table,
    Text,
    Whole,
)

PUBLIC = "public"
"""In the place of a group: a site for everybody, without a login."""
SESSION, TOKEN_DURATION = "24h", "8760h"
_LONGEST_SESSION = 31 * 24 * 3600
"""Seconds: a month, the most that Access keeps a session."""
_MOST_AGE = 86_400


def _key(shape: Shape, doc: str, default: object = None, unit: str = "") -> Key:
    return Key(shape=shape, doc=doc, default=default, unit=unit)


def _network(text: str) -> str | None:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return "an IP address, or a network without bits behind its prefix, such as '192.0.2.0/24'"
    return None


def _session(text: str) -> str | None:
    length = seconds(text)
    if length is None or not 0 <= length <= _LONGEST_SESSION:
        return "a duration with its unit such as '12h', of a month (744h) at most"
    return None


def _lifetime(text: str) -> str | None:
    length = seconds(text)
    if text != "forever" and (length is None or length <= 0):
        return "a duration with its unit such as '8760h', or 'forever'"
    return None


def _url(text: str) -> str | None:
    try:
        host = urlsplit(text).hostname
    except ValueError:
        host = None
    return (
        None
        if host and text.startswith("https://") and text.isascii()
        else "an https URL of ASCII characters"
    )


def _origin(text: str) -> str | None:
    if text != "*" and (_url(text) is not None or urlsplit(text).path or urlsplit(text).query):
        return "an origin such as 'https://app.example.com', without a path, or '*' for all"
    return None


_EMAIL = Text(expected="an e-mail address", pattern=r"[^\s@\"<>,;]+@[^\s@\"<>,;]+\.[^\s@\"<>,;]+")
_DOMAIN = Text(
    expected="an e-mail domain in lower case such as 'example.com', without '@' and '*'",
    pattern=r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
)
_COUNTRY = Text(expected="a country's two letters such as 'AT'", pattern=r"[A-Z][A-Z0-9]")
_NETWORK = Checked(check=_network, example="192.0.2.0/24")
_NAME = Text(
    expected=f"a name of a-z, 0-9 and '-' other than '{PUBLIC}'",
    pattern=rf"(?!{PUBLIC}$)[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?",
)
_TEAM = Text(
    expected="the team's name alone, as before '.cloudflareaccess.com'",
    pattern=r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
)
_TIME = Text(
    expected="a time such as '2026-12-24T18:00:00Z'",
    pattern=r"20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z",
)
_MESSAGE = Text(expected="at most 1,000 characters", pattern=".{1,1000}")
_HEADER = Text(expected="a header's name", pattern=r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")


def _list(item: Shape, doc: str) -> Key:
    return _key(ListOf(item=item, single=True, least=1), doc)


_PEOPLE = {
    "emails": _list(_EMAIL, "E-mail addresses."),
    "emailDomains": _list(_DOMAIN, "All addresses of these domains."),
    "loginMethods": _list(formats.UUID, "Whoever logs in by these, each by its id (Zero Trust, Settings, Authentication)."),
    "externalGroups": _list(formats.UUID, "Access groups that are there already, by id."),
}  # fmt: skip
_PLACES = {
    "ips": _list(_NETWORK, "IP addresses and networks."),
    "countries": _list(_COUNTRY, "Countries, by the two letters of ISO 3166."),
}
_TOKENS = {
    "serviceTokens": _list(_NAME, "Service tokens by name, which the stack makes."),
}
REQUIRE = Table(keys={**_PEOPLE, **_PLACES}, words=words.GROUP)
EXCLUDE = Table(keys={**_PEOPLE, **_PLACES, **_TOKENS}, words=words.GROUP)
GROUP = Table(
    keys={
        **_PEOPLE,
        **_PLACES,
        **_TOKENS,
        "anyServiceToken": _key(Flag(), "Every service token of the account.", False),
        "everyone": _key(Flag(), "Everybody who logs in, by whatever the account's login methods take.", False),
        "require": _key(REQUIRE, "What one of the above has to be too: each of these."),
        "exclude": _key(EXCLUDE, "Who stays outside all the same."),
    },
    words=words.GROUP,
)  # fmt: skip
_CORS = Table(
    keys={
        "origins": Key(
            shape=ListOf(item=Checked(check=_origin, example="https://app.example.com"), single=True, least=1),
            doc="Origins that may ask, or '*' for all.",
            required=True,
        ),
        "methods": _key(ListOf(item=Choice(_METHODS), single=True, least=1), "Methods; none for all."),
        "headers": _key(ListOf(item=_HEADER, single=True, least=1), "Headers; none for all."),
        "credentials": _key(Flag(), "Whether the browser sends cookies, which a login needs.", False),
        "maxAge": _key(Whole(least=1, most=_MOST_AGE), "How long a browser keeps the answer.", unit="seconds"),
    },
    words=words.CORS,
)  # fmt: skip
_WHO = {
    "groups": _key(
        ListOf(item=Text(), single=True, least=1),
        f"Groups of `argoweb:access.groups` that may come in, or `{PUBLIC}`; none for those of `argoweb:access.default`.",
    ),
    "policies": _list(formats.UUID, "Access policies that are there already, by id, behind those of the groups."),
}  # fmt: skip
_HOW = {
    "session": _key(Checked(check=_session, example="12h"), "How long a login lasts.", SESSION),
    "denyText": _key(_MESSAGE, "What somebody reads who may not come in."),
    "denyUrl": _key(Checked(check=_url, example="https://www.example.com/no"), "Where he is sent instead."),
    "sameSite": _key(Choice(("none", "lax", "strict")), "SameSite of the session's cookie; `strict` may make logins go in circles."),
    "bindingCookie": _key(Flag(), "A second cookie, without which a stolen first one is of no use.", False),
    "loginMethods": _list(formats.UUID, "The only login methods that are offered, by id; a single one is taken at once."),
    "appLauncher": _key(Flag(), "Shows the site in the team's App Launcher.", True),
    "cors": _key(_CORS, "What Access answers to a browser's preflight requests; without it they are refused."),
}  # fmt: skip
SITE = Short(
    table=Table(
        keys={
            **_WHO,
            "application": _key(
                formats.UUID,
                "An Access application of your own, by id, instead of groups and policies.",
            ),
            "except": _key(
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
        "duration": _key(
            Checked(check=_lifetime, example=TOKEN_DURATION),
            "How long it is valid, or `forever`.",
            TOKEN_DURATION,
        ),
        "secretVersion": _key(Whole(least=1), "Raise it by one for a new secret.", 1),
        "oldSecretUntil": _key(
            _TIME, "With a `secretVersion` above 1: until when the old secret is valid too."
        ),
    }
)
ACCESS = Table(
    keys={
        "team": Key(
            shape=_TEAM,
            doc="The Zero Trust team's name, as before .cloudflareaccess.com.",
            remedy="Set it with: pulumi config set --path argoweb:access.team <the name before .cloudflareaccess.com>",
            required=True,
        ),
        "groups": _key(MapOf(item=GROUP, key=_NAME), "Who may come in, by names of your choice.", {}),
        "default": _key(
            Short(table=Table(keys={**_WHO, **_HOW}, words=words.ACCESS), key="groups"),
            f"`access` of each site that has none of its own; `access: {PUBLIC}` at a site lets everybody in.",
        ),
        "serviceTokens": _key(
            MapOf(item=SERVICE_TOKEN, key=_NAME),
            "Service tokens that the stack makes; one that a group names alone is made too.",
            {},
        ),
    },
    words=words.ACCESS,
)  # fmt: skip
