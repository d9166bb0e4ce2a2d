"""The keys of cloudflared's file that are its command's flags, and the two whole tables of keys.

From cloudflared's `cmd/cloudflared/tunnel/cmd.go` and `subcommands.go`. It takes a flag's value in its own YAML type
only, and a number, duration or switch that is 0 or false as if the key were absent (`altsrc`).
"""

import ipaddress
import re
from dataclasses import replace

from cloudflared import words
from cloudflared.go import durations
from cloudflared.go.durations import Duration
from cloudflared.keys import DURATION, MISPLACED, ORIGIN_REQUEST, PATH, RULE, WARP_ROUTING, WORDS
from values.kinds import Checked, Choice, Flag, Key, ListOf, Shape, Table, Text, Whole

OWN_FILES = ("pidfile", "logfile", "log-directory", "trace-output")
"""Keys that name files which it makes itself."""
LONGEST_GRACE_PERIOD = 180
"""Seconds; cloudflared does not start with more (`cmd.go`, `gracePeriod`)."""


def _address(text: str) -> str | None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return "an IP address"
    return "an IP address without a zone such as '%eth0'" if "%" in text else None


def _grace_period(text: str) -> str | None:
    length = durations.seconds(text)
    if length is not None and length > LONGEST_GRACE_PERIOD:
        return "at most '3m'"
    return durations.problem(text)


