"""Hostnames as Cloudflare's API gives them back: lower case, punycode, fully qualified."""

import re

from cloudflared import hostnames, near
from cloudflared.go.idna import look_up_name
from values.findings import Findings

_LABEL = re.compile(hostnames.LABEL)
_AMBIGUOUS = "a name that every resolver writes alike; give it in punycode ('xn--…')"
_DEVIATIONS = "\u00df\u03c2\u200c\u200d"
"""Characters that IDNA 2003 and IDNA 2008 turn into different names."""


class HostnameError(ValueError):
    """A text is not a hostname; the message says what was expected."""


def normalise(name: str, *, wildcard: bool = True) -> str:
    """Gives the hostname as DNS has it; a zone's name is read without `wildcard`.

    Raises:
        HostnameError: it cannot be one.
    """
    prefix, rest = ("*.", name[2:]) if wildcard and name.startswith("*.") else ("", name)
    given = rest.removesuffix(".")
    rest = given.lower()
    if len(several := re.split(r"[\s,;]+", rest)) > 1 and all("." in each for each in several):
        raise HostnameError("one hostname; several are a list, as '[a.example.com, b.example.com]'")
    if rest == "@":
        raise HostnameError("a hostname: that of the zone is written out")
    if re.fullmatch(r"[0-9]+(\.[0-9]+){3}", rest):
        raise HostnameError("a hostname, not an IP address, for which Cloudflare has no record")
    if "*" in rest and not wildcard:
        raise HostnameError("a zone's name without '*', as 'example.com'")
    if rest == "*":
        raise HostnameError("'*' with what follows it, as in '*.example.com'")
    if "*" in rest:
        raise HostnameError("'*' as the first label only, as in '*.example.com'")
    if any(character in _DEVIATIONS for character in rest):
        raise HostnameError(_AMBIGUOUS)
    if not rest.isascii():
        asked = look_up_name(given)
        try:
            rest = rest.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise HostnameError("an international name that punycode can hold") from error
        if asked != rest and (asked or "_" not in rest):  # IDNA itself knows no '_'
            raise HostnameError(_AMBIGUOUS)
    if len(prefix + rest) > hostnames.LONGEST:
        raise HostnameError(f"at most {hostnames.LONGEST} characters")
    labels = rest.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise HostnameError(
            "a fully qualified hostname such as 'www.example.com', without port or path"
        )
    return prefix + rest


EVERY = "*"
"""The hostname of a site that takes each one that leads to the tunnel."""


def read_hostname(name: str, where: str, findings: Findings, *, wildcard: bool = True) -> str:
    """Gives the hostname as DNS has it; reports a malformed one, and gives a name that no other one has in its place."""
    if wildcard and name == EVERY:
        return EVERY
    try:
        return normalise(name, wildcard=wildcard)
    except HostnameError as error:
        findings.add_mismatch(
            where, name, f"{error}{near.suggest_hostname(name) if wildcard else ''}"
        )
        return re.sub(r"\W+", "-", where) + ".invalid"
