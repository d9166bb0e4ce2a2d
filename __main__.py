"""One stack: a Cloudflare Tunnel, the NixOS servers that run it, and the DNS records that lead to it."""

import signal
import sys

import pulumi

from components.places import tell_no_places
from components.whole import declare
from edge import urls_of
from settings import load_settings, read_access

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
    made = await declare(settings, read_access())
    pulumi.export("tunnelId", made.tunnel.tunnel_id)
    pulumi.export("hostnames", settings.hostnames)
    pulumi.export("urls", urls_of(settings))
    if made.service_tokens:
        pulumi.export("serviceTokens", made.service_tokens)


async def main() -> None:
    """The program; what it refuses is shown once."""
    try:
        await program()
    except pulumi.RunError as refusal:
        pulumi.log.error(str(refusal))
        sys.exit(_TOLD)


tell_no_places()
pulumi.run(main)
