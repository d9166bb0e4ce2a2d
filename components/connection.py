"""Says how a server is reached by SSH."""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_command import remote

ROOT = "root"
"""The user who needs no `sudo`."""


@dataclass(frozen=True, kw_only=True)
class SshServer:
    """An SSH server: the one to be set up, or a bastion. All of it may be outputs of another resource, as of a new machine."""

    address: pulumi.Input[str]
    """IP address or name."""
    host_key: pulumi.Input[str] | None
    """Type and key, as in `known_hosts`. `None`: whoever answers is taken for the server, and may read the credentials."""
    port: pulumi.Input[int] = 22
    user: pulumi.Input[str] = ROOT
    """Another user than root has to be one that may `sudo -n`."""

    @property
    def text(self) -> pulumi.Output[str]:
        """`user@host:port`, which tells one server from another."""
        return pulumi.Output.format("{0}@{1}:{2}", self.user, self.address, self.port)


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How a server is reached: itself, the key, the bastion."""

    server: SshServer
    private_key: pulumi.Input[str] | None = None
    """`None`: that of the SSH agent."""
    bastion: SshServer | None = None
    """The SSH server in between."""
    dial_attempts: int = 4
    dial_timeout: int = 10
    """Seconds that an attempt may take to connect."""

    def make_args(self) -> remote.ConnectionArgs:
        """Gives the connection as the command plugin takes it."""
        forgiven = self.dial_attempts - 1  # the plugin counts the failures that it forgives

        def describe(end: SshServer) -> dict[str, Any]:
            return {
                "host": end.address,
                "port": end.port,
                "user": end.user,
                "private_key": self.private_key,
                "host_key": end.host_key,
                "dial_error_limit": forgiven,
                "per_dial_timeout": self.dial_timeout,
            }

        proxy = (
            None if self.bastion is None else remote.ProxyConnectionArgs(**describe(self.bastion))
        )
        return remote.ConnectionArgs(**describe(self.server), proxy=proxy)
