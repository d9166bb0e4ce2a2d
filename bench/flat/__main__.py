"""The same tunnel, servers and records as one writes them by hand: one file, no components, no checks.

It is what the measurements compare with, so it is written with care for speed: nothing is rendered twice, no
resource waits for one that it does not need, and a change of routes runs one command a server beside the files.
"""

import base64
import hashlib
import json
from pathlib import Path

import pulumi
import pulumi_cloudflare as cloudflare
import pulumi_random as random
import yaml
from pulumi_command import remote

CADDY = "http://127.0.0.1:8080"

config = pulumi.Config()
account = config.require("accountId")
# Hostname, zone id, and the service or upstream behind it.
sites = json.loads(Path("sites.json").read_text())
servers = config.require_object("servers")  # address, port and host key of each
private_key = config.require_secret("sshPrivateKey")

secret = random.RandomPassword("secret", length=64, special=False)
encoded = secret.result.apply(lambda text: base64.b64encode(text.encode()).decode())
tunnel = cloudflare.ZeroTrustTunnelCloudflared(
    "tunnel", account_id=account, name="flat", config_src="local", tunnel_secret=encoded
)
credentials = pulumi.Output.all(tunnel.id, encoded).apply(
    lambda values: json.dumps(
        {"AccountTag": account, "TunnelID": values[0], "TunnelSecret": values[1]}
    )
)
yml = tunnel.id.apply(
    lambda uuid: yaml.safe_dump(
        {
            "tunnel": uuid,
            "credentials-file": "/var/lib/argoWeb/credentials.json",
            "metrics": "127.0.0.1:20251",
            "ingress": [
                *(
                    {"hostname": site["hostname"], "service": site.get("service", CADDY)}
                    for site in sites
                ),
                {"service": "http_status:404"},
            ],
        },
        sort_keys=False,
    )
)
caddy = "".join(
    f"http://{site['hostname']}:8080 {{\n\tbind 127.0.0.1\n\treverse_proxy {site['proxy']}\n}}\n"
    for site in sites
    if "proxy" in site
)
files: dict[str, tuple[pulumi.Input[str], str]] = {
    "/etc/caddy/argoWeb.yml": (yml, "644"),
    "/etc/caddy/argoWeb.caddy": (caddy, "644"),
    "/etc/caddy/argoWeb.nix": (Path("argoWeb.nix").read_text(), "644"),
    "/var/lib/argoWeb/credentials.json": (credentials, "600"),
}
digest = pulumi.Output.unsecret(
    pulumi.Output.all(*(content for content, _ in files.values())).apply(
        lambda contents: hashlib.sha256("\0".join(contents).encode()).hexdigest()
    )
)

rebuilt: list[pulumi.Resource] = []
for name, server in servers.items():
    connection = remote.ConnectionArgs(
        host=server["address"],
        port=server["port"],
        user="root",
        private_key=private_key,
        host_key=server["hostKey"],
    )
    pushed = [
        remote.Command(
            f"{name}-{Path(path).name}",
            connection=connection,
            create=f"install -D -m {mode} /dev/stdin {path}",
            stdin=content,
            logging=remote.Logging.NONE,
            add_previous_output_in_env=False,
        )
        for path, (content, mode) in files.items()
    ]
    rebuilt.append(
        remote.Command(
            f"{name}-rebuild",
            connection=connection,
            create=". /etc/set-environment; nixos-rebuild switch"
            " && systemctl reload-or-restart caddy && systemctl restart argoWeb",
            delete=". /etc/set-environment; systemctl stop argoWeb"
            "; rm -rf /etc/caddy/argoWeb.* /var/lib/argoWeb; nixos-rebuild switch",
            stdin=digest,  # so that it runs when one of the files has changed
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(depends_on=[*pushed, *rebuilt[-1:]]),
        )
    )

for site in sites:
    cloudflare.DnsRecord(
        site["hostname"],
        zone_id=site["zone"],
        name=site["hostname"],
        type="CNAME",
        content=pulumi.Output.format("{0}.cfargotunnel.com", tunnel.id),
        proxied=True,
        ttl=1,
        opts=pulumi.ResourceOptions(depends_on=rebuilt),
    )

pulumi.export("tunnelId", tunnel.id)
