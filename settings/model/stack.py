"""What a stack declares, checked and complete."""

import ipaddress
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pulumi

from cloudflared import Router, Rule, leave_out_handed_over
from cloudflared.flags import DEFAULTS
from cloudflared.go.durations import read_seconds
from settings.contract import CLOUDFLARED_UNITS
from settings.model.access import AccessSettings, Protection
from settings.model.addresses import find_metrics
from settings.model.rollout import Rollout
from values.findings import Finding

_LOOPBACK = {4: "127.0.0.1", 6: "::1"}
INTERNAL_NAME = "argoweb.internal"
"""The name in the certificate of Caddy's own CA, and the one by which cloudflared asks for it."""


@dataclass(frozen=True, kw_only=True)
class TunnelSettings:
    """The tunnel as an object of the Cloudflare account."""

    name: str | None
    """`None`: an imported one keeps its own."""
    secret_version: int
    """Raised to rotate the tunnel's secret."""
    protect: bool
    import_id: str | None
    """UUID of a tunnel that is there already."""
    secret: str | None = field(repr=False)
    """Base64, of an imported tunnel; `None`: one is made."""


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A DNS zone of the account."""

    place: str
    """Where it stands in the stack file, as `argoweb:zones[0]`."""
    name: str
    id: str | None
    """`None`: looked up by name."""


@dataclass(frozen=True, kw_only=True)
class Bastion:
    """The SSH server in between."""

    address: str
    port: int
    user: str
    host_key: str | None


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """How NixOS is rebuilt."""

    flake: str | None = None
    """`None`: the classic `/etc/nixos/configuration.nix`."""
    build_host: str | None = None
    args: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Numbers that Caddy counts for each hostname."""

    host: str | None = None
    """The IP address at which Caddy serves them and cloudflared's; `None`: they are served nowhere."""
    port: int = 0


@dataclass(frozen=True, kw_only=True)
class Server:
    """A NixOS server that runs the tunnel."""

    name: str
    address: str
    port: int
    user: str
    host_key: str | None
    """As in `known_hosts`; `None` only where the user insisted on no check."""
    redeploy: int
    """Raised to send every file again, as after a reinstallation."""
    let_go: bool
    """The server is gone for good: nothing connects to it any more."""
    dial_attempts: int
    dial_timeout: int
    """Seconds."""
    bastion: Bastion | None
    rebuild: Rebuild
    metrics: Metrics | None = None
    """Where its own numbers are served; `None`: where those of all are."""


@dataclass(frozen=True, kw_only=True)
class Directory:
    """Files that Caddy serves."""

    root: str
    hidden_files: bool
    """Whether those whose name begins with a dot are served too."""


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """Upstreams that Caddy passes requests to."""

    upstreams: Sequence[str]
    host: str | None = None
    """The Host that they get; `None`: the visitor's."""


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """Where Caddy sends visitors."""

    to: str
    status: int | None = None
    """`None`: Caddy's own, 302."""


@dataclass(frozen=True, kw_only=True)
class CaddyLines:
    """Directives of the user's own for Caddy."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service that cloudflared reaches without Caddy."""

    url: str


Backend = Directory | Proxy | Redirect | CaddyLines | Service


@dataclass(frozen=True, kw_only=True)
class Dns:
    """The record of a hostname."""

    enabled: bool = True
    comment: str | None = None
    tags: Sequence[str] = ()
    adopt: bool = False
    """Whether a CNAME that is there already is taken over."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """One hostname, or one path of it, and what answers there."""

    place: str
    """Where it stands in the stack file, as `argoweb:sites[3]`."""
    hostname: str
    """Lower case and punycode, exact or `*.` and a suffix; `*` for every hostname that leads to the tunnel."""
    path: str
    """cloudflared's regular expression, or empty."""
    backend: Backend
    origin_request: Mapping[str, object]
    dns: Dns
    access: Protection | None = None
    """`None`: everybody may come in."""
    open_paths: Sequence[str] = ()
    """Paths of a protected site where everybody may come in all the same."""
    passed: Sequence[str] = ()
    """The URIs of the Access applications one of which a request has to have passed; empty: none."""

    @property
    def is_public(self) -> bool:
        """Whether everybody may come in: neither Access nor an `originRequest.access` of the user's own asks for anything."""
        own = self.origin_request.get("access")
        return self.access is None and not (isinstance(own, Mapping) and own.get("required"))

    @property
    def is_plain(self) -> bool:
        """Whether cloudflared hands its requests to Caddy as it does those of any other."""
        handed = not isinstance(self.backend, Service) and not self.origin_request
        return handed and not self.passed