def _tag(text: str) -> str | None:
    """From `tag.go`: the name is one of an HTTP header, the value is not empty and of printable ASCII."""
    if re.fullmatch(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+=[ -~]+", text):
        return None
    return "a tag such as 'site=home', of ASCII characters, without blanks before the '='"


_LEVEL = Choice(("debug", "info", "warn", "error", "fatal"))


def _key(shape: Shape, doc: str) -> Key:
    return Key(shape=shape, doc=doc)


_FLAGS = {
    "loglevel": _key(_LEVEL, "Default info; debug logs request headers."),
    "transport-loglevel": _key(_LEVEL, "Default info."),
    "logfile": _key(Text(), "Default none: the journal has it."),
    "log-directory": _key(Text(), "Default none: the journal has it."),
    "trace-output": _key(Text(), "File for a trace."),
    "no-autoupdate": _key(Flag(), "The unit sets it."),
    "autoupdate-freq": _key(DURATION, "Of no use on NixOS. Default 24h."),
    "metrics": _key(Text(), "Address of /metrics and /ready. Default 127.0.0.1:20251."),
    "metrics-update-freq": _key(DURATION, "Default 5s."),
    "protocol": _key(Choice(("auto", "quic", "http2")), "A named one has no fallback."),
    "post-quantum": _key(Flag(), "true insists on it."),
    "edge-ip-version": _key(Choice(("auto", "4", "6")), "In quotes. Default auto."),
    "edge-bind-address": _key(
        Checked(check=_address, example="192.0.2.1"), "Source address of the connections."
    ),
    "region": _key(Text(), "`us` keeps the connections in the United States."),
    "retries": _key(Whole(), "Default 5."),
    "max-edge-addr-retries": _key(Whole(), "Default 8."),
    "ha-connections": _key(Whole(least=1, most=64), "Default 4."),
    "grace-period": _key(
        Duration(check=_grace_period),
        "How long running requests may take when it stops. Default 30s, at most 3m.",
    ),
    "tag": _key(ListOf(item=Checked(check=_tag, example="site=home")), "`KEY=VALUE` each."),
    "label": _key(Text(), "Name of this connector."),
    "pidfile": _key(Text(), "Written after the first connection."),
    "no-prechecks": _key(Flag(), "Default false."),
    "management-diagnostics": _key(Flag(), "Default true."),
    "rpc-timeout": _key(DURATION, "Default 5s."),
    "write-stream-timeout": _key(DURATION, "Default 0s."),
    "dial-edge-timeout": _key(DURATION, "Default 15s."),
    "quic-disable-pmtu-discovery": _key(Flag(), "Default false."),
    "quic-connection-level-flow-control-limit": _key(Whole(), "Bytes. Default 30 MiB."),
    "quic-stream-level-flow-control-limit": _key(Whole(), "Bytes. Default 6 MiB."),
    "features": _key(WORDS, "Experimental features to turn on."),
    "cacert": _key(replace(PATH, empty=False), "CA of Cloudflare's edge, for tests."),
}

DEFAULTS: dict[str, str] = {
    "autoupdate-freq": "24h",
    "metrics-update-freq": "5s",
    "retries": "5",
    "max-edge-addr-retries": "8",
    "ha-connections": "4",
    "grace-period": "30s",
    "management-diagnostics": "true",
    "rpc-timeout": "5s",
    "dial-edge-timeout": "15s",
    "quic-connection-level-flow-control-limit": "30 MiB",
    "quic-stream-level-flow-control-limit": "6 MiB",
}
"""The defaults that a 0 or false in the file leaves in place."""

_CREDENTIALS: dict[str, Key] = {
    "token": _key(Text(), "The tunnel's token, instead of its credentials."),
    "token-file": _key(Text(), "Path of a file with the token."),
    "credentials-contents": _key(Text(), "The credentials' JSON itself."),
    "origincert": _key(Text(), "Path of cert.pem, to run a tunnel by its name."),
}

ONE_SERVICE: dict[str, tuple[Shape, str]] = {
    "hello-world": (Flag(), "the service 'hello_world'"),
    "bastion": (Flag(), "the service 'bastion'"),
    "socks5": (Flag(), "the service 'socks-proxy'"),
    "url": (Text(), "`service`"),
    "unix-socket": (Text(), "a service 'unix:/path'"),
}
"""Flags of the form without ingress rules that name its service, in the order in which cloudflared looks for them."""

OF_ONE_SERVICE: dict[str, tuple[Shape, str]] = {
    "proxy-connect-timeout": (DURATION, "connectTimeout"),
    "proxy-tls-timeout": (DURATION, "tlsTimeout"),
    "proxy-tcp-keepalive": (DURATION, "tcpKeepAlive"),
    "proxy-no-happy-eyeballs": (Flag(), "noHappyEyeballs"),
    "proxy-keepalive-connections": (Whole(), "keepAliveConnections"),
    "proxy-keepalive-timeout": (DURATION, "keepAliveTimeout"),
    "http-host-header": (Text(), "httpHostHeader"),
    "origin-server-name": (Text(), "originServerName"),
    "origin-ca-pool": (Text(), "caPool"),
    "no-tls-verify": (Flag(), "noTLSVerify"),
    "no-chunked-encoding": (Flag(), "disableChunkedEncoding"),
    "http2-origin": (Flag(), "http2Origin"),
    "proxy-address": (Text(), "proxyAddress"),
    "proxy-port": (Whole(), "proxyPort"),
}
"""Flags of that form that say how its service is reached, and the key of `originRequest` that does the same."""

_SINGLE_ORIGIN: dict[str, tuple[Shape, str]] = {
    **ONE_SERVICE,
    "ssh-server": (Flag(), "a service 'ssh://'"),
    **{name: (shape, f"`originRequest.{key}`") for name, (shape, key) in OF_ONE_SERVICE.items()},
}

_BESIDE_RULES = {
    name: f"has no effect beside ingress rules, where {instead} does the same."
    for name, (_, instead) in _SINGLE_ORIGIN.items()
}

_REMOVED_FLAGS: dict[str, Shape] = {
    "proxy-dns": Flag(),
    "proxy-dns-port": Whole(),
    "proxy-dns-address": Text(),
    "proxy-dns-upstream": WORDS,
    "proxy-dns-max-upstream-conns": Whole(),
    "proxy-dns-bootstrap": WORDS,
}


def _names(text: str) -> list[str]:
    return text.split()


_IDLE_FLAGS: dict[str, Shape] = {
    **dict.fromkeys(
        _names(
            "hostname id lb-pool name quick-service api-key api-email api-ca-key api-url local-ssh-port bucket-name region-name secret-id access-key-id session-token "
            "s3-url-host host-key-path"
        ),
        Text(),
    ),
    **dict.fromkeys(("is-autoupdated", "use-reconnect-token", "ui"), Flag()),
    **dict.fromkeys(("heartbeat-count", "compression-quality", "max-fetch-size"), Whole()),
    **dict.fromkeys(
        _names(
            "ssh-idle-timeout ssh-max-timeout proxy-connection-timeout proxy-expect-continue-timeout "
            "heartbeat-interval"
        ),
        DURATION,
    ),
}
"""Flags of other commands, and old ones that do nothing any more."""

_TEST_FLAGS: dict[str, Shape] = {
    "edge": WORDS,
    "management-hostname": Text(),
    "service-op-ip": Text(),
    "stdin-control": Flag(),
}
"""Hidden ones that do something."""

_IDLE = "does nothing for a tunnel with ingress rules. Remove it."
_REMOVED = "was removed from cloudflared in 2026.2.0. Remove it."
_FOR_TESTS = "is for Cloudflare's own tests, where something else stands for Cloudflare. Remove it."
_ARGUMENTS = dict.fromkeys(
    ("max-active-flows", "icmpv4-src", "icmpv6-src", "dns-resolver-addrs", "output"),
    "is not read from the file; cloudflared takes it as an argument only.",
)
_STRUCTURED = {
    "originRequest": _key(ORIGIN_REQUEST, "Defaults for every site."),
    "warp-routing": _key(WARP_ROUTING, "Private networks."),
}

SETTINGS = Table(
    keys={**_FLAGS, **_STRUCTURED},
    misused={
        **dict.fromkeys(
            ("tunnel", "credentials-file", "ingress"), "is written by argoweb itself. Remove it."
        ),
        **dict.fromkeys(
            _CREDENTIALS,
            "is another way to give the tunnel's credentials. argoweb pushes them as a file.",
        ),
        **_BESIDE_RULES,
        **dict.fromkeys(("hostname", "name"), _IDLE),
        **dict.fromkeys(_TEST_FLAGS, _FOR_TESTS),
        **dict.fromkeys(_REMOVED_FLAGS, _REMOVED),
        **_ARGUMENTS,
        **MISPLACED,
    },
    words=words.FLAGS,
    newer=True,
)
"""The keys that the stack file may set; argoweb writes the rest of the file itself."""

FILE = Table(
    keys={
        "tunnel": _key(Text(), "The tunnel's UUID, or its name where `origincert` is given."),
        "credentials-file": _key(Text(), "Path of the tunnel's credentials."),
        **_CREDENTIALS,
        **_FLAGS,
        **_STRUCTURED,
        "ingress": _key(ListOf(item=RULE), "The rules, the first match wins."),
        **{name: _key(shape, "") for name, (shape, _) in _SINGLE_ORIGIN.items()},
        **{
            name: _key(shape, "")
            for name, shape in (_REMOVED_FLAGS | _IDLE_FLAGS | _TEST_FLAGS).items()
        },
    },
    misused={
        **MISPLACED,
        **dict.fromkeys(
            ("service", "path"),
            "is a key of a rule. Write it below `ingress`, in a rule that begins with '- '.",
        ),
        **_BESIDE_RULES,
        **dict.fromkeys(_REMOVED_FLAGS, _REMOVED),
        **dict.fromkeys(_IDLE_FLAGS, _IDLE),
        **dict.fromkeys(_TEST_FLAGS, _FOR_TESTS),
        **_ARGUMENTS,
    },
    words=words.FILE,
    newer=True,
)
"""Every key that cloudflared reads from its file."""

FIELDS = ("tunnel", "ingress", "originRequest", "warp-routing")
"""The keys that have a type of their own; all others are flags."""
ONLY_RUN = ("token", "token-file", "credentials-contents", "features")
"""Flags that `tunnel run` reads and `ingress validate` does not."""
