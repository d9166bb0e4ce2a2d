"""The Pulumi program of a stack: a Cloudflare Tunnel, the NixOS servers that run it, and the DNS records that lead to it.

docs/architecture.md says in a minute how it works.
"""

import signal
import sys

import pulumi

from components.places import leave_out_callers
from components.whole import declare
from edge import list_urls
from settings import load_settings

# Pulumi interrupts the program once a resource has failed; Python would add a stack trace to what Pulumi says of that.
signal.signal(signal.SIGINT, signal.SIG_DFL)

_TOLD = 32
"""The exit code that tells Pulumi's host for Python not to add an error of its own, since the user has been told why
(`pythonProcessExitedAfterShowingUserActionableMessage` in its `main.go`)."""


async def declare_stack() -> None:
    """Reads the stack file, registers the resources that it declares, and exports the stack's outputs.

    Raises:
        FindingsError: the stack's configuration cannot work, or what is at Cloudflare stands in the way.
    """
    settings, access = load_settings()
    made = await declare(settings, access)
    pulumi.export("tunnelId", made.tunnel.tunnel_id)
    pulumi.export("hostnames", settings.hostnames)
    pulumi.export("urls", list_urls(settings))
    if made.service_tokens:
        pulumi.export("serviceTokens", made.service_tokens)


async def main() -> None:
    """Runs the program, and shows what it refuses once and without a stack trace."""
    try:
        await declare_stack()
    except pulumi.RunError as refusal:
        pulumi.log.error(str(refusal))
        sys.exit(_TOLD)


leave_out_callers()
pulumi.run(main)
