"""A locally managed Cloudflare Tunnel and its credentials."""

import base64
from dataclasses import dataclass

import pulumi
import pulumi_random as random

from components.cloudflare import ZeroTrustTunnelCloudflared
from render import credentials_json

SECRET_CHARACTERS = 64
"""Letters and digits, so 381 bits; Cloudflare's API refuses a tunnel secret of fewer than 32 bytes."""


@dataclass(frozen=True, kw_only=True)
class TunnelArgs:
    """What a tunnel needs."""

    account_id: str
    """The Cloudflare account that owns the tunnel."""
    tunnel_name: str | None
    """Unique within the account; changing it renames the tunnel in place. `None`: an imported one keeps its own."""
    secret_version: int
    """Raise it to get a new secret on the same tunnel."""
    protect: bool
    """Whether Pulumi refuses to delete the tunnel."""
    import_id: str | None
    """UUID of a tunnel that was made by hand; `None`: a new one."""
    imported: bool
    """Whether the stack's state has it already."""
    deleted: str | None
    """When it was deleted at Cloudflare, behind Pulumi's back; `None`: it is there."""
    let_go: bool
    """Whether the update before this one has let go of the deleted one."""
    secret: str | None
    """The secret that an imported tunnel keeps, base64; `None`: one is made."""


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
        secret = (
            _made(name, args, self) if args.secret is None else pulumi.Output.secret(args.secret)
        )
        letting_go = args.deleted is not None and not args.let_go
        replacing = args.deleted is not None and args.let_go
        tunnel = ZeroTrustTunnelCloudflared(
            f"{name}-tunnel",
            account_id=args.account_id,
            name=args.tunnel_name or "",
            # The provider's own default. Of an imported tunnel it may not know it, and would replace the tunnel
            # for the sake of a value that is given (`RequiresReplaceIfConfigured` in its schema).
            config_src=None if args.import_id else "local",
            tunnel_secret=secret,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect and not letting_go,
                # Cloudflare answers 404 to the deletion of a deleted tunnel. The engine asks for it or not by what the
                # state has of the old one, so that has to be there an update before the replacement.
                retain_on_delete=letting_go,
                # Replaces when it differs from the one in the state, and never where there is none on either side.
                replacement_trigger=args.deleted and f"{args.deleted}, let go: {args.let_go}",
                import_=_import_path(args),
                ignore_changes=_kept_by_cloudflare(args, replacing=replacing),
            ),
        )
        self.tunnel_id = tunnel.id
        self.target = pulumi.Output.format("{0}.cfargotunnel.com", tunnel.id)
        self.credentials = pulumi.Output.secret(
            pulumi.Output.all(args.account_id, tunnel.id, secret).apply(
                lambda values: credentials_json(*values)
            )
        )
        self.register_outputs(
            {"tunnelId": self.tunnel_id, "target": self.target, "letGo": args.deleted}
        )


def _made(name: str, args: TunnelArgs, parent: pulumi.Resource) -> pulumi.Output[str]:
    # Not RandomBytes nor RandomId: their resource ids are the value itself, in the clear in state and output.
    secret = random.RandomPassword(
        f"{name}-secret",
        length=SECRET_CHARACTERS,
        special=False,
        keepers={"version": str(args.secret_version)},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return secret.result.apply(lambda text: base64.b64encode(text.encode()).decode())


def _kept_by_cloudflare(args: TunnelArgs, *, replacing: bool) -> list[str] | None:
    """The properties that are left as they are at Cloudflare.

    The secret that an imported tunnel keeps is there already, and must not be sent: when the provider's first body is a
    PATCH that adds a text to a state that has none, it leaves texts out of every later body, so each record fails with
    `1004` (the cached encoders of `internal/apijson/encoder.go` in terraform-provider-cloudflare 5.19.1). A new tunnel
    in its place needs it.
    """
    kept = [] if args.tunnel_name else ["name"]
    if args.secret is not None and not replacing:
        kept.append("tunnelSecret")
    return kept or None


def _import_path(args: TunnelArgs) -> str | None:
    """What the provider imports by; nothing once the tunnel is in the state."""
    if args.import_id is None or args.imported:
        return None
    return f"{args.account_id}/{args.import_id}"
