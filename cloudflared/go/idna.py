"""Hostnames as Go's `idna.Lookup` takes them (`golang.org/x/net/idna`)."""

import re
import unicodedata
from functools import cache

_KEPT = "\u00df\u03c2\u200c\u200d"
"""Characters that IDNA 2008 keeps, though they fold into others."""
_IGNORED = re.compile(
    "[\u00ad\u034f\u180b-\u180f\u200b\u2060\u2064\ufe00-\ufe0f\ufeff\U0001bca0-\U0001bca3]"
)
_REFUSED = re.compile(
    "[\u04c0\u10a0-\u10c5\u115f\u1160\u17b4\u17b5\u1806\u180e\u2024-\u2026\u2132\u2183\u2260\u226e\u226f\u2488-\u249b"
    "\u2ff0-\u2ffb\u3164\u33c2\u33c7\u33d8\ufe12\ufe19\ufe30\ufe52\uffa0\ufffc\ufffd]"
)
"""Characters that Unicode has a mapping for and IDNA refuses: those of the basic plane of which Go said so."""
_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))
_LABEL = re.compile(r"(?!-)(?!..--.)[a-z0-9\x80-\U0010ffff-]*(?<!-)")
_RIGHT_TO_LEFT = re.compile(r"(?!.*E.*N)(?!.*N.*E)[RA](?:[RAENOM]*[RAEN])?M*")
_LEFT_TO_RIGHT = re.compile(r"L(?:[LEOM]*[LE])?M*")
_DIRECTIONS = {
    "L": "L",
    "R": "R",
    "AL": "A",
    "AN": "N",
    "EN": "E",
    "NSM": "M",
    **dict.fromkeys(("ES", "CS", "ET", "ON", "BN"), "O"),
}
_VIRAMA = 9
"""The combining class of a character after which a joiner may stand."""


@cache
def look_up_name(hostname: str) -> str | None:
    """Gives the hostname as DNS has it, in lower case and punycode; `None` for what IDNA refuses.

    IDNA takes letters, digits and hyphens only: no `_`, and not the `*` of a wildcard (`idna.Lookup` of Go).
    """
    mapped = "".join(map(_map, _IGNORED.sub("", hostname)))
    normal = unicodedata.normalize("NFC", mapped.translate(_DOTS))
    if _REFUSED.search(hostname + normal):
        return None
    labels = normal.split(".")
    try:
        shown = [_decode(label) for label in labels]
    except UnicodeError:
        return None
    if not all(map(_is_valid, shown)) or not _have_one_direction(
        [label for label in shown if label]
    ):
        return None
    return ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in shown
    )


def _map(character: str) -> str:
    if character in _KEPT:
        return character
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())


def _decode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    encoded = label.removeprefix("xn--")
    if encoded.rfind("-") == 0:
        raise UnicodeError  # which Python takes for an empty name's
    return encoded.encode("ascii").decode("punycode")


def _is_valid(label: str) -> bool:
    if not _LABEL.fullmatch(label) or (label and unicodedata.category(label[0])[0] == "M"):
        return False
    for before, character in zip(" " + label, label, strict=False):
        if character in "\u200c\u200d":
            if unicodedata.combining(before) != _VIRAMA:
                return False
        elif unicodedata.category(character)[0] not in "LMNPS":
            return False
    return True


def _have_one_direction(labels: list[str]) -> bool:
    """Whether the labels follow the bidi rule of RFC 5893."""
    directions = [
        "".join(_DIRECTIONS.get(unicodedata.bidirectional(c), "X") for c in label)
        for label in labels
    ]
    return not re.search("[RAN]", "".join(directions)) or all(
        _RIGHT_TO_LEFT.fullmatch(each) or _LEFT_TO_RIGHT.fullmatch(each) for each in directions
    )
