"""Makes a whole deployment: the tunnel, its servers batch after batch, and the records that lead to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.access import Access, AccessArgs
from components.alerts import register_alerts
from components.connection import Connection, SshServer
from components.host_files import render_files
from components.nixos_host import HostFile, NixosHost, NixosHostArgs
from components.reachable import register_reachable
from components.records import Record, Records, RecordsArgs
from components.rollout import serves_visitors
from components.tunnel import Tunnel, TunnelArgs
from existing import Claim, Found, OwnState
from existing.alerts import CALLED
from render import render_serving
from settings import Bastion, Server, Settings
from settings.model.access_marks import mark
from settings.model.stack import Metrics


@dataclass(frozen=True, kw_only=True)
class Within:
    """Whether a deployment is the whole stack, or a component in another program."""

    component: pulumi.Resource | None = None
    """The parent of all its resources."""
    prefix: str = ""
    """What their names begin with, which tells them from those of another deployment of the stack."""

    def add_prefix(self, name: str) -> str:
        """Gives the name of a resource of the deployment."""
        return f"{self.prefix}{name}"

    def make_options(
        self, depends_on: Sequence[pulumi.Resource] = (), import_id: str | None = None
    ) -> pulumi.ResourceOptions:
        """Gives the options of a resource of the deployment that has no other parent."""
        return pulumi.ResourceOptions(
            parent=self.component, depends_on=[*depends_on], import_=import_id
        )


TOP = Within()


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What was made, of which the outputs are read."""

    tunnel: Tunnel
    records: Records
    service_tokens: Mapping[str, Mapping[str, pulumi.Output[str]]]
    """What programs send to pass Access, by the token's name: `clientId`, and `clientSecret`, which is a secret."""
    applications: Mapping[str, pulumi.CustomResource]
    """The applications of Access, by URI."""


def deploy(
    settings: Settings,
    own: OwnState,
    found: Found,
    *,
    connections: Mapping[str, Connection] | None = None,
    within: Within = TOP,
) -> Deployment:
    """Registers all resources of a stack; `own` is its state, `found` what Cloudflare has of it.

    `connections` has, by a server's name, the way to one that another resource makes; else it is that of the settings.
    """
    access = _make_access(settings, found, within)
    # The tunnel comes after Access: the provider spoils what it sends after a tunnel's secret (`_keep_secret` in existing/tunnel.py).
    tunnel = _make_tunnel(settings, own, found, within, [access] if access else [])
    # Access is there before any server has a site or a record leads to it, and goes after both.
    guards = [*access.applications.values()] if access else []
    audiences: dict[str, pulumi.Input[str]] = {**found.access.audiences}
    audiences |= access.audiences if access else {}
    files = _render_files(settings, tunnel, audiences)

    def make_host(server: Server, after: Sequence[pulumi.Resource]) -> NixosHost:
        given = (connections or {}).get(server.name)
        return NixosHost(
            within.add_prefix(server.name),
            NixosHostArgs(
                deployment=settings.deployment,
                connection=given or make_connection(settings, server),
                tunnel=[tunnel],
                files=files[server.metrics],
                serving=render_serving(settings),
                rebuild=server.rebuild,
                guards=guards,
                after=after,
                redeploy=server.redeploy,
                let_go=server.let_go,
            ),
            within.make_options(),
        )

    in_use = serves_visitors(settings, own, found)
    activations = _make_hosts(settings, make_host, in_use=in_use)
    records = _make_records(found, tunnel, guards, activations, within)
    _register_alerts(settings, found, tunnel, activations, within)
    if settings.health.edge:
        register_reachable(
            within.add_prefix("reachable"),
            settings,
            target=tunnel.target,
            records=records.ids,
            opts=within.make_options(),
        )
    return Deployment(
        tunnel=tunnel,
        records=records,
        service_tokens=access.service_tokens if access else {},
        applications=access.applications if access else {},
    )


def _render_files(
    settings: Settings, tunnel: Tunnel, audiences: Mapping[str, pulumi.Input[str]]
) -> Mapping[Metrics | None, Sequence[HostFile]]:
    """Renders the files of the servers by what a server has of its own: those of all others are rendered once."""
    one_of_each = {server.metrics: server for server in settings.servers}
    return {
        metrics: render_files(
            settings.adapt_to(server), tunnel.tunnel_id, tunnel.credentials, audiences
        )
        for metrics, server in one_of_each.items()
    }


