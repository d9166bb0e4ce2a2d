"""What an application covers: a host and a path, each with wildcards.

As the page "Application paths" of Cloudflare's documentation has it. Paths are compared as they were sent, their
escapes decoded once and nothing cleaned, which is the least careful way that an edge could have.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from ..errors import InvalidAccessRequest

_UNSUPPORTED = re.compile(r"[:?#\s\\]|://")


@dataclass(frozen=True, kw_only=True)
class Destination:
    """`host` without a port; `path` begins with a slash, or is empty for all paths, which `/*` means too."""

    host: str
    path: str

    def covers(self, host: str, target: str) -> bool:
        """Whether a request for a target at a host belongs to it; an asterisk in a host stays within a label."""
        if not _matched(self.host, host.lower(), "[^.]*"):
            return False
        path = unquote(target.partition("?")[0])
        if not self.path:
            return True
        if "*" in self.path:
            return _matched(self.path, path, ".*")
        return path == self.path or path.startswith(self.path.rstrip("/") + "/")

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """Of two that cover a request, the one that ranks higher has it."""
        path = self.path
        return (
            -self.host.count("*"),
            len(self.host),
            len([part for part in path.split("/") if part.strip("*")]),
            len(path) - path.count("*"),
        )


def parsed(uri: object) -> Destination:
    """A destination's URI, such as app.example.com/admin/*.

    Raises:
        InvalidAccessRequest: it is none.
    """
    if not isinstance(uri, str) or not uri or _UNSUPPORTED.search(uri):
        raise InvalidAccessRequest(f"{uri!r} is not a hostname with an optional path")
    host, slash, rest = uri.partition("/")
    between = [*host.split("."), *rest.split("/")]
    if any(part.count("*") > 1 for part in between):
        raise InvalidAccessRequest(f"{uri!r} has more than one wildcard between dots or slashes")
    return Destination(host=host.lower(), path=slash + rest if rest not in ("", "*") else "")


def _matched(pattern: str, text: str, wildcard: str) -> bool:
    parts = map(re.escape, pattern.split("*"))
    return re.fullmatch(wildcard.join(parts), text, re.DOTALL) is not None
