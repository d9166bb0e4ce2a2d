"""Kinds of findings that the command line alone has: about what runs, and about what a first deployment needs.

Of what an update finds too the kinds stand in `settings/`.
"""

from settings import looked_up, on_servers  # noqa: F401 so that the kinds that an update finds too are known
from values.findings import Kind, Severity

_REFRESH = "pulumi up --refresh makes it what the stack says."
_REDEPLOY = "Raise argoweb:servers.<name>.redeploy by one, then: pulumi up"
_UP = "pulumi up"


def _add_error(code: str, about: str, remedy: str) -> None:
    Kind(code, about, None, Severity.ERROR, remedy)


def _add_warning(code: str, about: str, remedy: str) -> None:
    Kind(code, about, None, Severity.WARNING, remedy)


def _add_note(code: str, about: str, remedy: str) -> None:
    Kind(code, about, None, Severity.NOTE, remedy)


def _add_unknown(code: str, about: str, remedy: str) -> None:
    Kind(code, about, None, Severity.UNKNOWN, remedy)


def _add_difference(code: str, about: str, remedy: str, running: Severity = Severity.ERROR) -> None:
    Kind(code, about, None, running, remedy, differs=True)


# fmt: off
# At Cloudflare
_add_note("tunnel-not-made", "The stack has made no tunnel yet.", _UP)
_add_difference("tunnel-missing", "The stack's tunnel is gone at Cloudflare.",
                "pulumi up --refresh makes a new one.")
_add_difference("tunnel-renamed", "Somebody has renamed the tunnel.", _REFRESH, Severity.WARNING)
_add_error("tunnel-down", "No cloudflared is connected to the tunnel.",
           "See the lines of the servers, and: python -m argoweb logs")
_add_difference("record-missing", "A hostname of the stack has no record.",
                "pulumi up --refresh makes it.")
_add_difference("record-foreign", "A hostname of the stack has a record of somebody else's.",
                "Remove that record at Cloudflare, or take a CNAME over with dns: {adopt: true} at its site, then: pulumi up")
_add_difference("record-left", "The stack has a record that its file does not name any more.",
                _UP, Severity.WARNING)
_add_warning("record-shadowed", "A Worker, a load balancer or other name servers take a hostname's requests before its record does; the first two are seen only by a token that may read them.",
             "Remove what stands before it at Cloudflare, or leave it, if it is meant.")
_add_difference("access-missing", "An Access application of the stack is gone: its site refuses everybody.",
                "pulumi up --refresh makes it again.")
_add_error("access-open", "A site that is protected by the stack answers without a login.",
           "pulumi up, and see that its record is the stack's.")
_add_warning("connector-unknown", "A cloudflared that no server of the stack runs is connected to the tunnel, and gets a part of the requests.",
             "Stop it there; if you do not know where, raise argoweb:tunnel.secretVersion by one, then: pulumi up")
_add_difference("alert-missing", "Cloudflare's notification of the tunnel's health is gone: nobody is told.",
                "pulumi up --refresh makes it again.")
_add_difference("alert-edited", "Somebody else has changed the notification of the tunnel's health.", _REFRESH)
_add_difference("access-token-missing", "A service token of the stack is gone at Cloudflare: what uses it is refused.",
                "See the message of: pulumi preview")
_add_warning("access-token-expires", "A service token of the stack ends soon, or has ended: what uses it is refused then.",
             "Refresh it in the dashboard (Zero Trust, Access, Service auth), or give it a longer `duration`, then: pulumi up")
_add_unknown("cloudflare-unreadable", "Cloudflare's API does not tell.", "See the text.")

# On the servers
_add_unknown("server-unreachable", "No SSH connection in time.",
             "Check the address, the port and the firewall: python -m argoweb ssh <name>")
_add_unknown("server-host-key", "The server shows another host key than the stack has: it was reinstalled, or somebody stands between.",
             "Compare with /etc/ssh/ssh_host_ed25519_key.pub on the server, then correct argoweb:servers.<name>.hostKey.")
