"""One stack: a Cloudflare Tunnel, the NixOS servers that run it, and the DNS records that lead to it."""

import asyncio
import signal
import sys

import pulumi
import pulumi_random as random

from components import NixosHost, NixosHostArgs, Records, RecordsArgs, Tunnel, TunnelArgs
from components.gaps import tell_gaps
from components.host_files import host_files
from components.imported import take_on
from lookup import in_use, look_up, own_state
from settings import access, load

# Once a resource has failed, Pulumi interrupts the program, which has nothing to add to that.
signal.signal(signal.SIGINT, signal.SIG_DFL)

_TOLD = 32
"""The exit code by which Pulumi's host for Python knows that the user has been told why, and adds no error of its own
(`pythonProcessExitedAfterShowingUserActionableMessage` in its `main.go`)."""


async def program() -> None:
    """Says which resources there are.

    Raises:
        SettingsError: the stack's configuration cannot work.
        LookupFailed: what is at Cloudflare stands in the way.
    """
    settings = load()
    for warning in settings.warnings:
        pulumi.log.warn(warning)
    for notice in settings.notices:
        pulumi.log.info(notice)
    # Before all others: by it a preview knows whether the stack has a state.
    begun = random.RandomId("begun", byte_length=4)
    own = await own_state(begun.id.is_known)
    take_on(own)
    found = look_up(settings, access(), own)
    tunnel = Tunnel(
        "tunnel",
        TunnelArgs(
            account_id=settings.account_id,
            tunnel_name=settings.tunnel.name,
            secret_version=settings.tunnel.secret_version,
            protect=settings.tunnel.protect,
            import_id=found.tunnel.taken_in,
            made_elsewhere=bool(settings.tunnel.import_id or found.tunnel.taken_in),
            deleted=found.tunnel.deleted,
            let_go=found.tunnel.deleted == own.tunnel_let_go,
            secret=settings.tunnel.secret,
            kept=found.tunnel.kept,
        ),
    )

    files = host_files(settings, tunnel)
    # One server after another, so that the others serve while one restarts. Where no record leads to the stack yet, the
    # first one shows that it works, then come the others together.
    one_by_one = in_use(settings, own, found)
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
        RecordsArgs(target=tunnel.target, claims=found.claims),
        pulumi.ResourceOptions(depends_on=activations),
    )

    pulumi.export("tunnelId", tunnel.tunnel_id)
    pulumi.export("hostnames", list(dict.fromkeys(site.hostname for site in settings.sites)))
    # So that all of it has been asked for when Pulumi begins to wait. It then waits for one after another; else for
    # whatever is first to end, and looks at all that is left each time, which doubles the time of 500 records.
    await asyncio.sleep(0)
    if pulumi.runtime.is_dry_run():
        await tell_gaps(
            tunnel.tunnel_id if own.tunnel_id and not found.tunnel.deleted else None,
            {
                claim.hostname: records.ids[claim.hostname]
                for claim in found.claims
                if (claim.zone_id, claim.hostname) in own.records
            },
            same_name=settings.tunnel.name in (None, own.tunnel_name),
        )


async def main() -> None:
    """The program; what it refuses is shown once."""
    try:
        await program()
    except pulumi.RunError as refusal:
        pulumi.log.error(str(refusal))
        sys.exit(_TOLD)


pulumi.run(main)
