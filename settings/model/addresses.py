"""Compares addresses, which can be written in several ways."""

import ipaddress
import re
from collections.abc import Container, Iterable
from urllib.parse import urlsplit

_LOCALHOST = ("127.0.0.1", "::1")
_DEFAULT_PORTS = {"http": 80, "ws": 80, "h2c": 80, "https": 443, "wss": 443}


def normalise(address: str) -> str:
    """Gives the one spelling that stands for all spellings of an IP address or host name."""
    bare = address.removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare.removesuffix(".").lower()


def overlap(one: str, other: str) -> bool:
    """Whether two listeners on these addresses would collide at one port; a wildcard address collides with every one."""
    return any(
        a == b or "::" in (a, b) or "0.0.0.0" in (a, b)
        for a in _list_all(one)
        for b in _list_all(other)
    )


def find_metrics(address: str, instances: int) -> tuple[str, range]:
    """Gives the host and the ports at which each cloudflared of a server serves its metrics; no ports if the address is malformed."""
    host, _, port = address.rpartition(":")
    if not re.fullmatch("[0-9]{1,5}", port):
        return host, range(0)
    return host, range(int(port), int(port) + instances)


def reaches(url: str, listening: Iterable[str], ports: Container[int]) -> bool:
    """Whether a URL, or `host:port` alone, leads on this machine to who listens on these addresses and ports."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme.lower())
    except ValueError:
        return False
    host = parts.hostname or ""
    return port in ports and any(
        normalise(host) == normalise(address) or (_is_local(host) and overlap(host, address))
        for address in listening
    )


def _is_local(host: str) -> bool:
    try:
        return all(
            address.is_loopback or address.is_unspecified
            for address in map(ipaddress.ip_address, _list_all(host))
        )
    except ValueError:
        return False


def _list_all(address: str) -> tuple[str, ...]:
    found = normalise(address)
    return _LOCALHOST if found == "localhost" else (found,)
