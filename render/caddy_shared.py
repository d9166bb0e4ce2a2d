"""What blocks of Caddy's file have in common, written once: 500 sites would repeat it 500 times."""

from collections.abc import Iterable, Iterator

from cloudflared import UNCLEAN
from settings.model.stack import Caddy

SITE = "argoweb-site"
"""Snippet of every block: where it listens, and how its connections end."""

CLEAN = "argoweb-clean"
"""Named route that answers 404 to a path of which programs that clean paths make another one."""
VISITOR = "argoweb-visitor"
"""Named route that takes away what a visitor says of himself in the place of a proxy."""
_HIDDEN = "argoweb-hidden"
"""Named route by which files and folders whose name begins with a dot are not there."""
FILES = "argoweb-files"
"""Snippet that serves the files of the folder that is its argument, but for hidden ones."""
PROXY = "argoweb-proxy"
"""Snippet that hands a request on to the upstreams that are its arguments, under the visitor's Host."""
PROXY_AS = "argoweb-proxy-as"
"""Snippet that hands a request on under the Host that is its first argument, to the upstreams that are the others."""

LEAVES_WITHIN = "500ms"
"""How long a server that is to end goes on, as Caddy writes times."""

_MADE_UP = ("-X-Forwarded*", "-X-Real_*", "-X_*", "-Forwarded")
"""Header fields in which a visitor could speak for a proxy; gateways make one name of `X_Real_IP` and `X-Real-IP`."""
_ROUTES = {
    # The decoded path as cloudflared compares it: Caddy's own path matchers clean it first, and what `vars_regexp` makes
    # of it was expanded before Caddy 2.11.2 (CVE-2026-30852).
    CLEAN: (
        f'@argoweb-unclean expression `{{http.request.uri.path}}.matches(r"{UNCLEAN}")`',
        "respond @argoweb-unclean 404",
    ),
    # X-Forwarded-Proto is Cloudflare's own word.
    VISITOR: (
        "route {",
        "\tvars argoweb-proto {header.X-Forwarded-Proto}",
        *(f"\trequest_header {field}" for field in _MADE_UP),
        "\trequest_header X-Forwarded-For {client_ip}",
        "\trequest_header X-Forwarded-Host {hostport}",
        "\trequest_header X-Forwarded-Proto {vars.argoweb-proto}",
        "\trequest_header X-Real-IP {client_ip}",
        "}",
    ),
    # Those below /.well-known are for everybody (RFC 8615).
    _HIDDEN: (
        "@argoweb-hidden {",
        "\tpath_regexp /[.]",
        "\tnot path_regexp ^/[.]well-known(/[^./][^/]*)*/?$",
        "}",
        "error @argoweb-hidden 404",
    ),
}


def write_shared(blocks: str, caddy: Caddy) -> str:
    """Writes the parts that a text of blocks names, and where all blocks listen."""
    delay = f"stream_close_delay {caddy.stream_close_delay}s"
    snippets = {
        FILES: ("root * {args[0]}", f"invoke {_HIDDEN}", "file_server"),
        PROXY: _write_proxy("{args[:]}", delay),
        PROXY_AS: _write_proxy("{args[1:]}", "header_up Host {args[0]}", delay),
    }
    used = {name: lines for name, lines in snippets.items() if f"import {name} " in blocks}
    text = "".join(_write_named(f"({name})", lines) for name, lines in used.items())
    routes = "".join(
        _write_named(f"&({name})", lines)
        for name, lines in _ROUTES.items()
        if f" {name}\n" in text + blocks
    )
    site = [f"bind {' '.join(caddy.bind)}", *(_write_leaving(caddy.port) if caddy.manage else ())]
    return _write_named(f"({SITE})", site) + routes + text


def _write_leaving(port: int) -> Iterator[str]:
    """Writes what has visitors change to the new server in a reload before the old one ends, for `LEAVES_WITHIN`.

    Go's server gives no answer to what it reads after it was told to end, and over HTTP/2 cloudflared cannot ask again.
    So it says with each answer that the connection ends; what is opened instead is soon the new one's. Caddy does not
    wait for a server whose listeners the new configuration has too (modules/caddyhttp/app.go, `Stop`): one is named by
    when the configuration was loaded, so that a forced reload of the same text lets connections leave as well.
    """
    yield f"bind unix/@argoweb-{port}-{{time.now.unix_ms}}"
    yield "@argoweb-leaving {"
    yield "\tvars {http.shutting_down} true"
    yield "\tnot header Connection *Upgrade*"
    yield "}"
    yield "header @argoweb-leaving Connection close"


def put_routes_in_place(text: str) -> str:
    """Gives the text with each named route in its place: Caddy would count a request once more for each that it runs through."""
    for name in _ROUTES:
        text = text.replace(f"&({name}) {{", f"({name}) {{")
        text = text.replace(f"invoke {name}\n", f"import {name}\n")
    return text


def _write_named(name: str, lines: Iterable[str]) -> str:
    return "".join(
        f"{line}\n" for line in ("", f"{name} {{", *(f"\t{line}" for line in lines), "}")
    )


def _write_proxy(upstreams: str, *more: str) -> Iterator[str]:
    """Writes what does the same as the route for lines at less cost: of one handler's headers, those to be deleted go last."""
    yield f"request_header {_MADE_UP[0]}"
    yield f"reverse_proxy {upstreams} {{"
    yield from (f"\t{line}" for line in more)
    for field in (
        "X-Forwarded-For {client_ip}",
        "X-Forwarded-Proto https",
        "X-Real-IP {client_ip}",
        *_MADE_UP[1:],
    ):
        yield f"\theader_up {field}"
    yield "}"
