"""As many resources of the same kinds as argoweb registers, each as a plain resource, and nothing else.

It looks at nothing, checks nothing and renders nothing, and its commands do nothing on a server. What it takes is the
engine's own part, below which no program with these resources comes.
"""

import asyncio
import base64
import json
from pathlib import Path

import pulumi
import pulumi_random as random

config = pulumi.Config()
changes = config.get_object("changes") or {}
SITES = json.loads(Path("sites.json").read_text())
FILES = ("server.sh", "argoWeb.nix", "argoWeb.json", "argoWeb.yml", "argoWeb.caddy", "credentials")


def in_base64(text: str) -> str:
    """As Cloudflare wants a tunnel's secret."""
    return base64.b64encode(text.encode()).decode()


def command(
    name: str, connection: object, after: list[pulumi.Resource], mark: str = ""
) -> pulumi.Resource:
    """A command on a server that does nothing but read, without which it might fail; another mark has it run again."""
    return pulumi.CustomResource(
        "command:remote:Command",
        name,
        {
            "connection": connection,
            "create": "cat >/dev/null",
            "delete": "cat >/dev/null",
            "stdin": f"{name} {mark}",
        },
        pulumi.ResourceOptions(depends_on=after),
    )


async def main() -> None:
    """Registers a tunnel, its servers one after another, then the records."""
    private_key = config.require_secret("sshPrivateKey")
    secret = random.RandomPassword("secret", length=64)
    tunnel = pulumi.CustomResource(
        "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared",
        "tunnel",
        {
            "accountId": config.require("accountId"),
            "name": "floor",
            "configSrc": "local",
            "tunnelSecret": pulumi.Output.secret(secret.result.apply(in_base64)),
        },
    )
    before: list[pulumi.Resource] = []
    for name, server in config.require_object("servers").items():
        connection = {
            "host": server["address"],
            "port": server["port"],
            "user": "root",
            "privateKey": private_key,
            "hostKey": server["hostKey"],
        }
        random.RandomId(f"{name}-id", byte_length=4)
        teardown = command(f"{name}-teardown", connection, [tunnel])
        files = [
            command(f"{name}-{file}", connection, [teardown], changes.get(file, ""))
            for file in FILES
        ]
        before = [
            command(f"{name}-activate", connection, [*files, *before], "".join(changes.values()))
        ]
    for site in SITES:
        pulumi.CustomResource(
            "cloudflare:index/dnsRecord:DnsRecord",
            site["hostname"],
            {
                "zoneId": site["zone"],
                "name": site["hostname"],
                "type": "CNAME",
                "content": pulumi.Output.concat(tunnel.id, ".cfargotunnel.com"),
                "proxied": True,
                "ttl": 1,
                "comment": "floor",
                "tags": [],
            },
            pulumi.ResourceOptions(depends_on=before),
        )
    await asyncio.sleep(
        0
    )  # as in ours: so that all of it has been asked for when Pulumi begins to wait


pulumi.run(main)
