"""A locally managed Cloudflare Tunnel and its credentials."""

import base64
from dataclasses import dataclass

import pulumi
import pulumi_random as random

from components.cloudflare_sdk import ZeroTrustTunnelCloudflared
from render import credentials_json

SECRET_CHARACTERS = 64
"""Letters and digits, so 381 bits; Cloudflare's API refuses a tunnel secret of fewer than 32 bytes."""


@dataclass(frozen=True, kw_only=True)
class TunnelArgs:
    """What a tunnel needs."""

    account_id: pulumi.Input[str]
    """The Cloudflare account that owns the tunnel."""
    tunnel_name: pulumi.Input[str]
    """The tunnel's name, unique within the account; changing it renames the tunnel in place."""
    secret_version: int
    """Raise it to get a new secret on the same tunnel."""
    protect: bool
    """Whether Pulumi refuses to delete the tunnel."""
    let_go: bool
    """The tunnel was deleted at Cloudflare: its replacement asks for no deletion."""


class Tunnel(pulumi.ComponentResource):
    """A tunnel whose ingress rules live on the servers that run it (`config_src` is `local`)."""

    tunnel_id: pulumi.Output[str]
    """The tunnel's UUID."""
    target: pulumi.Output[str]
    """What the CNAME records of its hostnames point to."""
    credentials: pulumi.Output[str]
    """The credentials file of cloudflared, a secret."""

    def __init__(
        self, name: str, args: TunnelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("argoweb:index:Tunnel", name, {}, opts)
        # Not RandomBytes nor RandomId: their resource ids are the value itself, in the clear in state and output.
        secret = random.RandomPassword(
            f"{name}-secret",
            length=SECRET_CHARACTERS,
            special=False,
            keepers={"version": str(args.secret_version)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        encoded = secret.result.apply(lambda text: base64.b64encode(text.encode()).decode())
        tunnel = ZeroTrustTunnelCloudflared(
            f"{name}-tunnel",
            account_id=args.account_id,
            name=args.tunnel_name,
            config_src="local",
            tunnel_secret=encoded,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect and not args.let_go,
                # Cloudflare answers 404 to the deletion of a tunnel that is gone.
                retain_on_delete=args.let_go,
            ),
        )
        if not args.let_go:
            pulumi.Output.all(tunnel.urn, tunnel.deleted_at).apply(lambda found: _exists(*found))
        self.tunnel_id = tunnel.id
        self.target = pulumi.Output.format("{0}.cfargotunnel.com", tunnel.id)
        self.credentials = pulumi.Output.secret(
            pulumi.Output.all(args.account_id, tunnel.id, encoded).apply(
                lambda values: credentials_json(*values)
            )
        )
        self.register_outputs({"tunnelId": self.tunnel_id, "target": self.target})


def _exists(urn: str, deleted_at: str | None) -> None:
    """Cloudflare goes on answering for a deleted tunnel, so `pulumi refresh` keeps it, with this date."""
    if deleted_at:
        raise pulumi.RunError(
            f"The tunnel was deleted at Cloudflare on {deleted_at}. For a new one in its place set"
            f" argoweb:tunnel.letGo to true, run `pulumi up`, then `pulumi up --replace '{urn}'`;"
            " then take letGo away again."
        )