def _make_hosts(
    settings: Settings,
    make_host: Callable[[Server, Sequence[pulumi.Resource]], NixosHost],
    *,
    in_use: bool,
) -> Sequence[pulumi.Resource]:
    """Makes the servers batch after batch, and gives the activations of those that are there.

    So others serve while one restarts, and do not take a change that has failed there.
    """
    there = [server for server in settings.servers if not server.let_go]
    activations: list[pulumi.Resource] = []
    batch: list[pulumi.Resource] = []
    for servers in settings.rollout.make_batches(there, in_use=in_use):
        batch = [make_host(server, batch).activation for server in servers]
        activations += batch
    for server in settings.servers:
        if server.let_go:
            make_host(server, ())
    return activations


def _make_access(settings: Settings, found: Found, within: Within) -> Access | None:
    if settings.access is None:
        return None
    return Access(
        within.add_prefix("access"),
        AccessArgs(
            account_id=settings.account_id,
            deployment=settings.deployment,
            applications=found.access.applications,
            tokens=settings.access.tokens,
            taken_in=found.access.taken_in,
            lost_tokens=found.access.lost_tokens,
            lost_policies=found.access.lost_policies,
        ),
        within.make_options(),
    )


def _make_tunnel(
    settings: Settings,
    own: OwnState,
    found: Found,
    within: Within,
    after: Sequence[pulumi.Resource],
) -> Tunnel:
    wanted, there = settings.tunnel, found.tunnel
    return Tunnel(
        within.add_prefix("tunnel"),
        TunnelArgs(
            account_id=settings.account_id,
            tunnel_name=wanted.name,
            secret_version=wanted.secret_version,
            protect=wanted.protect,
            import_id=there.taken_in,
            made_elsewhere=bool(wanted.import_id or there.taken_in),
            deleted=there.deleted,
            let_go=there.deleted == own.tunnel_let_go,
            secret=wanted.secret,
            kept=there.kept,
        ),
        within.make_options(depends_on=after),
    )


def _make_records(
    found: Found,
    tunnel: Tunnel,
    guards: Sequence[pulumi.Resource],
    activations: Sequence[pulumi.Resource],
    within: Within,
) -> Records:
    """Makes the records, last, so that no visitor meets a tunnel that is not up; on destroy they go first."""
    return Records(
        within.add_prefix("records"),
        RecordsArgs(
            target=tunnel.target,
            records=[make_record(claim) for claim in found.claims],
            guards=guards,
        ),
        within.make_options(depends_on=activations),
    )


def _register_alerts(
    settings: Settings,
    found: Found,
    tunnel: Tunnel,
    activations: Sequence[pulumi.Resource],
    within: Within,
) -> None:
    """Registers the notification, after the first connection and gone before the last one ends, so that neither is an alert."""
    if settings.alerts is None:
        return
    wanted = {
        "alerts": found.alerts.taken_in,
        **{f"alerts-lost-{id}": id for id in found.alerts.twice},
    }
    for name, import_id in wanted.items():
        register_alerts(
            within.add_prefix(name),
            account_id=settings.account_id,
            called=mark(CALLED, settings.deployment),
            tunnel=tunnel.made,
            told=settings.alerts,
            opts=within.make_options(
                depends_on=activations,
                import_id=import_id and f"{settings.account_id}/{import_id}",
            ),
        )


def make_connection(settings: Settings, server: Server) -> Connection:
    """Makes the SSH connection to a server as the settings have it."""
    return Connection(
        server=_make_ssh_server(server),
        private_key=settings.ssh_private_key,
        bastion=None if server.bastion is None else _make_ssh_server(server.bastion),
        dial_attempts=server.dial_attempts,
        dial_timeout=server.dial_timeout,
    )


def _make_ssh_server(it: Server | Bastion) -> SshServer:
    return SshServer(address=it.address, host_key=it.host_key, port=it.port, user=it.user)


def make_record(claim: Claim) -> Record:
    """Makes the record of the stack for a hostname."""
    return Record(
        hostname=claim.hostname,
        zone_id=claim.zone_id,
        comment=claim.comment,
        tags=claim.tags,
        adopt=claim.adopted and f"{claim.zone_id}/{claim.adopted}",
    )
