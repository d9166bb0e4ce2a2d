"""The keys of a server: how it is reached, and how it is rebuilt."""

from settings.keys import formats, words
from settings.keys.metrics import ADDRESS
from values.kinds import Flag, ListOf, Whole
from values.tables import Key, Table, describe_given, require

_SSH = {
    "address": require(formats.ADDRESS, "IP address or host name for SSH."),
    "port": Key(formats.PORT, "Port of the SSH server.", 22),
    "user": Key(formats.LOGIN, "SSH user: root, or one that may `sudo -n`.", "root"),
    "hostKey": Key(
        formats.HOST_KEY,
        "The server's SSH host key: its `/etc/ssh/ssh_host_ed25519_key.pub`, or what `ssh-keyscan -t ed25519 ADDRESS` prints behind the address.",
    ),
    "insecureHostKey": Key(
        Flag(),
        "Whether any host key is accepted, so that anybody could answer as the server.",
        False,
    ),
}

_VERIFIED: dict[str, object] = {
    "oneOf": [
        describe_given("hostKey"),
        {"required": ["insecureHostKey"], "properties": {"insecureHostKey": {"const": True}}},
    ]
}

_REBUILD = Table(
    keys={
        "flake": Key(
            formats.FLAKE, "Flake to rebuild, as '/etc/nixos#web1'; none for configuration.nix."
        ),
        "buildHost": Key(
            formats.PLAIN, "SSH host that builds, which root on the server reaches by its own key."
        ),
        "args": Key(
            ListOf(item=formats.ARGUMENT),
            "Further arguments of nixos-rebuild, each an item of its own.",
            [],
        ),
    }
)

SERVER = Table(
    keys={
        **_SSH,
        "bastion": Key(
            Table(keys=_SSH, words=words.SERVER, also=_VERIFIED),
            "SSH server by way of which this one is reached.",
        ),
        "dialAttempts": Key(Whole(least=1, most=20), "How often a connection is tried.", 4),
        "dialTimeout": Key(
            Whole(least=1, most=300), "How long an attempt may take.", 10, "seconds"
        ),
        "redeploy": Key(
            Whole(), "Counts reinstallations: raise it by one to send every file again.", 0
        ),
        "letGo": Key(
            Flag(),
            "Whether the server is gone for good, and is forgotten without connecting.",
            False,
        ),
        "rebuild": Key(_REBUILD, "How NixOS is rebuilt.", {}),
        "metricsAddress": Key(
            ADDRESS,
            "Where this server's Caddy serves the numbers, in the place of argoweb:metrics.address.",
        ),
    },
    also=_VERIFIED,
    words={**words.SERVER, **words.JUMP, **words.OWN_METRICS},
)
