"""Makes a locally managed Cloudflare Tunnel and its credentials."""

from dataclasses import dataclass

import pulumi
import pulumi_random as random

from components.cloudflare import ZeroTrustTunnelCloudflared
from components.unprinted import hide_once_known, seal
from existing import KeptSecret, encode
from render import render_credentials

SECRET_CHARACTERS = 64
"""Letters and digits, so 381 bits; Cloudflare's API refuses a tunnel secret of fewer than 32 bytes."""


@dataclass(frozen=True, kw_only=True)
class TunnelArgs:
    """The inputs of a tunnel."""

    account_id: pulumi.Input[str]
    """The Cloudflare account that owns the tunnel."""
    tunnel_name: pulumi.Input[str] | None
    """Unique within the account; changing it renames the tunnel in place. `None`: an imported one keeps its own."""
    secret_version: pulumi.Input[int] = 1
    """Raise it to get a new secret on the same tunnel."""
    protect: bool = False
    """Whether Pulumi refuses to delete the tunnel."""
    import_id: str | None = None
    """UUID of a tunnel that is there, but not in the stack's state, and is taken in; `None`: a new one, or the state's."""
    made_elsewhere: bool = False
    """Whether it was there before it was in the state, now or in an update before."""
    deleted: str | None = None
    """When it was deleted at Cloudflare, behind Pulumi's back; `None`: it is there."""
    let_go: bool = False
    """Whether the update before this one has let go of the deleted one."""
    secret: pulumi.Input[str] | None = None
    """The secret that an imported tunnel keeps, base64; `None`: one is made, unless there is `kept`."""
    kept: KeptSecret | None = None
    """The secret that the tunnel was taken in with and keeps; `None`: one is made, unless there is `secret`."""


class Tunnel(pulumi.ComponentResource):
    """A tunnel whose ingress rules live on the servers that run it (`config_src` is `local`)."""

    made: pulumi.CustomResource
    """The tunnel itself."""
    tunnel_id: pulumi.Output[str]
    """The tunnel's UUID."""
    target: pulumi.Output[str]
    """What the CNAME records of its hostnames point to."""
    credentials: pulumi.Output[str]
    """The credentials file of cloudflared, a secret."""

    def __init__(
        self, name: str, args: TunnelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        keeps = args.secret
        if keeps is None and args.kept is not None:
            keeps = args.kept.text
        super().__init__("argoweb:index:Tunnel", name, {"secret": seal(keeps)}, opts)
        secret: pulumi.Output[str] = (
            _make_secret(name, args, self) if keeps is None else pulumi.Output.secret(keeps)
        )
        letting_go = args.deleted is not None and not args.let_go
        replacing = args.deleted is not None and args.let_go
        tunnel = ZeroTrustTunnelCloudflared(
            f"{name}-tunnel",
            {
                "accountId": args.account_id,
                "name": "" if args.tunnel_name is None else args.tunnel_name,
                # `local` is the provider's default. It may not know it of an imported tunnel, and would replace that for a
                # value that is given (`RequiresReplaceIfConfigured` in its schema).
                "configSrc": None if args.made_elsewhere else "local",
                "tunnelSecret": secret,
            },
            pulumi.ResourceOptions(
                parent=self,
                protect=args.protect and not letting_go,
                # Cloudflare answers 404 to the deletion of a deleted tunnel. Pulumi skips the deletion if the state already
                # has this option, so it is set an update before the replacement.
                retain_on_delete=letting_go,
                # A changed trigger replaces the tunnel; `None` before and after changes nothing.
                replacement_trigger=args.deleted and f"{args.deleted}, let go: {args.let_go}",
                import_=args.import_id and f"{args.account_id}/{args.import_id}",
                ignore_changes=_list_kept_by_cloudflare(args, replacing=replacing),
            ),
        )
        self.made, self.tunnel_id = tunnel, tunnel.id
        self.target = pulumi.Output.format("{0}.cfargotunnel.com", tunnel.id)
        self.credentials = hide_once_known(
            pulumi.Output.all(args.account_id, tunnel.id, secret).apply(
                lambda values: render_credentials(*values)
            )
        )
        self.register_outputs(
            {
                "tunnelId": self.tunnel_id,
                "target": self.target,
                "letGo": args.deleted,
                "keptSecret": args.kept
                and {
                    "text": pulumi.Output.secret(args.kept.text),
                    "version": args.kept.version,
                },
            }
        )


def _make_secret(name: str, args: TunnelArgs, parent: pulumi.Resource) -> pulumi.Output[str]:
    # Not RandomBytes nor RandomId: their resource ids are the value itself, in the clear in state and output.
    secret = random.RandomPassword(
        f"{name}-secret",
        length=SECRET_CHARACTERS,
        special=False,
        keepers={"version": pulumi.Output.format("{0}", args.secret_version)},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return secret.result.apply(encode)


def _list_kept_by_cloudflare(args: TunnelArgs, *, replacing: bool) -> list[str] | None:
    """Gives the properties of the tunnel that stay as Cloudflare has them.

    The secret that a tunnel keeps is there already. A new tunnel in its place needs it.
    """
    kept = ["name"] if args.tunnel_name is None else []
    if (args.secret is not None or args.kept is not None) and not replacing:
        kept.append("tunnelSecret")
    return kept or None
