"""One stack: a Cloudflare Tunnel, the NixOS servers that run it, and the DNS records that lead to it."""

import pulumi

from components import NixosHost, NixosHostArgs, Records, RecordsArgs, Tunnel, TunnelArgs
from components.host_files import host_files
from components.zones import records_of
from settings import load

settings = load()
for warning in settings.warnings:
    pulumi.log.warn(warning)

deployment = f"{pulumi.get_project()}/{pulumi.get_stack()}"

tunnel = Tunnel(
    "tunnel",
    TunnelArgs(
        account_id=settings.account_id,
        tunnel_name=settings.tunnel.name,
        secret_version=settings.tunnel.secret_version,
        protect=settings.tunnel.protect,
        let_go=settings.tunnel.let_go,
    ),
)

files = host_files(settings, tunnel)
activations: list[pulumi.Resource] = []
for server in settings.servers:
    host = NixosHost(
        server.name,
        NixosHostArgs(
            settings=settings,
            server=server,
            files=files,
            deployment=deployment,
            # One server after another, so that the others serve while one restarts.
            after=activations[-1:],
        ),
    )
    activations.append(host.activation)

# Last, so that no visitor meets a tunnel that is not up; on destroy first, for the same reason.
Records(
    "records",
    RecordsArgs(target=tunnel.target, records=records_of(settings, deployment)),
    pulumi.ResourceOptions(depends_on=activations),
)

pulumi.export("tunnelId", tunnel.tunnel_id)
pulumi.export("hostnames", [site.hostname for site in settings.sites])
