"""Where lines of the user's own for Caddy lead, and the files that they name."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from settings.caddyfile import Statement, statements

_PROXIES = ("reverse_proxy", "php_fastcgi")
_TRUSTING = (
    "tls_insecure_skip_verify", "tls_trust_pool", "tls_trusted_ca_certs", "tls_trusted_ca_pool", "tls_server_name",
)  # fmt: skip
"""Of `transport http`: what makes a certificate valid that no public CA has signed for that address."""
_GUARDS = (
    "basic_auth", "basicauth", "forward_auth", "authenticate", "authorize", "jwtauth", "client_ip", "import",
)  # fmt: skip
"""Directives that may refuse a visitor, some of them of plugins; what `import` brings in is not known."""
_FILES = {
    "root": -1,
    "import": 0,
    "tls_trusted_ca_certs": 0,
    "tls_client_auth": 0,
}
"""Directives that name a file or a folder, and which of their arguments it is."""
_READ = re.compile(r"\{file\.([^{}]+)\}")


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """What Caddy passes requests to."""

    address: str
    """As Caddy takes it: `host:port`, a URL without a path, or `unix//path`."""
    trusted: bool
    """Whether something is said about its certificate."""


def upstreams(lines: str) -> Iterator[Upstream]:
    """What lines pass requests to, but for addresses with placeholders."""
    found = statements(lines)
    for index, each in enumerate(found):
        if each.name not in _PROXIES:
            continue
        inner = list(inside(found, index))
        trusted = any(other.name in _TRUSTING for other in inner)
        given = [*_without_matcher(each.arguments)]
        given += [word for other in inner if other.name == "to" for word in other.arguments]
        for word in given:
            if "{" not in word:
                address = f"localhost{word}" if word.startswith(":") else word
                yield Upstream(address=address, trusted=trusted)


def believes_visitors(lines: str) -> Iterator[int]:
    """The lines with a `forward_auth` that asks about the host which a visitor names."""
    found = statements(lines)
    for index, each in enumerate(found):
        said = [
            [word.lower() for word in other.arguments[:1]]
            for other in inside(found, index)
            if other.name == "header_up"
        ]
        if each.name == "forward_auth" and ["x-forwarded-host"] not in said:
            yield each.line


def inside(found: Sequence[Statement], index: int) -> Iterator[Statement]:
    """The statements in the block of one."""
    depth = len(found[index].within)
    if not found[index].opens:
        return
    for each in found[index + 1 :]:
        if len(each.within) <= depth:
            return
        yield each


def _without_matcher(arguments: Sequence[str]) -> Sequence[str]:
    return arguments[1:] if arguments and arguments[0].startswith(("@", "/", "*")) else arguments


def roots(lines: str) -> Iterator[str]:
    """The folders whose files lines serve."""
    for each in statements(lines):
        if each.name == "root" and each.arguments:
            yield each.arguments[-1]


def files(lines: str) -> Iterator[str]:
    """The absolute paths that lines name as files, folders and sockets."""
    for each in statements(lines):
        words = each.arguments
        named = [words[_FILES[each.name]]] if words and each.name in _FILES else []
        if each.name in ("output", "tls_trust_pool", "trust_pool") and words[:1] == ("file",):
            named += words[1:]
        for word in words:
            named += _READ.findall(word)
        yield from (path for path in named if path.startswith("/"))
    for upstream in upstreams(lines):
        if upstream.address.startswith("unix"):
            yield upstream.address.partition("/")[2]


def may_refuse(lines: str) -> bool:
    """Whether lines have a directive that may refuse a visitor."""
    return any(
        name in _GUARDS for each in statements(lines) for name in (each.name, *each.arguments[:2])
    )
