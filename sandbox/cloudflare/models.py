"""What the account holds, as the store keeps it."""

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any


def now() -> str:
    """The time as the API writes it: UTC with microseconds."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account: 32 hex digits and a name for people."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A domain of an account. `name` is lower-case without a final dot."""

    id: str
    name: str
    account_id: str
    tag_quota: int = 0
    """How many tags a record may have: none in a zone of the free plan."""
    plan: str = "free"
    """The `legacy_id` of its plan: free, pro, business or enterprise."""
    record_quota: int | None = None
    """How many records it may have, by its plan where it is not given; Cloudflare raises it for those who ask."""
    status: str = "active"
    paused: bool = False
    created_on: str = field(default_factory=now)
    workers: list[str] = field(default_factory=list)
    """The patterns of its Workers' routes, such as `www.example.com/*`."""
    load_balancers: list[str] = field(default_factory=list)
    """The hostnames of its load balancers."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """An API token. `permissions` such as "tunnel:edit", "dns:read"; None allows everything."""

    value: str
    permissions: list[str] | None = None
    tunnels: list[str] | None = None
    """Ids of the tunnels that its granular roles let it see; None: all of the account."""
    addresses: list[str] | None = None
    """Client addresses from which it may be used; None: from all."""
    email: str | None = None
    """The address of the user whose Global API key it is; None: it is a token."""
    expires_on: str | None = None
    """When it ends to be valid; None: never. It only tells."""
    account: str | None = None
    """The id of the account that it belongs to; None: it is a user's."""

    def allows(self, permission: str | None) -> bool:
        """True when `permission` is held; an edit permission contains the read permission."""
        if permission is None or self.permissions is None:
            return True
        return bool({permission, permission.replace(":read", ":edit")} & set(self.permissions))


@dataclass(frozen=True, kw_only=True)
class Tunnel:
    """A tunnel. `secret` is base64; `configuration` is what a remotely managed tunnel runs."""

    id: str
    account_id: str
    name: str
    secret: str
    config_src: str = "local"
    created_at: str = field(default_factory=now)
    deleted_at: str | None = None
    conns_active_at: str | None = None
    conns_inactive_at: str | None = None
    configuration: dict[str, Any] | None = None
    configuration_source: str | None = None
    configuration_version: int = 0
    configured_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """A DNS record. `name` is the lower-case full name; `ttl` 1 means automatic."""

    id: str
    zone_id: str
    name: str
    type: str
    content: str
    ttl: int = 1
    proxied: bool = False
    priority: int | None = None
    comment: str | None = None
    tags: list[str] = field(default_factory=list)
    settings: dict[str, bool] = field(default_factory=dict)
    created_on: str = field(default_factory=now)
    modified_on: str = field(default_factory=now)
    comment_modified_on: str | None = None
    tags_modified_on: str | None = None


@dataclass(frozen=True, kw_only=True)
class AccessObject:
    """Something of Cloudflare Access. `kind` is what its path in the API ends in, such as apps."""

    id: str
    account_id: str
    kind: str
    body: dict[str, Any]
    """Its fields, as the API shows them."""
    hidden: dict[str, Any] = field(default_factory=dict)
    """What the API does not show: a service token's secrets, a team's keys."""
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)
