"""The target of a request as Go's `net/url` reads and writes it."""

import re
import string
from urllib.parse import unquote_to_bytes

_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-_.~")
_LEFT_IN_A_PATH = _UNRESERVED | set("$&+,/:;=@")
"""What Go does not escape when it writes a path."""
_VALID_IN_A_PATH = _LEFT_IN_A_PATH | set("!'()*[]%")
"""What may stand there as it was sent."""


class BadTarget(Exception):
    """Go cannot read it."""


def decoded_path(target: str) -> str:
    """The path that a rule is matched with, without its escapes.

    Raises:
        BadTarget: a percent sign without two digits.
    """
    path = target.partition("?")[0]
    if _ESCAPE.search(path):
        raise BadTarget(f'invalid URL escape in "{path}"')
    return unquote_to_bytes(path.encode("latin-1")).decode(errors="replace")


def as_sent(target: str) -> str:
    """The target as the service gets it: as it came, unless its path has what must be escaped."""
    path, question, query = target.partition("?")
    if all(character in _VALID_IN_A_PATH for character in path):
        return target
    content = unquote_to_bytes(path.encode("latin-1"))
    escaped = "".join(
        chr(byte) if chr(byte) in _LEFT_IN_A_PATH else f"%{byte:02X}" for byte in content
    )
    return f"{escaped}{question}{query}"
