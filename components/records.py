"""The CNAME records that lead a tunnel's hostnames to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.cloudflare_sdk import DnsRecord

AUTOMATIC_TTL = 1
"""The only TTL that Cloudflare takes for a proxied record."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One hostname and the zone that holds it."""

    hostname: str
    """Fully qualified, lower case, punycode, no trailing dot: what the API gives back."""
    zone_id: pulumi.Input[str]
    comment: str
    """Marks the record's owner in Cloudflare's dashboard."""
    tags: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class RecordsArgs:
    """The hostnames and where they lead."""

    target: pulumi.Input[str]
    """`<tunnel UUID>.cfargotunnel.com`"""
    records: Sequence[Record]


class Records(pulumi.ComponentResource):
    """A proxied CNAME a hostname."""

    def __init__(
        self, name: str, args: RecordsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("argoweb:index:Records", name, {}, opts)
        for record in args.records:
            DnsRecord(
                f"{name}-{record.hostname}",
                zone_id=record.zone_id,
                name=record.hostname,
                type="CNAME",
                content=args.target,
                proxied=True,
                ttl=AUTOMATIC_TTL,
                comment=record.comment,
                tags=list(record.tags) or None,
                # A hostname has room for one CNAME only.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        self.register_outputs({"hostnames": [record.hostname for record in args.records]})
