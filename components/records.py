"""Makes the CNAME records that lead hostnames to a tunnel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.cloudflare import DnsRecord

AUTOMATIC_TTL = 1
"""The only TTL that Cloudflare takes for a proxied record."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A hostname and its record."""

    hostname: str
    """Fully qualified, lower case, punycode, no trailing dot: what the API gives back."""
    zone_id: pulumi.Input[str]
    comment: pulumi.Input[str] | None = None
    tags: Sequence[str] = ()
    """`name:value` each; Cloudflare takes none in a free zone."""
    adopt: str | None = None
    """Where a record is taken in that is there: `<zone id>/<record id>`."""


@dataclass(frozen=True, kw_only=True)
class RecordsArgs:
    """The hostnames and where they lead."""

    target: pulumi.Input[str]
    """`<tunnel UUID>.cfargotunnel.com`"""
    records: Sequence[Record]
    guards: Sequence[pulumi.Resource] = ()
    """What stands before the sites: it is there before each record, and is deleted after it only."""


class Records(pulumi.ComponentResource):
    """A proxied CNAME for each hostname."""

    ids: Mapping[str, pulumi.Output[str]]
    """Cloudflare's id of each, by hostname."""

    def __init__(
        self, name: str, args: RecordsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("argoweb:index:Records", name, {}, opts)
        self.ids = {
            record.hostname: DnsRecord(
                f"{name}-{record.hostname}",
                {
                    "zoneId": record.zone_id,
                    "name": record.hostname,
                    "type": "CNAME",
                    "content": args.target,
                    "proxied": True,
                    "ttl": AUTOMATIC_TTL,
                    "comment": record.comment,
                    # An empty list is sent too: if the key is absent, the provider keeps the tags that are there.
                    "tags": list(record.tags),
                },
                pulumi.ResourceOptions(
                    parent=self,
                    delete_before_replace=True,  # a hostname has room for one CNAME only
                    depends_on=[*args.guards],
                    import_=record.adopt,
                ),
            ).id
            for record in args.records
        }
        self.register_outputs({"hostnames": [record.hostname for record in args.records]})
