"""Addresses that are written in several ways."""

import ipaddress

_LOCALHOST = ("127.0.0.1", "::1")


def same(address: str) -> str:
    """An IP address or host name in the one spelling of all that mean the same."""
    bare = address.removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare.removesuffix(".").lower()


def overlap(one: str, other: str) -> bool:
    """Whether nobody can listen on both with one port; one that stands for all addresses takes both IP versions."""
    return any(
        a == b or "::" in (a, b) or "0.0.0.0" in (a, b) for a in _all(one) for b in _all(other)
    )


def _all(address: str) -> tuple[str, ...]:
    found = same(address)
    return _LOCALHOST if found == "localhost" else (found,)
