"""URLs as Go's `net/url` takes them (Go 1.26), for services and for the command `rule`.

Bytes that are no UTF-8 become lone surrogates, as `surrogateescape` decodes them.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PORT = re.compile(r"(?::[0-9]*)?")
_USER = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
_HOST_MARKS = "!$&'()*+,;=:[]<>\""
_HOST = re.compile(rf"[A-Za-z0-9._~%{re.escape(_HOST_MARKS)}\x80-\U0010ffff-]*")
_ZONE_BYTE = re.compile(rf"[A-Za-z0-9._~ {re.escape(_HOST_MARKS)}-]")
_USER_MARKS = "$&+,;="
_FRAGMENT_MARKS = "$&+,/:;=?@!()*"
_RAW_FRAGMENT = re.compile(r"[A-Za-z0-9._~$&+,/:;=?@!()*'\[\]%-]*")


class UrlError(ValueError):
    """Go refuses the URL; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Url:
    """A URL in its parts."""

    scheme: str = ""
    """In lower case."""
    user: str | None = None
    """User and password, encoded."""
    host: str = ""
    """Decoded, with the port, and with an IPv6 address in brackets."""
    path: str = ""
    """Decoded."""
    query: str = ""
    """With its question mark."""
    fragment: str = ""
    """Encoded, without its `#`."""

    @property
    def hostname(self) -> str:
        """The host without port and brackets."""
        host = self._split[0]
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host

    @property
    def port(self) -> str:
        """The port's digits, if there are any."""
        return self._split[1]

    @property
    def _split(self) -> tuple[str, str]:
        host, colon, port = self.host.rpartition(":")
        return (host, port) if colon and _PORT.fullmatch(f":{port}") else (self.host, "")

    def __str__(self) -> str:
        """Writes the URL in one spelling; its path has to be empty, as a service's is."""
        user = "" if self.user is None else f"{self.user}@"
        host = quote(self.host, safe=_HOST_MARKS, errors="surrogateescape")
        return f"{self.scheme}://{user}{host}{self.query}" + (self.fragment and f"#{self.fragment}")


def parse(text: str) -> Url:
    """Reads a URL into its parts; one without `//` after its scheme has no host.

    Raises:
        UrlError: Go's `url.Parse` refuses it.
    """
    rest, _, fragment = text.partition("#")
    if _CONTROL.search(rest):
        raise UrlError("a control character")
    if rest == "*":
        return Url(path="*", fragment=_read_fragment(fragment))
    if rest.startswith(":"):
        raise UrlError("no scheme before the ':'")
    scheme = ""
    if (found := _SCHEME.fullmatch(rest)) is not None:
        scheme, rest = found[1].lower(), found[2]
    rest, mark, query = rest.partition("?")
    user, host, path = None, "", rest
    if not rest.startswith("/"):
        if scheme:
            return Url(scheme=scheme, query=mark + query, fragment=_read_fragment(fragment))
        if ":" in rest.partition("/")[0]:
            raise UrlError("a colon in the first part of a path")
    elif rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        user, host = _read_authority(scheme, authority)
        path = slash + path
    return Url(
        scheme=scheme,
        user=user,
        host=host,
        path=_unescape(path),
        query=mark + query,
        fragment=_read_fragment(fragment),
    )


def _unescape(text: str) -> str:
    if (bad := _BAD_ESCAPE.search(text)) is not None:
        raise UrlError(f"the escape '{text[bad.start() :][:3]}'")
    data = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
    return data.decode("utf-8", "surrogateescape")


def _read_fragment(text: str) -> str:
    plain = _unescape(text)
    if _RAW_FRAGMENT.fullmatch(text):
        return text
    return quote(plain, safe=_FRAGMENT_MARKS, errors="surrogateescape")


def _read_authority(scheme: str, authority: str) -> tuple[str | None, str]:
    user, at, host = authority.rpartition("@")
    host = _read_host(scheme, host)
    if not at:
        return None, host
    if not _USER.fullmatch(user):
        raise UrlError("a user name with such characters")
    words = [
        quote(_unescape(word), safe=_USER_MARKS, errors="surrogateescape")
        for word in user.split(":", 1)
    ]
    return ":".join(words), host


def _read_host(scheme: str, host: str) -> str:
    bracket = host.rfind("[")
    if bracket > 0:
        raise UrlError("a bracket inside of the host")
    if bracket == 0:
        address, closing, port = host[1:].rpartition("]")
        if not closing:
            raise UrlError("a '[' without its ']'")
        host = f"[{_read_address(address)}]"
    else:
        strict = scheme in ("http", "https")
        name, colon, port = host.partition(":") if strict else host.rpartition(":")
        if not colon:
            name, port = host, ""
        host, port = _unescape_host(name), colon + port
    if not _PORT.fullmatch(port):
        raise UrlError(f"the port '{port}'")
    return host + port


def _unescape_host(text: str, zone: bool = False) -> str:
    if not _HOST.fullmatch(text):
        raise UrlError("a host with such characters")
    plain = _unescape(text)
    for escape in re.findall("%..", text):
        byte = _unescape(escape)
        # In a zone an escape is for what could stand there without, elsewhere for what could not.
        allowed = _ZONE_BYTE.fullmatch(byte) if zone else not byte.isascii()
        if byte != "%" and not allowed:
            raise UrlError(f"the escape '{escape}' in the host")
    return plain


def _read_address(text: str) -> str:
    name, percent, zone = text.partition("%25")
    address = _unescape_host(name) + _unescape_host(percent + zone, zone=True)
    try:
        ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError as error:
        raise UrlError("brackets without an IPv6 address") from error
    if address.partition("%")[1:] == ("%", ""):
        raise UrlError("an empty zone")
    return address


def split_host_port(text: str) -> tuple[str, str] | None:
    """Splits host and port as Go's `net.SplitHostPort` does; `None` where it finds none."""
    host, colon, port = text.rpartition(":")
    if not colon:
        return None
    if text.startswith("["):
        host = host[1:]
        if not host.endswith("]"):
            return None
        host = host[:-1]
    elif ":" in host:
        return None
    return None if any(c in host + port for c in "[]") else (host, port)
