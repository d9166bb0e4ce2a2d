"""Kinds of warnings that a server's program gives during an update: `remote/` gives each by its code.

They stand here since `argoweb:accept`, which is read before, may name them.
"""

from values.findings import Kind, Severity, make_warning

KINDS = (
    Kind(
        "cloudflared-bad",
        "A version of cloudflared with a known fault runs.",
        Severity.WARNING,
        Severity.WARNING,
        "Update nixpkgs, or set argoweb:package.",
    ),
    Kind(
        "root-missing",
        "The folder of a site is not on a server, or not for Caddy: its visitors find nothing.",
        Severity.WARNING,
        Severity.WARNING,
        "Put it there, readable for Caddy's user, or correct the site's `root`.",
    ),
    make_warning(
        "caddy-beside",
        "The server's own configuration of Caddy has sites that take requests before the stack's.",
    ),
    make_warning(
        "caddy-visitor", "Caddy takes cloudflared for the visitor, and tells sites its address."
    ),
    make_warning(
        "caddy-unchecked",
        "Caddy's files go to a server unchecked, since its unit needs a file that is not there yet.",
    ),
    make_warning(
        "switch-script", "An activation script of the server fails when its system is switched."
    ),
    make_warning("switch-units", "Units of the server fail when its system is switched."),
)
CODES = frozenset(kind.code for kind in KINDS)