@dataclass(frozen=True, kw_only=True)
class Tls:
    """TLS between cloudflared and Caddy; all paths are on the server."""

    files: tuple[str, str] | None
    """Certificate and key; `None`: a certificate of Caddy's own CA."""
    ca_pool: str | None = None
    """cloudflared trusts Caddy's certificate through it; `None`: the system's CAs."""
    no_verify: bool
    """cloudflared accepts any certificate."""
    client_ca: str | None = None
    """Caddy demands a client certificate signed by it."""


@dataclass(frozen=True, kw_only=True)
class Caddy:
    """The web server behind cloudflared."""

    bind: Sequence[str]
    port: int
    unit: str
    user: str | None = None
    """`None`: as nixpkgs has it."""
    group: str
    manage: bool
    """Whether the pushed module enables `services.caddy`; else the unit is the user's own."""
    tls: Tls | None
    global_options: str
    server_options: str
    """Lines of Caddy's `servers` blocks for the addresses at which the sites are."""
    site_options: str
    """Lines of each block of sites."""
    snippets: Mapping[str, str]
    """Lines by the name under which others import them."""
    hsts: int
    """Seconds for which browsers insist on https; 0 for none."""
    stream_close_delay: int
    """Seconds for which a WebSocket goes on after a reload."""
    routes: bool
    """Whether it takes every request for which cloudflared has no rule, so that its plain sites need none."""
    metrics: Metrics | None = None
    """`None`: nothing is counted."""

    @property
    def scheme(self) -> str:
        """The scheme by which Caddy speaks with cloudflared."""
        return "https" if self.tls else "http"

    @property
    def address(self) -> str:
        """`host:port` at which Caddy is reached on the server."""
        listens = ipaddress.ip_address(self.bind[0])
        host = _LOOPBACK[listens.version] if listens.is_unspecified else str(listens)
        return f"{f'[{host}]' if listens.version == 6 else host}:{self.port}"

    @property
    def url(self) -> str:
        """Where cloudflared reaches it."""
        return f"{self.scheme}://{self.address}"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A cloudflared built from a Git mirror."""

    url: str
    rev: str
    hash: str
    vendor_hash: str | None = None
    version: str


@dataclass(frozen=True, kw_only=True)
class Nixos:
    """Places and choices on the server."""

    allow_unfree: bool
    instances: int
    """How many cloudflared a server runs: 1 or 2."""
    config_dir: str
    data_dir: str


@dataclass(frozen=True, kw_only=True)
class SiteUrl:
    """A URL of a site, asked of Caddy on the server as cloudflared does."""

    hostname: str
    """The site's, sent as Host."""
    url: str
    """With Caddy's scheme and the name of its certificate."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One cloudflared of a server."""

    unit: str
    metrics: str
    """Where it serves `/ready`."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """What must hold after an activation: answers, on the server itself, with a status below 400."""

    timeout: int
    """Seconds."""
    urls: Sequence[str]
    """Asked as they are."""
    sites: Sequence[SiteUrl]
    edge: bool
    """Whether `pulumi up` asks new and changed sites through Cloudflare, too."""


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """A notification of Cloudflare's."""

    email: Sequence[str]
    webhooks: Sequence[str]
    pagerduty: Sequence[str]
    when: Sequence[str]
    """States of the tunnel, as the API writes them."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A whole stack."""

    deployment: str
    """`project/stack`, by which others know whom something belongs to."""
    account_id: str
    ssh_private_key: pulumi.Output[str] | None
    """`None`: the SSH agent."""
    tunnel: TunnelSettings
    cloudflared: Mapping[str, object]
    """Keys of cloudflared's file, `metrics` always among them."""
    zones: Sequence[Zone]
    servers: Sequence[Server]
    sites: Sequence[Site]
    """In the order in which they are tried."""
    rules: Sequence[Rule]
    """The ingress rules of the sites, in their order, the last one a catch-all: a site's own, one that answers 404, or one
    by which Caddy takes the rest."""
    caddy: Caddy
    package: Package | None
    nixos: Nixos
    health: Health
    rollout: Rollout
    access: AccessSettings | None = None
    """`None`: the stack has nothing of Access."""
    alerts: Alerts | None = None
    """`None`: Cloudflare tells nobody."""
    warnings: Sequence[Finding] = ()
    """What was found doubtful, but for what `accept` silences."""
    accept: Sequence[str] = ()
    """Codes of the warnings that stay silent."""
    notices: Sequence[str] = ()
    """What follows from the stack file without standing in it."""

    def adapt_to(self, server: Server) -> "Settings":
        """Gives the settings as they are for one of the servers, whose own keys go before those of all."""
        if server.metrics is None:
            return self
        return replace(self, caddy=replace(self.caddy, metrics=server.metrics))

    @property
    def instances(self) -> Sequence[Instance]:
        """Each server's cloudflared, in the order in which they are restarted; the second's port is the next one."""
        host, ports = find_metrics(str(self.cloudflared["metrics"]), self.nixos.instances)
        return [
            Instance(unit=f"{unit}.service", metrics=f"{host}:{port}")
            for unit, port in zip(CLOUDFLARED_UNITS, ports, strict=False)
        ]

    @property
    def grace_period(self) -> int:
        """Seconds, rounded up, that requests may go on when cloudflared stops; it takes a 0 for no value."""
        given = read_seconds(str(self.cloudflared.get("grace-period", "0"))) or 0
        return math.ceil(given or read_seconds(DEFAULTS["grace-period"]) or 0)

    @property
    def common(self) -> Mapping[str, object]:
        """The `originRequest` of all sites, which a site's own overrides key by key."""
        given = self.cloudflared.get("originRequest")
        return given if isinstance(given, Mapping) else {}

    @cached_property
    def router(self) -> Router:
        """Which of the sites takes a request."""
        return Router(self.site_rules)

    @property
    def site_rules(self) -> Sequence[Rule]:
        """The rules of the sites alone, each at its site's index."""
        return self.rules[: len(self.sites)]

    @property
    def ingress(self) -> Sequence[Rule]:
        """The rules of cloudflared's file: all of them, or those without which Caddy would get what is not its own."""
        if not self.caddy.routes:
            return self.rules
        plain = [site.is_plain for site in self.sites]
        return leave_out_handed_over(self.rules, [*plain, True][: len(self.rules)])

    @property
    def hostnames(self) -> list[str]:
        """Each hostname of the sites, once."""
        return list(dict.fromkeys(site.hostname for site in self.sites))

    @cached_property
    def named(self) -> Mapping[str, Site]:
        """The hostnames that get a record, each with the site that says how."""
        said = {site.hostname: site for site in reversed(self.sites) if site.dns != Dns()}
        named = {site.hostname: said.get(site.hostname, site) for site in self.sites}
        return {hostname: site for hostname, site in named.items() if site.dns.enabled}

    def find_zone(self, hostname: str) -> Zone:
        """Gives the zone that holds the hostname: the one with the longest name.

        Raises:
            LookupError: none does; checked settings never give this.
        """
        zone = find_longest_zone(hostname, self._zones)
        if zone is None:
            raise LookupError(hostname)
        return zone

    @cached_property
    def _zones(self) -> Mapping[str, Zone]:
        return {zone.name: zone for zone in self.zones}


def find_longest_zone(hostname: str, zones: Mapping[str, Zone]) -> Zone | None:
    """Finds the zone, of those by name, with the longest name that is the hostname or ends it."""
    labels = hostname.split(".")
    names = (".".join(labels[start:]) for start in range(len(labels)))
    return next((zones[name] for name in names if name in zones), None)
