"""The keys of a site: its hostname and path, what answers there, its record."""

from cloudflared import ORIGIN_REQUEST
from settings.keys import formats, words
from settings.keys.access import SITE as ACCESS
from values.kinds import Choice, Either, Flag, ListOf, Text
from values.tables import Key, Table, describe_given, require

_DNS = Table(
    keys={
        "comment": Key(
            formats.COMMENT, "Comment of the record, before the mark of its owner, the stack."
        ),
        "tags": Key(
            ListOf(item=formats.PLAIN),
            "Tags of the record; a zone of the free plan takes none.",
            [],
        ),
        "adopt": Key(Flag(), "Whether a CNAME that is there already is taken over.", False),
    },
    words=words.DNS,
)

BACKENDS = ("root", "proxy", "redirect", "caddyfile", "service")
BESIDE = {"hiddenFiles": "root", "proxyHost": "proxy", "redirectStatus": "redirect"}
"""Keys of a site that belong to one of these."""

SITE = Table(
    keys={
        "hostname": require(
            ListOf(item=Text(expected="a hostname"), single=True, least=1),
            "Exact, or `*.` and a suffix; or a list of such. `*` alone takes what no other site takes, and has no record.",
        ),
        "path": Key(
            Text(),
            "Go regular expression on the path; none takes every path. Where a hostname has one, paths such as `//x` or `/x/../y` get 404.",
            "",
        ),
        "root": Key(formats.ROOT, "Folder on the server whose files Caddy serves."),
        "hiddenFiles": Key(
            Flag(),
            "Beside `root`: whether files and folders whose name begins with a dot are served too, not only those below /.well-known.",
            False,
        ),
        "proxy": Key(
            ListOf(item=formats.UPSTREAM, single=True, least=1),
            "Upstream, or several, to which Caddy passes requests.",
        ),
        "proxyHost": Key(
            formats.PROXY_HOST,
            "Beside `proxy`: the Host that the upstream gets; none for the visitor's.",
        ),
        "redirect": Key(
            formats.REDIRECT, "URL to which Caddy sends every visitor, with Caddy's placeholders."
        ),
        "redirectStatus": Key(
            Choice((301, 302, 303, 307, 308)),
            "Beside `redirect`: the status of the answer. 301 and 308 are permanent, 307 and 308 keep the method.",
            otherwise="302",
        ),
        "caddyfile": Key(Text(lines=True), "Caddy directives of your own, for this site."),
        "service": Key(Text(), "A service that cloudflared reaches without Caddy."),
        "originRequest": Key(
            ORIGIN_REQUEST,
            "How cloudflared reaches the site's service, key by key before the one of all sites.",
            {},
        ),
        "dns": Key(Either(other=_DNS), "The site's DNS record; false for none.", True),
        "access": Key(
            ACCESS,
            "Who may come in by Cloudflare Access: a group of `argoweb:access`, several, or these keys; or `public`.",
        ),
    },
    also={"oneOf": [describe_given(name) for name in BACKENDS]},
    words=words.SITE,
    inner="originRequest",
)
