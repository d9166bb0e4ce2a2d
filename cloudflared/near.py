"""What was probably meant by a service or a hostname that cannot be: each suggestion is one that is taken."""

import difflib
import ipaddress
import re
import unicodedata
from collections.abc import Iterator

from cloudflared import services
from cloudflared.go import idna
from cloudflared.go.regexp import Pattern
from cloudflared.services import ServiceError

_STATUS = re.compile(r"(?:[A-Za-z]+://)?([A-Za-z_ -]*?)[:/=_ -]*([1-5][0-9]{2})/?")
_STATUSES = ("200", "401", "403", "404", "410", "418", "500", "501", "502", "503", "504")
"""Numbers that by themselves are rather a status than a port."""
_STATUS_WORDS = ("httpstatus", "httpstatuscode", "status", "statuscode", "http")
_WORDS = {
    re.compile(r"(?:https?://)?hello[-_ ]?world:?/?", re.IGNORECASE): "hello_world",
    re.compile(r"socks[-_ ]?(?:proxy|5|5[-_ ]?proxy)?:?(?://.*)?", re.IGNORECASE): "socks-proxy",
    re.compile(r"bastion[-_ ]?(?:mode|host)?:?", re.IGNORECASE): "bastion",
}
_NO_HOSTS = ("true", "false", "yes", "no", "on", "off", "null", "none")
_UNSEEN = re.compile("[\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
"""Characters without a width, as texts have them that were copied."""
_BROKEN = re.compile(r"(https?|wss?|tcp|ssh|rdp|smb)[:;]?/{0,3}[:;]?/{0,3}(?=[^/])(.+)", re.IGNORECASE)  # fmt: skip
_SCHEME = re.compile(r"([A-Za-z]\w*)://(.+)")
_HOSTNAME = re.compile(
    r"(?:[A-Za-z][\w+.-]*:/{1,3})?(?:[^/@\s]*@)?([^/:\s?#@]+\.[^/:\s?#@]+?)\.?(?::[0-9]+)?(/[^\s?#]*)?(?:[?#]\S*)?"
)


def suggest_service(text: str) -> str:
    """Writes `; perhaps 'SERVICE'` for a text that is nearly a service, and nothing for another one."""
    found = find_likely_service(text)
    return f"; perhaps '{found}'" if found else ""


def find_likely_service(text: str) -> str | None:
    """Finds the service that a text is nearly, also if the text itself is one; `None` if there is none."""
    return next((found for found in _list_services(text.strip()) if _is_taken(found, text)), None)


def _is_taken(found: str, instead_of: str) -> bool:
    try:
        return found != instead_of and services.find_doubt(found, services.parse(found)) is None
    except ServiceError:
        return False


def _list_services(text: str) -> Iterator[str]:
    if (status := _STATUS.fullmatch(text)) is not None:
        word = re.sub("[^a-z]", "", status[1].lower())
        if (not word and status[2] in _STATUSES) or difflib.get_close_matches(
            word, _STATUS_WORDS, n=1, cutoff=0.8
        ):
            yield f"http_status:{status[2]}"
    yield from (word for pattern, word in _WORDS.items() if pattern.fullmatch(text))
    bare = _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).strip("\"'`")
    if bare != text:
        yield bare
        yield from _list_services(bare)
    if re.fullmatch(r":?[0-9]{2,5}", text):
        yield f"http://localhost:{text.removeprefix(':')}"
    if (
        socket := re.fullmatch(
            r"(?:(?:https?\+)?(unix)(?:\+https?)?|https?://(unix)):/+([^\s:/~][^\s:]*):?", text
        )
    ) is not None:
        yield f"unix:/{socket[3]}"
    if (socket := re.fullmatch(r"(?:(unix(?:\+tls)?)[:/]+(?!~)|/)([^\s:/]\S*)", text)) is not None:
        yield f"{socket[1] or 'unix'}:/{socket[2]}"
    scheme, separator, rest = text.rpartition("://")
    if (address := put_in_brackets(rest.rstrip("/"))) is not None:
        yield f"{scheme}{separator}{address}" if scheme else f"http://{address}"
    if (twice := re.fullmatch(r"\w+://(\w+://[^/]+?)/?", text)) is not None:
        yield twice[1]
    if (
        url := re.fullmatch(r"(\w+://)(?:[^/@\s]*@)?([^/?#]+[^/:?#])(?:[/?#]\S*)?", text)
    ) is not None:
        yield url[1] + url[2]
    if (found := _SCHEME.fullmatch(text)) is not None:
        near = difflib.get_close_matches(found[1].lower(), ("http", "https"), n=1, cutoff=0.8)
        yield from (f"{scheme}://{found[2]}" for scheme in near)
    elif (found := _BROKEN.fullmatch(text)) is not None and text[len(found[1])] in ":;/":
        yield f"{found[1].lower()}://{found[2].rstrip('/')}"
    if text.lower() in _NO_HOSTS:
        return
    if re.fullmatch(r"[\w.-]+(?::[0-9]{1,5})?/?|\[[0-9A-Fa-f:]+\](?::[0-9]{1,5})?/?", text):
        yield f"http://{text.rstrip('/')}"


def suggest_path(text: str) -> str:
    """Writes `; perhaps 'PATTERN'` for a path that is written as shells write names, and nothing for another one."""
    if re.fullmatch(r"/?\*+", text):
        return "; leave it out for every path"
    if not re.fullmatch(r"[\w/.*-]+", text) or "*" not in text or not re.search(r"\w", text):
        return ""
    inner = re.sub(r"(?:\\\*)+", ".*", re.escape(text)).replace(r"\-", "-")
    pattern = f"^{inner}$" if text.startswith("/") else f"{inner.removeprefix('.*')}$"
    pattern = pattern.removesuffix(".*$") if pattern.endswith(".*$") else pattern
    return f"; perhaps '{pattern}'" if Pattern(pattern).anchored else ""


def put_in_brackets(text: str) -> str | None:
    """Puts an IPv6 address, with a port or without, into the brackets that a URL needs; `None` for another text."""
    host, _, port = text.rpartition(":")
    for address, end in ((host, f":{port}"), (text, "")):
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            continue
        if not end or re.fullmatch(r":[0-9]{2,5}", end):
            return f"[{address}]{end}"
    return None


def suggest_hostname(text: str) -> str:
    """Writes `; perhaps `hostname: HOSTNAME``, with its path, for a URL or the like, and nothing for another text."""
    found = _HOSTNAME.fullmatch(text.strip())
    if found is None or not set(text) & set("/:@?# "):
        return ""
    prefix, name = ("*.", found[1][2:]) if found[1].startswith("*.") else ("", found[1])
    hostname = idna.look_up_name(name)
    if not hostname or "." not in hostname or prefix + hostname == text:
        return ""
    path = (
        f" and `path: ^{re.escape(found[2].rstrip('/'))}`" if (found[2] or "/").strip("/") else ""
    )
    return f"; perhaps `hostname: {prefix}{hostname}`{path}"
