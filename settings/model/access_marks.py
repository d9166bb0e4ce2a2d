"""Writes what the stack makes of Access as Cloudflare and Pulumi's provider have it."""

import ipaddress

from settings.model.marks import write_mark

RULES = {
    "emails": ("email", "email"),
    "emailDomains": ("emailDomain", "domain"),
    "loginMethods": ("loginMethod", "id"),
    "externalGroups": ("group", "id"),
    "ips": ("ip", "ip"),
    "countries": ("geo", "countryCode"),
    "serviceTokens": ("serviceToken", "tokenId"),
    "anyServiceToken": ("anyValidServiceToken", ""),
    "everyone": ("everyone", ""),
}
"""Each kind of visitor as the provider's rules have it, with the key of its value."""


def mark(name: str, deployment: str) -> str:
    """Gives the name of a policy or token at Cloudflare, which says whose it is; `deployment` is `project/stack`."""
    return f"{name} ({write_mark(deployment)})"


def unmark(name: str) -> str:
    """Gives the name of a policy or token without the mark of its owner."""
    return name.partition(" (argoweb ")[0]


def write_network(text: str) -> str:
    """Writes an IP address as a network, since the API gives `192.0.2.1` back as `192.0.2.1/32`."""
    return str(ipaddress.ip_network(text))
