"""How a server is reached by SSH."""

from dataclasses import dataclass

import pulumi
from pulumi_command import remote

ROOT = "root"
"""The user who needs no `sudo`."""


@dataclass(frozen=True, kw_only=True)
class SshServer:
    """An SSH server: the one to be set up, or one in between. Another resource may tell all of it, as a new machine does."""

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
    """The way to a server."""

    server: SshServer
    private_key: pulumi.Input[str] | None = None
    """`None`: that of the SSH agent."""
    bastion: SshServer | None = None
    """The SSH server in between."""
    dial_attempts: int = 4
    dial_timeout: int = 10
    """Seconds that an attempt may take to connect."""

    def args(self) -> remote.ConnectionArgs:
        """The same for the command plugin."""
        server, bastion = self.server, self.bastion
        forgiven = self.dial_attempts - 1  # the plugin counts the failures it forgives
        return remote.ConnectionArgs(
            host=server.address,
            port=server.port,
            user=server.user,
            private_key=self.private_key,
            host_key=server.host_key,
            dial_error_limit=forgiven,
            per_dial_timeout=self.dial_timeout,
            proxy=None
            if bastion is None
            else remote.ProxyConnectionArgs(
                host=bastion.address,
                port=bastion.port,
                user=bastion.user,
                private_key=self.private_key,
                host_key=bastion.host_key,
                dial_error_limit=forgiven,
                per_dial_timeout=self.dial_timeout,
            ),
        )
