"""Which hostnames of requests a rule's hostname matches (cloudflared's `ingress/rule.go`)."""

from cloudflared.go.idna import look_up_name

LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
"""Regular expression of a label as DNS records have it, services' underscores too."""
LONGEST = 253
"""Characters of a name in DNS."""


def matches(pattern: str, hostname: str) -> bool:
    """Whether a rule with this hostname takes requests for that one; letters have to agree in case."""
    if pattern in ("", "*"):
        return True
    return any(
        name == hostname or (name.startswith("*.") and hostname.endswith(name[1:]))
        for name in (pattern, look_up_name(pattern) or pattern)
    )
