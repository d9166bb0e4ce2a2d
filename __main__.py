"""One stack: a Cloudflare Tunnel, the NixOS servers that run it, and the DNS records that lead to it."""

import asyncio
import signal
import sys

import pulumi
import pulumi_random as random

from components import deploy
from components.gaps import tell_gaps
from components.imported import take_on
from edge import urls_of
from existing import look_up, read_own_state
from settings import load_settings, read_access, tell

# Once a resource has failed, Pulumi interrupts the program, which has nothing to add to that.
signal.signal(signal.SIGINT, signal.SIG_DFL)

_TOLD = 32
"""The exit code by which Pulumi's host for Python knows that the user has been told why, and adds no error of its own
(`pythonProcessExitedAfterShowingUserActionableMessage` in its `main.go`)."""


async def program() -> None:
    """Says which resources there are.

    Raises:
        FindingsError: the stack's configuration cannot work, or what is at Cloudflare stands in the way.
    """
    settings = load_settings()
    tell(settings.warnings, settings.notices)
    # Before all others: by it a preview knows whether the stack has a state.
    begun = random.RandomId("begun", byte_length=4)
    own = await read_own_state(begun.id.is_known)
    take_on(own)
    found = look_up(settings, read_access(), own)
    tell(found.warnings, found.notices)
    made = deploy(settings, own, found)

    pulumi.export("tunnelId", made.tunnel.tunnel_id)
    pulumi.export("hostnames", list(dict.fromkeys(site.hostname for site in settings.sites)))
    pulumi.export("urls", urls_of(settings))
    if made.service_tokens:
        pulumi.export("serviceTokens", made.service_tokens)
    # So that all of it has been asked for when Pulumi begins to wait. It then waits for one after another; else for
    # whatever is first to end, and looks at all that is left each time, which doubles the time of 500 records.
    await asyncio.sleep(0)
    if pulumi.runtime.is_dry_run():
        await tell_gaps(
            made.tunnel.made if own.tunnel_id and not found.tunnel.deleted else None,
            {
                claim.hostname: made.records.ids[claim.hostname]
                for claim in found.claims
                if (claim.zone_id, claim.hostname) in own.records
            },
            same_name=settings.tunnel.name in (None, own.tunnel_name)
            and settings.account_id == own.tunnel_account,
        )


async def main() -> None:
    """The program; what it refuses is shown once."""
    try:
        await program()
    except pulumi.RunError as refusal:
        pulumi.log.error(str(refusal))
        sys.exit(_TOLD)


pulumi.run(main)
