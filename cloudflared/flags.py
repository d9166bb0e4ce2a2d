"""The keys of cloudflared's file that are its command's flags, and the two whole tables of keys.

From cloudflared's `cmd/cloudflared/tunnel/cmd.go` and `subcommands.go`. It takes a flag's value in its own YAML type
only, and a number, duration or switch that is 0 or false as if the key were absent (`altsrc`).
"""

import re
from dataclasses import replace

from cloudflared import words
from cloudflared.go import durations
from cloudflared.go.durations import Duration
from cloudflared.keys import (
    DURATION,
    MISPLACED,
    ORIGIN_REQUEST,
    PATH,
    RULE,
    WARP_ROUTING,
    WORDS,
    check_address,
    make_key,
)
from values.kinds import Checked, Choice, Flag, ListOf, Shape, Text, Whole
from values.tables import Key, Table

OWN_FILES = ("pidfile", "logfile", "log-directory", "trace-output")
"""Keys that name files which it makes itself."""
LONGEST_GRACE_PERIOD = 180
"""Seconds; cloudflared does not start with more (`cmd.go`, `gracePeriod`)."""


def _check_grace_period(text: str) -> str | None:
    length = durations.read_seconds(text)
    if length is not None and length > LONGEST_GRACE_PERIOD:
        return "at most '3m'"
    return durations.find_problem(text)


def _check_tag(text: str) -> str | None:
    """Says what a tag should have been, by `tag.go`: a name as HTTP headers have, and a value of printable ASCII."""
    if re.fullmatch(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+=[ -~]+", text):
        return None
    return "a tag such as 'site=home', of ASCII characters, without blanks before the '='"


_LEVEL = Choice(("debug", "info", "warn", "error", "fatal"))


_FLAGS = {
    "loglevel": make_key(_LEVEL, "How much cloudflared logs; `debug` has request headers.", "info"),
    "transport-loglevel": make_key(
        _LEVEL, "How much it logs of its connections to Cloudflare.", "info"
    ),
    "logfile": make_key(Text(), "File for the log beside the journal."),
    "log-directory": make_key(Text(), "Folder for log files beside the journal."),
    "trace-output": make_key(Text(), "File for a trace of Go's."),
    "no-autoupdate": make_key(
        Flag(), "Whether cloudflared leaves itself as it is; the unit sets it.", "true"
    ),
    "autoupdate-freq": make_key(
        DURATION, "How often it looks for a newer version; of no use on NixOS.", "24h"
    ),
    "metrics": make_key(
        Text(),
        "Address of /metrics and /ready; the second instance takes the next port.",
        "127.0.0.1:20251",
    ),
    "metrics-update-freq": make_key(DURATION, "How often the metrics are renewed.", "5s"),
    "protocol": make_key(
        Choice(("auto", "quic", "http2")),
        "How it speaks with Cloudflare; a named one has no fallback.",
        "auto",
    ),
    "post-quantum": make_key(Flag(), "Whether it insists on post-quantum key agreement.", "false"),
    "edge-ip-version": make_key(
        Choice(("auto", "4", "6")), "IP version towards Cloudflare, in quotes.", "auto"
    ),
    "edge-bind-address": make_key(
        Checked(check=check_address, example="192.0.2.1", kind="an IP address"),
        "Source address of the connections.",
    ),
    "region": make_key(Text(), "Where the connections end: `us` keeps them in the United States."),
    "retries": make_key(Whole(), "How often a broken connection is tried again.", "5"),
    "max-edge-addr-retries": make_key(
        Whole(), "How often addresses of Cloudflare are tried before another protocol is.", "8"
    ),
    "ha-connections": make_key(Whole(least=1, most=64), "Connections to Cloudflare.", "4"),
    "grace-period": make_key(
        Duration(check=_check_grace_period),
        "How long running requests may go on when it stops, at most 3m.",
        "30s",
    ),
    "tag": make_key(
        ListOf(item=Checked(check=_check_tag, example="site=home", kind="a tag")),
        "What Cloudflare shows with this connector, each as `KEY=VALUE`.",
    ),
    "label": make_key(Text(), "Name that Cloudflare shows for this connector."),
    "pidfile": make_key(Text(), "File with the process id, written after the first connection."),
    "no-prechecks": make_key(
        Flag(), "Whether it starts without trying its way to Cloudflare.", "false"
    ),
    "management-diagnostics": make_key(
        Flag(), "Whether Cloudflare may ask it for metrics and profiles.", "true"
    ),
    "rpc-timeout": make_key(DURATION, "How long Cloudflare may take to answer a call.", "5s"),
    "write-stream-timeout": make_key(DURATION, "How long a write may take; 0s for any time.", "0s"),
    "dial-edge-timeout": make_key(DURATION, "How long a connection to Cloudflare may take.", "15s"),
    "quic-disable-pmtu-discovery": make_key(
        Flag(), "Whether QUIC goes on with the smallest packets.", "false"
    ),
    "quic-connection-level-flow-control-limit": make_key(
        Whole(), "What a QUIC connection may have on its way.", "30 MiB", "bytes"
    ),
    "quic-stream-level-flow-control-limit": make_key(
        Whole(), "What a QUIC stream may have on its way.", "6 MiB", "bytes"
    ),
    "features": make_key(WORDS, "Experimental features to turn on."),
    "cacert": make_key(
        replace(PATH, empty=False), "File with the CA of Cloudflare's edge, for tests."
    ),
}

DEFAULTS: dict[str, str] = {
    name: key.otherwise
    for name, key in _FLAGS.items()
    if isinstance(key.shape, (Duration, Whole, Flag)) and key.otherwise not in ("", "0s", "false")
}
"""The defaults that a 0 or false in the file leaves in place."""

_CREDENTIALS: dict[str, Key] = {
    "token": make_key(Text(), "The tunnel's token, instead of its credentials."),
    "token-file": make_key(Text(), "Path of a file with the token."),
    "credentials-contents": make_key(Text(), "The credentials' JSON itself."),
    "origincert": make_key(Text(), "Path of cert.pem, to run a tunnel by its name."),
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
    "proxy-keepalive-connections": (Whole(least=-1), "keepAliveConnections"),
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


def _split(text: str) -> list[str]:
    return text.split()


_IDLE_FLAGS: dict[str, Shape] = {
    **dict.fromkeys(
        _split(
            "hostname id lb-pool name quick-service api-key api-email api-ca-key api-url local-ssh-port bucket-name region-name secret-id access-key-id session-token "
            "s3-url-host host-key-path"
        ),
        Text(),
    ),
    **dict.fromkeys(("is-autoupdated", "use-reconnect-token", "ui"), Flag()),
    **dict.fromkeys(("heartbeat-count", "compression-quality", "max-fetch-size"), Whole()),
    **dict.fromkeys(
        _split(
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
    "originRequest": make_key(
        ORIGIN_REQUEST, "How services are reached, for every site that does not say it itself."
    ),
    "warp-routing": make_key(WARP_ROUTING, "How private networks are reached."),
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
        "tunnel": make_key(Text(), "The tunnel's UUID, or its name where `origincert` is given."),
        "credentials-file": make_key(Text(), "Path of the tunnel's credentials."),
        **_CREDENTIALS,
        **_FLAGS,
        **_STRUCTURED,
        "ingress": make_key(ListOf(item=RULE), "The rules, the first match wins."),
        **{name: make_key(shape, "") for name, (shape, _) in _SINGLE_ORIGIN.items()},
        **{
            name: make_key(shape, "")
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