_add_unknown("server-refused", "The server does not take the SSH key.",
             "Add it to the user's authorized_keys, or ssh-add it to your SSH agent.")
_add_unknown("server-not-root", "The SSH user is not root and may not use sudo without a password.",
             "Connect as root, or give that user NOPASSWD by security.sudo.extraRules.")
_add_unknown("server-silent", "The server did not answer what it was asked in time.", "Try again.")
_add_difference("server-undeployed", "No deployment of argoweb is live on the server.",
                f"pulumi up. If it finds nothing to do: {_REDEPLOY}", Severity.WARNING)
_add_difference("deployment-damaged", "What tells on the server whose it is, and what is live, is damaged, as after a power loss.",
                _REDEPLOY)
_add_unknown("server-at-work", "A deployment is at work on the server, or was cut off.",
             "Wait for it, or: pulumi up")
_add_difference("server-of-another", "The server belongs to another stack.",
                "Destroy that one first, or remove /var/lib/argoweb-deploy/owner on the server to take it over.")
_add_difference("deployment-differs", "What is live on the server is not what the stack's state has sent last, as after an update that broke off, or a restored backup.",
                f"pulumi up. If it finds nothing to do: {_REDEPLOY}")
_add_difference("file-missing", "A file of the stack is not there.", _REDEPLOY)
_add_difference("file-access", "A file has another mode or owner.", _REDEPLOY)
_add_difference("file-edited", "Somebody has changed a file by hand.", _REDEPLOY)
_add_difference("unit-stopped", "A unit does not run.",
                f"systemctl start it on the server, or: {_REDEPLOY}")
_add_difference("caddy-runs-another", "Caddy runs another configuration than its files have.",
                "systemctl reload caddy on the server, or restart it if it does not answer")
_add_difference("cloudflared-runs-another", "cloudflared goes by other rules than those of its file: somebody has changed its command, or the dashboard gives it its own.",
                "systemctl restart argoWeb argoWeb-2 on the server; after `tunnel-remote` what that says")
_add_difference("system-switched", "The running system was built without the stack's module, or from other files of it.",
                _REDEPLOY)
_add_difference("boot-default", "The next start of the server would run a system that was built from other files.",
                _REDEPLOY)
_add_error("cloudflared-unconnected", "A cloudflared runs and has no connection to Cloudflare.",
           "Port 7844 has to be open outwards, TCP or UDP; its journal: python -m argoweb logs <name>")
_add_error("cloudflared-silent", "A cloudflared runs and does not answer at the address of its metrics.",
           "systemctl restart it on the server; if another program has its port: python -m argoweb doctor")
_add_warning("cloudflared-few", "A cloudflared has fewer connections to Cloudflare than it makes.",
             "Its journal says what ends them: python -m argoweb logs <name>")
_add_warning("unit-restarts", "A unit ends again and again, and systemd starts it anew.",
             "Its journal says why: python -m argoweb logs <name>")

# The sites
_add_error("edge-error", "Cloudflare answers with an error page of its own.",
           "530 with 1033: no cloudflared is connected. 502: cloudflared does not reach the service.")
_add_error("edge-unreachable", "The hostname does not answer from here.",
           "Check the network and the record; whether Cloudflare serves the zone: python -m argoweb doctor")
_add_error("edge-certificate", "Cloudflare has no certificate for the hostname.",
           "Universal SSL covers a zone and one label below it: order a certificate for deeper names, or take another name.")
_add_error("origin-error", "The site does not answer on the server itself, or with a status from 500 on.",
           "See the application's journal on the server.")

# The stack
_add_warning("update-failed", "The stack's last update failed, or was cut off in the middle of something.",
             "Mend what it named, then: pulumi up")

# What a first deployment needs
_add_error("pulumi-missing", "There is no Pulumi.", "Install it: https://www.pulumi.com/docs/install/")
_add_error("package-missing", "A Python package of the program is missing.", "pulumi install")
_add_error("program-missing", "A program is missing by which pulumi up asks for the sites in the end.",
           "Install it on this machine, or: pulumi config set --path argoweb:health.edge false")
