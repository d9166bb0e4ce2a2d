"""How what the stack makes of Access is written at Cloudflare."""

import ipaddress

from settings.model import owner_mark

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


def marked(name: str, deployment: str) -> str:
    """The name of a policy or token at Cloudflare, which says whose it is; `deployment` is `project/stack`."""
    return f"{name} ({owner_mark(deployment)})"


def unmarked(name: str) -> str:
    """The name without the mark."""
    return name.partition(" (argoweb ")[0]


def network(text: str) -> str:
    """An address as the network that it is, since the API gives `192.0.2.1` back as `192.0.2.1/32`."""
    return str(ipaddress.ip_network(text))
