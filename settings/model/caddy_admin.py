"""Finds where Caddy's admin interface listens, which a global option of the user's own may move."""

from dataclasses import dataclass

from settings.caddyfile.statements import list_directives
from settings.model.stack import Caddy

_DEFAULT = "127.0.0.1:2019"


@dataclass(frozen=True, kw_only=True)
class Admin:
    """Caddy's admin interface, which takes orders from whoever reaches it."""

    given: str
    """The words of the global option; empty without one."""
    host: str = ""
    port: int = 0
    """0: it has none, since it is off or at a socket."""
    socket: str = ""


def find_admin(caddy: Caddy) -> Admin:
    """Finds the admin interface of the Caddy that serves the sites."""
    options = (each for each in list_directives(caddy.global_options) if each.name == "admin")
    given = next((word for each in options for word in each.arguments), "")
    if given.startswith("unix/"):
        return Admin(given=given, socket=given.removeprefix("unix/").partition("|")[0])
    host, _, port = (given or _DEFAULT).removeprefix("tcp/").rpartition(":")
    return Admin(given=given, host=host or "::", port=int(port) if port.isdecimal() else 0)