_add_note("plugin-missing", "A plugin of Pulumi's is not here yet.",
      "pulumi up downloads it, or before: pulumi install")
_add_unknown("backend-unreachable", "The state's backend does not answer.", "pulumi login")
_add_error("stack-unreadable", "The stack cannot be read, or its configuration cannot work; what needs it was not tried.",
           "Set right what is named; PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE opens its secrets.")
_add_error("token-invalid", "Cloudflare does not take the token, or not from this address.",
           "Make one in the dashboard (My Profile, API Tokens), then: pulumi config set --secret cloudflare:apiToken")
_add_warning("token-expires", "The token expires soon.",
             "Roll it in the dashboard, then: pulumi config set --secret cloudflare:apiToken")
_add_error("token-permission", "The token lacks a permission.",
           "Give it to the token in the dashboard (My Profile, API Tokens).")
_add_note("token-wide", "The token reaches more than the stack needs.",
      "Limit it to the stack's account and zones in the dashboard.")
_add_error("zone-unreadable", "The account has no such zone that the token may see.",
           "Add it at Cloudflare, correct argoweb:zones, or mend the token where the text names it.")
_add_error("zone-inactive", "Cloudflare does not serve the zone yet.",
           "Set these name servers at the domain's registrar, and wait.")
_add_error("zone-paused", "Cloudflare is paused for the zone: it tells the records and passes no request on.",
           "Enable Cloudflare for it in the dashboard (the zone's Overview, Advanced Actions).")
_add_error("nixos-missing", "The server runs no NixOS.",
           "Install NixOS, for instance by nixos-anywhere.")
_add_warning("nixos-old", "The NixOS is older than those that this is tested with.",
             "Update the server's channel or flake.")
_add_warning("import-line", "No file of the server's configuration imports the stack's module; one in another folder is not seen.",
             "Add the line of the README to `imports`: (if builtins.pathExists /etc/caddy/argoWeb.nix then /etc/caddy/argoWeb.nix else { }), in a flake /etc/caddy/argoWeb.nix alone")
_add_error("folder-read-only", "A folder that gets the stack's files cannot be written, as /etc with system.etc.overlay.mutable = false.",
           "Set argoweb:nixos.configDir to a folder that can be written, such as /var/lib/argoweb-config, and import argoWeb.nix from there; if it is all of /var, journalctl -k says why the disk is read-only.")
_add_error("ipv6-missing", "The server has no IPv6, and Caddy would listen on it.",
           "pulumi config set --path argoweb:caddy.bind 127.0.0.1")
_add_warning("disk-low", "Little disk is free for a rebuild.",
             "nix-collect-garbage --delete-older-than 30d on the server; /tmp is emptied by hand")
_add_warning("memory-low", "Little memory is free for a rebuild.",
             "Add swap, or build elsewhere by argoweb:servers.<name>.rebuild.buildHost.")
_add_warning("clock-off", "The server's clock is off.", "timedatectl set-ntp true on the server")
_add_error("edge-tcp", "The server does not reach Cloudflare's port 7844 by TCP.",
           "Open port 7844 outwards, and see that names resolve there.")
_add_warning("edge-udp", "The server gets no answer from Cloudflare's port 7844 by UDP, which QUIC needs.",
             "Open UDP port 7844 outwards; cloudflared goes on over TCP unless argoweb:cloudflared.protocol is quic.")
_add_warning("udp-buffers", "UDP buffers are too small for QUIC.",
             "Raise net.core.rmem_max and wmem_max to 7500000 in boot.kernel.sysctl.")
_add_error("caddy-old", "The server's Caddy is too old.",
           "Update nixpkgs, or set services.caddy.package.")
_add_warning("cloudflared-old", "A cloudflared runs that is older than those that Cloudflare supports: what is found insecure in it is not mended.",
             "Update nixpkgs, or set argoweb:package.")
_add_warning("cloudflared-other", "A cloudflared runs that is not the stack's.",
             "Remove it, if it is what this stack takes the place of: docs/operations.md, Move a hand-made set-up.")
# fmt: on
