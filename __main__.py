"""One stack: a Cloudflare Tunnel, the NixOS servers that run it, and the DNS records that lead to it."""

import signal

import pulumi

from components import NixosHost, NixosHostArgs, Records, RecordsArgs, Tunnel, TunnelArgs
from components.host_files import host_files
from lookup import claims, in_use, own_state
from settings import access, load

# Once a resource has failed, Pulumi interrupts the program, which has nothing to add to that.
signal.signal(signal.SIGINT, signal.SIG_DFL)

settings = load()
own = own_state()
for warning in (*settings.warnings, *own.warnings):
    pulumi.log.warn(warning)
for notice in settings.notices:
    pulumi.log.info(notice)

claimed = claims(settings, access(), own)

tunnel = Tunnel(
    "tunnel",
    TunnelArgs(
        account_id=settings.account_id,
        tunnel_name=settings.tunnel.name,
        secret_version=settings.tunnel.secret_version,
        protect=settings.tunnel.protect,
        import_id=settings.tunnel.import_id,
        imported=own.tunnel_id is not None,
        deleted=own.tunnel_deleted,
        let_go=own.tunnel_let_go,
        secret=settings.tunnel.secret,
    ),
)

files = host_files(settings, tunnel)
# One server after another, so that the others serve while one restarts. Where no record leads to the stack yet, the first
# one shows that it works, then come the others together.
one_by_one = in_use(settings, own, claimed)
activations: list[pulumi.Resource] = []
for server in settings.servers:
    host = NixosHost(
        server.name,
        NixosHostArgs(
            settings=settings,
            server=server,
            tunnel=tunnel,
            files=files,
            after=activations[-1:] if one_by_one else activations[:1],
        ),
    )
    activations.append(host.activation)

# Last, so that no visitor meets a tunnel that is not up; on destroy first, for the same reason.
records = Records(
    "records",
    RecordsArgs(target=tunnel.target, claims=claimed),
    pulumi.ResourceOptions(depends_on=activations),
)

pulumi.export("tunnelId", tunnel.tunnel_id)
pulumi.export("hostnames", list(dict.fromkeys(site.hostname for site in settings.sites)))
if hasattr(pulumi, "run"):  # since 3.254; before, many records take longer
    pulumi.run(records.settled)
