"""Checks that the servers can be reached as declared."""

from collections.abc import Sequence

from settings.model.addresses import normalise
from settings.model.stack import Server, Settings
from values.findings import TWICE, Findings, Kind, make_warning

NO_SERVER = Kind("no-server", "No server runs the tunnel.")
SSH_AT_CLOUDFLARE = make_warning(
    "ssh-at-cloudflare", "A server's address leads to Cloudflare, where no SSH answers."
)
SSH_ALIAS = make_warning(
    "ssh-alias", "A server's address is a name that only your own SSH configuration may know."
)

ROLLOUT_AT_ONCE = make_warning("rollout-at-once", "All servers take a change at the same time.")


def check(settings: Settings, findings: Findings) -> None:
    """Checks that there are servers, each of them once and each to be reached."""
    _check_each_once(settings.servers, findings)
    _check_addresses(settings, findings)
    _check_rollout(settings, findings)


def _check_rollout(settings: Settings, findings: Findings) -> None:
    count = sum(not server.let_go for server in settings.servers)
    if 1 < count <= settings.rollout.canary:
        findings.add(
            ROLLOUT_AT_ONCE,
            "argoweb:rollout.canary",
            f"of {count} servers {settings.rollout.canary} take a change first, so all do at the same time, and none shows before that it is good.",
            f"Take a number below {count}.",
        )


def _check_addresses(settings: Settings, findings: Findings) -> None:
    """Warns of a way by SSH that leads to Cloudflare, or to what only OpenSSH's own configuration knows."""
    hostnames = {site.hostname for site in settings.sites if site.dns.enabled}
    for server in settings.servers:
        where = f"argoweb:servers.{server.name}"
        ways = [(f"{where}.address", server.address)]
        if server.bastion is not None:
            ways.append((f"{where}.bastion.address", server.bastion.address))
        for place, address in ways:
            if normalise(address) in hostnames:
                findings.add(
                    SSH_AT_CLOUDFLARE,
                    place,
                    f"'{address}' is a hostname of the sites, whose record leads to Cloudflare, where no SSH answers.",
                    "Give the server's IP address or another name of it.",
                )
            elif "." not in address and ":" not in address and address != "localhost":
                findings.add(
                    SSH_ALIAS,
                    place,
                    f"'{address}' has no dot: an alias of your ~/.ssh/config is unknown here, since Pulumi's plugin does not read it.",
                    "Give the IP address or the whole name, and `port`, `user` and `bastion` as keys.",
                )


def _check_each_once(servers: Sequence[Server], findings: Findings) -> None:
    if not servers and not findings.is_wrong("argoweb:servers"):
        text = "found none, expected at least one server to run the tunnel."
        findings.add(NO_SERVER, "argoweb:servers", text)
    seen: dict[str, str] = {}
    for server in servers:
        other = seen.setdefault(f"{normalise(server.address)}:{server.port}", server.name)
        if other != server.name:
            place = f"argoweb:servers.{server.name}.address"
            findings.add(TWICE, place, f"is that of '{other}' too.", "Remove one of them.")
