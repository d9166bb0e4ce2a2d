"""The CNAME records that lead a tunnel's hostnames to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.cloudflare import DnsRecord
from lookup import Claim

AUTOMATIC_TTL = 1
"""The only TTL that Cloudflare takes for a proxied record."""


@dataclass(frozen=True, kw_only=True)
class RecordsArgs:
    """The hostnames and where they lead."""

    target: pulumi.Input[str]
    """`<tunnel UUID>.cfargotunnel.com`"""
    claims: Sequence[Claim]


class Records(pulumi.ComponentResource):
    """A proxied CNAME a hostname."""

    ids: Mapping[str, pulumi.Output[str]]
    """Cloudflare's id of each, by hostname."""

    def __init__(
        self, name: str, args: RecordsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("argoweb:index:Records", name, {}, opts)
        self.ids = {
            claim.hostname: DnsRecord(
                f"{name}-{claim.hostname}",
                zone_id=claim.zone_id,
                name=claim.hostname,
                type="CNAME",
                content=args.target,
                proxied=True,
                ttl=AUTOMATIC_TTL,
                comment=claim.comment,
                # An empty list too: the provider keeps what it is told nothing of.
                tags=list(claim.tags),
                opts=pulumi.ResourceOptions(
                    parent=self,
                    delete_before_replace=True,  # a hostname has room for one CNAME only
                    import_=claim.adopted and f"{claim.zone_id}/{claim.adopted}",
                ),
            ).id
            for claim in args.claims
        }
        self.register_outputs({"hostnames": [claim.hostname for claim in args.claims]})
