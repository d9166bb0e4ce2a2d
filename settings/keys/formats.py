"""Texts of the stack file that have a form of their own: each check gives what was expected, or nothing."""

import base64
import ipaddress
import re
from urllib.parse import quote, urlsplit

from cloudflared import near
from cloudflared.keys import check_address
from settings.model import names
from values.kinds import Checked, Text, Whole

PORT = Whole(least=1, most=65535)
HEX_ID = Text(expected="32 lower-case hexadecimal digits", pattern="[0-9a-f]{32}")
PATH = Text(
    expected="an absolute path without blanks, quotes, braces, '\\', '*' and '$'",
    pattern=r"/[^\s\"'`{}\\$*?\[\]]*",
)
FOLDER = Text(
    expected="an absolute path below '/' without blanks, quotes, braces, '\\', '*', '$', '%', ':', '//', '.' and '..'",
    pattern=r"(?:/(?!\.{1,2}(?:/|$))[^/\s\"'`{}\\$*?\[\]%:]+)+/?",
)
"""Where the unit, tmpfiles and the user's home have it: `%` is a specifier there, and ':' ends a field of passwd."""
WORD = Text(
    expected="a name of at most 31 letters, digits, '_', '-' and '.'",
    pattern=r"(?![0-9.]+$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}",
)
"""A user or group, as NixOS and useradd take it; systemd refuses one of digits alone."""
LOGIN = Text(
    expected="a user's name without blanks, ':', '/' and quotes",
    pattern=r"(?!-)[^\s:/\"'`$;&|<>(){}\x00-\x1f]{1,256}",
)
"""Whom an SSH server knows: also names of a directory, such as 'alice@example.com' and 'EXAMPLE\\alice'."""
UNIT = Text(
    expected="a unit's name without '.service'",
    pattern=r"[A-Za-z0-9_@-][A-Za-z0-9_.@-]*(?<!\.service)",
)
COMMENT = Text(expected="at most 100 characters", pattern=".{1,100}")
SNIPPET = Text(
    expected="a name of letters, digits, '_' and '-' that does not begin with 'argoweb'",
    pattern=r"(?!argoweb)[A-Za-z][A-Za-z0-9_-]*",
)
PLAIN = Text(expected="a text without blanks", pattern=r"\S+")
ARGUMENT = Text(expected="a text without blanks around it", pattern=r"\S(?:.*\S)?")
SERVER_NAME = Text(
    expected="a name of a-z, 0-9 and '-'", pattern=r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
TUNNEL_NAME = Text(expected="at most 100 characters", pattern=".{1,100}")
GIT_URL = Text(expected="a Git URL", pattern=r"(?:https|http|ssh|git)://\S+")
FLAKE = Text(
    expected="an absolute path such as '/etc/nixos#web1', or a flake's URL with its scheme, without blanks",
    pattern=r"(?:/|[a-z][a-z0-9+]*:)\S+",
)
"""A relative one would be looked for in the folder in which the server happens to work."""
REVISION = Text(expected="a tag or commit", pattern=r"[A-Za-z0-9_./-]+")
SRI_HASH = Text(expected="an SRI hash 'sha256-…'", pattern=r"sha256-[A-Za-z0-9+/]{43}=")
VERSION = Text(expected="a version such as '2026.8.2'", pattern=r"[0-9A-Za-z.+-]+")
_KEY_TYPE = re.compile(r"(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521))")

_ED25519_BYTES = 32
"""RFC 8709, 4."""


def _check_host_key(text: str) -> str | None:
    expected = "a line 'type key' as `ssh-keyscan -t ed25519 HOST` prints it, without the host"
    words = text.split()
    if len(words) < 2 or not _KEY_TYPE.fullmatch(words[0]):
        return expected
    try:
        blob = base64.b64decode(words[1], validate=True)
    except ValueError:
        return expected
    name, fields = words[0].encode(), _split_fields(blob)
    sound = (
        len(fields) == 2 and len(fields[1]) == _ED25519_BYTES
        if name == b"ssh-ed25519"
        else len(fields) == 3 and all(fields)
    )
    return None if sound and fields[0] == name else f"{expected}, to its end"


def _split_fields(blob: bytes) -> list[bytes]:
    """Gives the fields of a key in SSH's wire form, each after its length (RFC 4253, 6.6); none where it was cut."""
    found = []
    while blob:
        end = 4 + int.from_bytes(blob[:4], "big")
        if len(blob) < max(end, 4):
            return []
        found.append(blob[4:end])
        blob = blob[end:]
    return found


def _check_name(text: str) -> str | None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if re.fullmatch(r"[0-9.]+", text) or not re.fullmatch(
            r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", text
        ):
            return "an IP address without brackets, or a host name"
    return None


def _find_problem(text: str) -> str | None:
    match = re.fullmatch(
        r"(?:(https?|h2c)://)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?|unix//(?!~)[^\s\"'`{}\\|]+",
        text,
    )
    if match is None or (match[2] and not 1 <= int(match[2]) <= 65535):
        return "an address such as '127.0.0.1:3000', 'https://10.0.0.5' or 'unix//run/app.sock'"
    if not match[1] and not match[2] and not text.startswith("unix/"):
        return "an address with a port, such as '127.0.0.1:3000'"
    if (match[1], match[2]) in {("https", "80"), ("http", "443"), ("h2c", "443")}:
        return f"another port than {match[2]} for '{match[1]}://'"
    return None


def _check_folder(text: str) -> str | None:
    if re.fullmatch(PATH.pattern or "", text):
        page = re.search(r"/[^/]+\.(?:x?html?|php)$", text)
        return page and f"a folder, not a page in it; perhaps '{text[: page.start()]}'"
    return PATH.expected + ("" if _find_problem(text) else f"; perhaps `proxy: {text}`")


PROXY_HOST = Text(
    expected="a host such as 'app.internal' or 'app.internal:8443'",
    pattern=r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?",
)


def _check_upstream(text: str) -> str | None:
    problem = _find_problem(text)
    return problem and problem + _suggest_upstream(text)


_SOCKET = re.compile(r"^unix|\.sock(?:et)?$|^/(?:var/)?run/")


def _suggest_upstream(text: str) -> str:
    """Writes `; perhaps 'UPSTREAM'` for a text that is nearly one, and nothing for another one."""
    if len(several := re.split(r"[\s,;]+", text)) > 1 and not any(map(_find_problem, several)):
        return "; several are a list"
    if text.startswith("/") and not _SOCKET.search(text) and re.fullmatch(PATH.pattern or "", text):
        return f"; perhaps `root: {text}`"
    scheme, separator, rest = text.rpartition("://")
    host = rest.partition("/")[0]
    candidates = [
        f"127.0.0.1:{text.removeprefix(':')}",
        f"unix/{text.removeprefix('unix:').removeprefix('//')}" if _SOCKET.search(text) else "",
        f"unix/{re.sub('^(https?[+]unix|unix[+]https?|https?://unix):/*', '/', text)}",
        f"{scheme}{separator}{near.put_in_brackets(host)}" if near.put_in_brackets(host) else "",
        f"{scheme}{separator}{host}" if host else "",
        f"http://{host}" if separator and ":" in host else "",
    ]
    return next((f"; perhaps '{each}'" for each in candidates if _find_problem(each) is None), "")


def _check_redirect(text: str) -> str | None:
    if not re.fullmatch(r"(?:https?://|/)[^\s\"`\\]*", text) or "{$" in text:
        return "a URL, in which Caddy's '{uri}' may stand for the path and the query"
    if write_ascii(text) is None:
        return "a URL whose host every resolver writes alike; give it in punycode ('xn--…')"
    return None


def write_ascii(url: str) -> str | None:
    """Writes a redirect's target as it stands in a header: its host in punycode, the rest escaped (RFC 3986).

    `None` where the host has no punycode that everybody agrees on.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or "{" in scheme or "/" in scheme:
        return _escape(url)
    host = re.split(r"[/?#:]", rest, maxsplit=1)[0]
    try:
        named = host if host.isascii() else names.normalise(host)
    except names.HostnameError:
        return None
    return f"{scheme}://{named}{_escape(rest[len(host) :])}"


def _escape(text: str) -> str:
    return "".join(c if c.isascii() else quote(c, errors="replace") for c in text)


def _check_health_url(text: str) -> str | None:
    try:
        host = re.fullmatch(r"https?://[!-~]+", text) and urlsplit(text).hostname
    except ValueError:
        host = None
    return None if host else "an http(s) URL of ASCII characters"


HOST_KEY = Checked(check=_check_host_key, example="ssh-ed25519 AAAA…", kind="a host key")
ADDRESS = Checked(check=_check_name, example="192.0.2.10", kind="an IP address or host name")
IP = Checked(check=check_address, example="127.0.0.1", kind="an IP address")
ROOT = Checked(check=_check_folder, example="/srv/www", kind=PATH.expected, pattern=PATH.pattern)
UPSTREAM = Checked(check=_check_upstream, example="127.0.0.1:3000", kind="an address")
REDIRECT = Checked(check=_check_redirect, example="https://www.example.com{uri}", kind="a URL")
HEALTH_URL = Checked(check=_check_health_url, example="http://127.0.0.1:8080/", kind="a URL")
