"""The two Cloudflare resources of this program, registered without importing their SDK.

`import pulumi_cloudflare` takes 2.6 s of processor time and 120 MB (6.23.1 on Python 3.11), and its typed classes cost a
program of 500 records a seventh of its preview. The engine needs of it the plugin's version alone. A test holds each
request to the one that the SDK's own class sends.
"""

import json
from importlib.metadata import distribution
from pathlib import Path

import pulumi

_SDK = "pulumi-cloudflare"


def _plugin_version() -> str:
    described = distribution(_SDK).locate_file("pulumi_cloudflare/pulumi-plugin.json")
    return str(json.loads(Path(str(described)).read_text())["version"])


_VERSION = _plugin_version()


class DnsRecord(pulumi.CustomResource):
    """A DNS record of a zone (`cloudflare_dns_record` of the Terraform provider)."""

    def __init__(
        self,
        resource_name: str,
        *,
        zone_id: pulumi.Input[str],
        name: pulumi.Input[str],
        type: pulumi.Input[str],
        content: pulumi.Input[str],
        proxied: pulumi.Input[bool],
        ttl: pulumi.Input[int],
        comment: pulumi.Input[str] | None = None,
        tags: pulumi.Input[list[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "cloudflare:index/dnsRecord:DnsRecord",
            resource_name,
            {
                "zoneId": zone_id,
                "name": name,
                "type": type,
                "content": content,
                "proxied": proxied,
                "ttl": ttl,
                "comment": comment,
                "tags": tags,
            },
            _with_defaults("cloudflare:index/record:Record", opts),
        )


class ZeroTrustTunnelCloudflared(pulumi.CustomResource):
    """A Cloudflare Tunnel (`cloudflare_zero_trust_tunnel_cloudflared`); its secret is encrypted in the state."""

    def __init__(
        self,
        resource_name: str,
        *,
        account_id: pulumi.Input[str],
        name: pulumi.Input[str],
        config_src: pulumi.Input[str] | None = None,
        tunnel_secret: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["tunnelSecret"])
        super().__init__(
            "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared",
            resource_name,
            {
                "accountId": account_id,
                "name": name,
                "configSrc": config_src,
                "tunnelSecret": None
                if tunnel_secret is None
                else pulumi.Output.secret(tunnel_secret),
            },
            _with_defaults(
                "cloudflare:index/tunnel:Tunnel", pulumi.ResourceOptions.merge(opts, hidden)
            ),
        )


def _with_defaults(former_type: str, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """What the SDK adds to the options: the plugin's version, and the type that the resource had in version 5."""
    added = pulumi.ResourceOptions(version=_VERSION, aliases=[pulumi.Alias(type_=former_type)])
    return pulumi.ResourceOptions.merge(added, opts)
