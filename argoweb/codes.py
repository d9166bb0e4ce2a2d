"""What a line of a report can be about: a stable code for each kind, how bad it is, and what to do about it."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad something is."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"
    """It could not be looked at."""


@dataclass(frozen=True, kw_only=True)
class Code:
    """A kind of thing that can be said."""

    level: Level
    about: str
    """What it means, for docs/commands.md."""
    remedy: str = ""
    """What to do; `{place}` stands for what it is about, such as a server's name."""
    differs: bool = False
    """Whether something is not as the stack has it, which `drift` looks for."""


_REFRESH = "pulumi up --refresh makes it what the stack says."
_REDEPLOY = "Raise argoweb:servers.<name>.redeploy by one, then: pulumi up"
_UP = "pulumi up"


def _differs(about: str, remedy: str, level: Level = Level.ERROR) -> Code:
    return Code(level=level, about=about, remedy=remedy, differs=True)


def _unknown(about: str, remedy: str) -> Code:
    return Code(level=Level.UNKNOWN, about=about, remedy=remedy)


CODES = {
    # At Cloudflare
    "tunnel-not-made": Code(
        level=Level.NOTE, about="the stack has made no tunnel yet", remedy=_UP
    ),
    "tunnel-missing": _differs(
        "the stack's tunnel is gone at Cloudflare", "pulumi up --refresh makes a new one."
    ),
    "tunnel-deleted": _differs(
        "somebody has deleted the stack's tunnel",
        "pulumi up lets go of it, and a second pulumi up makes a new one in its place.",
    ),
    "tunnel-remote": _differs(
        "the tunnel was moved to the dashboard's configuration: cloudflared follows that, and not the stack",
        "There is no way back for that tunnel: pulumi config set --path argoweb:tunnel.name <name>, then: "
        "pulumi up --replace '**::tunnel-tunnel'",
    ),
    "tunnel-renamed": _differs(
        "somebody has renamed the tunnel", _REFRESH, Level.WARNING
    ),
    "tunnel-down": Code(
        level=Level.ERROR,
        about="no cloudflared is connected to the tunnel",
        remedy="See the lines of the servers, and: python -m argoweb logs",
    ),
    "record-missing": _differs("a hostname of the stack has no record", "pulumi up --refresh makes it."),
    "record-foreign": _differs(
        "a hostname of the stack has a record of somebody else's",
        "Remove that record at Cloudflare, or take a CNAME over with dns: {adopt: true} at its site, then: pulumi up",
    ),
    "record-edited": _differs("somebody has changed a record of the stack", _REFRESH),
    "record-left": _differs(
        "the stack has a record that its file does not name any more", _UP, Level.WARNING
    ),
    "record-shadowed": Code(
        level=Level.WARNING,
        about="a Worker, a load balancer or other name servers take a hostname's requests before its record does; the first two are seen only by a token that may read them",
        remedy="Remove what stands before it at Cloudflare, or leave it, if it is meant.",
    ),
    "access-missing": _differs(
        "an Access application of the stack is gone: its site refuses everybody",
        "pulumi up --refresh makes it again.",
    ),
    "access-edited": _differs("somebody has changed who may come in, in the dashboard", _REFRESH),
    "access-open": Code(
        level=Level.ERROR,
        about="a site that is protected by the stack answers without a login",
        remedy="pulumi up, and see that its record is the stack's.",
    ),
    "cloudflare-unreadable": _unknown("Cloudflare's API does not tell", "See the text."),
    # On the servers
    "server-unreachable": _unknown(
        "no SSH connection in time", "Check the address, the port and the firewall: python -m argoweb ssh <name>"
    ),
    "server-host-key": _unknown(
        "the server shows another host key than the stack has: it was reinstalled, or somebody stands between",
        "Compare with /etc/ssh/ssh_host_ed25519_key.pub on the server, then correct argoweb:servers.<name>.hostKey.",
    ),
    "server-refused": _unknown(
        "the server does not take the SSH key",
        "Add it to the user's authorized_keys, or ssh-add it to your SSH agent.",
    ),
    "server-not-root": _unknown(
        "the SSH user is not root and may not use sudo without a password",
        "Connect as root, or give that user NOPASSWD by security.sudo.extraRules.",
    ),
    "server-silent": _unknown("the server did not answer what it was asked in time", "Try again."),
    "server-undeployed": _differs("no deployment of argoweb is live on the server", _UP, Level.WARNING),
    "server-at-work": _unknown(
        "a deployment is at work on the server, or was cut off", "Wait for it, or: pulumi up"
    ),
    "server-of-another": _differs(
        "the server belongs to another stack",
        "Destroy that one first, or remove /var/lib/argoweb-deploy/owner on the server to take it over.",
    ),
    "deployment-differs": _differs(
        "what is live on the server is not what the stack's state has sent last, as after a restored backup", _REDEPLOY
    ),
    "file-missing": _differs("a file of the stack is not there", _REDEPLOY),
    "file-access": _differs("a file has another mode or owner", _REDEPLOY),
    "file-edited": _differs("somebody has changed a file by hand", _REDEPLOY),
    "unit-stopped": _differs("a unit does not run", f"systemctl start it on the server, or: {_REDEPLOY}"),
    "caddy-runs-another": _differs(
        "Caddy runs another configuration than its files have", "systemctl reload caddy on the server"
    ),
    "cloudflared-runs-another": _differs(
        "cloudflared goes by other rules than those of its file: somebody has changed its command, or the dashboard gives it its own",
        "systemctl restart argoWeb argoWeb-2 on the server; after `tunnel-remote` what that says",
    ),
    "system-switched": _differs(
        "the running system was built without the stack's module, or from other files of it", _UP
    ),
    "boot-default": _differs(
        "the next start of the server would run a system that was built from other files", _REDEPLOY
    ),
    "cloudflared-unconnected": Code(
        level=Level.ERROR,
        about="a cloudflared runs and has no connection to Cloudflare",
        remedy="Port 7844 has to be open outwards, TCP or UDP; its journal: python -m argoweb logs <name>",
    ),
    # The sites
    "edge-error": Code(
        level=Level.ERROR,
        about="Cloudflare answers with an error page of its own",
        remedy="530 with 1033: no cloudflared is connected. 502: cloudflared does not reach the service.",
    ),
    "edge-unreachable": Code(
        level=Level.ERROR, about="the hostname does not answer from here", remedy="Check the network and the record."
    ),
    "edge-certificate": Code(
        level=Level.ERROR,
        about="Cloudflare has no certificate for the hostname",
        remedy="Universal SSL covers a zone and one label below it: order a certificate for deeper names, or take another name.",
    ),
    "origin-error": Code(
        level=Level.ERROR,
        about="the site does not answer on the server itself, or with a status from 500 on",
        remedy="See the application's journal on the server.",
    ),
    # What a first deployment needs
    "pulumi-missing": Code(
        level=Level.ERROR, about="there is no Pulumi", remedy="Install it: https://www.pulumi.com/docs/install/"
    ),
    "package-missing": Code(level=Level.ERROR, about="a Python package of the program is missing", remedy="pulumi install"),
    "plugin-missing": Code(
        level=Level.NOTE, about="a plugin of Pulumi's is not here yet", remedy="pulumi up downloads it, or before: pulumi install"
    ),
    "backend-unreachable": _unknown("the state's backend does not answer", "pulumi login"),
    "stack-unreadable": Code(
        level=Level.ERROR,
        about="the stack cannot be read, or its configuration cannot work; what needs it was not tried",
        remedy="Set right what is named; PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE opens its secrets.",
    ),
    "token-invalid": Code(
        level=Level.ERROR,
        about="Cloudflare does not take the token, or not from this address",
        remedy="Make one in the dashboard (My Profile, API Tokens), then: pulumi config set --secret cloudflare:apiToken",
    ),
    "token-expires": Code(
        level=Level.WARNING, about="the token expires soon", remedy="Roll it in the dashboard, then: pulumi config set --secret cloudflare:apiToken"
    ),
    "token-permission": Code(
        level=Level.ERROR, about="the token lacks a permission", remedy="Give it to the token in the dashboard (My Profile, API Tokens)."
    ),
    "token-wide": Code(
        level=Level.NOTE, about="the token reaches more than the stack needs", remedy="Limit it to the stack's account and zones in the dashboard."
    ),
    "zone-unreadable": Code(
        level=Level.ERROR, about="the account has no such zone that the token may see", remedy="Add it at Cloudflare, or correct argoweb:zones."
    ),
    "zone-inactive": Code(
        level=Level.ERROR,
        about="Cloudflare does not serve the zone yet",
        remedy="Set these name servers at the domain's registrar, and wait.",
    ),
    "nixos-missing": Code(level=Level.ERROR, about="the server runs no NixOS", remedy="Install NixOS, for instance by nixos-anywhere."),
    "nixos-old": Code(
        level=Level.WARNING, about="the NixOS is older than those that this is tested with", remedy="Update the server's channel or flake."
    ),
    "import-line": Code(
        level=Level.WARNING,
        about="no file of the server's configuration imports the stack's module; one in another folder is not seen",
        remedy="Add the line of the README to `imports`: (if builtins.pathExists /etc/caddy/argoWeb.nix then /etc/caddy/argoWeb.nix else { }), "
        "in a flake /etc/caddy/argoWeb.nix alone",
    ),
    "disk-low": Code(level=Level.WARNING, about="little disk is free for a rebuild", remedy="nix-collect-garbage --delete-older-than 30d on the server"),
    "memory-low": Code(
        level=Level.WARNING, about="little memory is free for a rebuild", remedy="Add swap, or build elsewhere by argoweb:servers.<name>.rebuild.buildHost."
    ),
    "clock-off": Code(level=Level.WARNING, about="the server's clock is off", remedy="timedatectl set-ntp true on the server"),
    "edge-tcp": Code(
        level=Level.ERROR, about="the server does not reach Cloudflare's port 7844 by TCP", remedy="Open port 7844 outwards, and see that names resolve there."
    ),
    "edge-udp": Code(
        level=Level.WARNING,
        about="the server gets no answer from Cloudflare's port 7844 by UDP, which QUIC needs",
        remedy="Open UDP port 7844 outwards; cloudflared goes on over TCP unless argoweb:cloudflared.protocol is quic.",
    ),
    "udp-buffers": Code(
        level=Level.WARNING, about="UDP buffers are too small for QUIC", remedy="Raise net.core.rmem_max and wmem_max to 7500000 in boot.kernel.sysctl."
    ),
    "port-taken": Code(
        level=Level.ERROR, about="another program listens at a port of the stack's", remedy="Stop it, or set argoweb:caddy.port or argoweb:cloudflared.metrics."
    ),
    "caddy-old": Code(level=Level.ERROR, about="the server's Caddy is too old", remedy="Update nixpkgs, or set services.caddy.package."),
    "cloudflared-other": Code(
        level=Level.WARNING,
        about="a cloudflared runs that is not the stack's",
        remedy="Remove it, if it is what this stack takes the place of: docs/operations.md, Move a hand-made set-up.",
    ),
    "cloudflared-bad": Code(level=Level.WARNING, about="a version of cloudflared with a known fault runs", remedy="Update nixpkgs, or set argoweb:package."),
}  # fmt: skip


def table() -> str:
    """The codes as docs/commands.md has them."""
    rows = [
        f"| `{name}` | {it.level.value} | {it.about} | {it.remedy} |" for name, it in CODES.items()
    ]
    return "\n".join(["| code | level | means | what to do |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    print(table())
