"""Finds in the user's own lines for Caddy where they lead, and which files they name."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from settings.caddyfile.statements import Statement, list_statements

_PROXIES = ("reverse_proxy", "php_fastcgi")
_TRUSTING = (
    "tls_insecure_skip_verify", "tls_trust_pool", "tls_trusted_ca_certs", "tls_trusted_ca_pool", "tls_server_name",
)  # fmt: skip
"""Options of `transport http`: what makes a certificate valid that no public CA has signed for that address."""
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
    php: bool = False
    """Whether it is asked by FastCGI."""


def list_upstreams(lines: str) -> Iterator[Upstream]:
    """Gives what lines pass requests to, but for addresses with placeholders."""
    for each, inner in _list_with_inner(lines, *_PROXIES):
        trusted = any(other.name in _TRUSTING for other in inner)
        php = each.name == "php_fastcgi" or any(
            other.name == "transport" and other.arguments[:1] != ("http",) for other in inner
        )
        for word in _list_given(each, inner):
            if "{" not in word:
                address = f"localhost{word}" if word.startswith(":") else word
                yield Upstream(address=address, trusted=trusted, php=php)


def _list_with_inner(lines: str, *names: str) -> Iterator[tuple[Statement, list[Statement]]]:
    """Gives the statements of these names, each with those in its block."""
    found = list_statements(lines)
    for index, each in enumerate(found):
        if each.name in names:
            yield each, list(list_inside(found, index))


_OF_VISITORS = re.compile(
    r"\{(?:header\.|cookie\.|query|path|uri|file(?!\.)|dir|re\.|http\.(?:request\.(?:header|cookie|uri|orig_uri|body)|regexp))[^{}]*\}"
)
"""Placeholders that a visitor has the say of; of the host he has it only as far as the sites' hostnames go."""


def find_choice(text: str) -> str | None:
    """Finds the placeholder of a text that a visitor has the say of; `None` if it has none."""
    found = _OF_VISITORS.search(text)
    return found[0] if found else None


def find_chosen_upstreams(lines: str) -> Iterator[tuple[int, str]]:
    """Finds the lines that pass requests to what a visitor names, and the placeholder by which he does."""
    for each, inner in _list_with_inner(lines, *_PROXIES):
        for word in _list_given(each, inner):
            if (placeholder := find_choice(word)) is not None:
                yield each.line, placeholder


def find_serving_anywhere(lines: str) -> Iterator[int]:
    """Finds the lines that serve files of no folder that is said: of the one in which Caddy works, which is '/' by systemd."""
    found = list_statements(lines)
    if any(each.name in ("root", "import") or "root" in each.arguments for each in found):
        return
    for each, inner in _list_with_inner(lines, "file_server"):
        if not any(other.name in ("root", "fs") for other in inner):
            yield each.line


def find_believing(lines: str) -> Iterator[int]:
    """Finds the lines with a `forward_auth` that asks about the host which a visitor names."""
    for each, inner in _list_with_inner(lines, "forward_auth"):
        said = (other.arguments[:1] for other in inner if other.name == "header_up")
        if not any(word.lower() == "x-forwarded-host" for words in said for word in words):
            yield each.line


def _list_given(proxy: Statement, inner: Iterable[Statement]) -> Iterator[str]:
    """Gives what a directive passes requests to, in its line and in the `to` of its block."""
    yield from _leave_out_matcher(proxy.arguments)
    yield from (word for other in inner if other.name == "to" for word in other.arguments)


def list_inside(found: Sequence[Statement], index: int) -> Iterator[Statement]:
    """Gives the statements in the block of one."""
    depth = len(found[index].within)
    if not found[index].opens:
        return
    for each in found[index + 1 :]:
        if len(each.within) <= depth:
            return
        yield each


def _leave_out_matcher(arguments: Sequence[str]) -> Sequence[str]:
    return arguments[1:] if arguments and arguments[0].startswith(("@", "/", "*")) else arguments


def list_roots(lines: str) -> Iterator[str]:
    """Gives the folders whose files lines serve."""
    for each in list_statements(lines):
        if each.name == "root" and each.arguments:
            yield each.arguments[-1]


def list_files(lines: str) -> Iterator[str]:
    """Gives the absolute paths that lines name as files, folders and sockets."""
    for each in list_statements(lines):
        words = each.arguments
        named = [words[_FILES[each.name]]] if words and each.name in _FILES else []
        if each.name in ("output", "tls_trust_pool", "trust_pool") and words[:1] == ("file",):
            named += words[1:]
        for word in words:
            named += _READ.findall(word)
        yield from (path for path in named if path.startswith("/"))
    for upstream in list_upstreams(lines):
        if upstream.address.startswith("unix"):
            yield upstream.address.partition("/")[2]


def may_refuse(lines: str) -> bool:
    """Whether lines have a directive that may refuse a visitor."""
    return any(
        name in _GUARDS
        for each in list_statements(lines)
        for name in (each.name, *each.arguments[:2])
    )
