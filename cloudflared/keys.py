"""The structured keys of cloudflared's configuration file, with their types and defaults.

From cloudflared's `config/configuration.go`, the defaults from `ingress/config.go`. Durations have a unit, as `30s`.
"""

import ipaddress
import re

from cloudflared import words
from cloudflared.go.durations import Duration
from values.kinds import Checked, Choice, Flag, ListOf, Shape, Text, Whole
from values.tables import Key, Table


def check_address(text: str) -> str | None:
    """Says what was expected in the place of a text that is no IP address, or one with a zone; else `None`."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return "an IP address such as '127.0.0.1' or '::1'"
    return "an IP address without a zone such as '%eth0'" if "%" in text else None


def check_network(text: str) -> str | None:
    """Says what Go's `net.ParseCIDR` has against a network; `None` for a right one."""
    address, slash, length = text.partition("/")
    if not slash:
        return "a network with its prefix length, such as '10.0.0.0/8'"
    try:
        longest = ipaddress.ip_address(address).max_prefixlen
    except ValueError:
        return "a network such as '10.0.0.0/8'"
    digits = re.fullmatch(r"0*([0-9]{1,3})", length)
    if digits is None or int(digits[1]) > longest or "%" in address:
        return "a network such as '10.0.0.0/8'"
    return None


DURATION = Duration()
NETWORK = Checked(check=check_network, example="10.0.0.0/8", kind="a network")
PATH = Text(expected="a path without blanks around it", pattern=r"\S(?:.*\S)?", empty=True)
HOST = Text(
    expected="a host such as 'app.local' or 'app.local:3000'",
    pattern=r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?",
    empty=True,
)
WORDS = ListOf(item=Text())
PORTS = ListOf(item=Whole(least=1, most=65535))


def make_key(shape: Shape, doc: str, otherwise: str = "", unit: str = "") -> Key:
    """Makes a key without which cloudflared takes `otherwise`."""
    return Key(shape=shape, doc=doc, otherwise=otherwise, unit=unit)


IP_RULE = Table(
    keys={
        "prefix": Key(shape=NETWORK, doc="The network, as CIDR.", required=True),
        "ports": make_key(PORTS, "Destination ports; none means all."),
        "allow": make_key(Flag(), "Whether a match is allowed.", "false"),
    },
    words=words.IP_RULE,
)

ACCESS = Table(
    keys={
        "required": make_key(
            Flag(), "Whether a request without a valid Access token is refused.", "false"
        ),
        "teamName": make_key(Text(), "The Zero Trust organisation's name."),
        "audTag": make_key(WORDS, "Audience tags of the Access applications that may pass."),
        "environment": make_key(Choice(("", "fed")), "`fed` for an organisation in FedRAMP."),
    },
    words=words.ACCESS,
)

ORIGIN_REQUEST = Table(
    keys={
        "connectTimeout": make_key(DURATION, "How long connecting to the service may take.", "30s"),
        "tlsTimeout": make_key(DURATION, "How long the TLS handshake may take.", "10s"),
        "tcpKeepAlive": make_key(DURATION, "Interval of TCP keep-alives.", "30s"),
        "noHappyEyeballs": make_key(
            Flag(), "Whether there is no fallback between IPv6 and IPv4.", "false"
        ),
        "keepAliveConnections": make_key(
            Whole(least=-1), "How many idle connections are kept open; `-1` keeps none.", "100"
        ),
        "keepAliveTimeout": make_key(
            DURATION, "How long an idle connection is kept open.", "1m30s"
        ),
        "httpHostHeader": make_key(HOST, "Host header sent to the service."),
        "originServerName": make_key(
            Text(empty=True), "Name expected in the service's certificate."
        ),
        "matchSNItoHost": make_key(
            Flag(), "Whether the request's hostname is the TLS server name.", "false"
        ),
        "caPool": make_key(PATH, "File on the server with the CA of the service's certificate."),
        "noTLSVerify": make_key(
            Flag(), "Whether any certificate of the service is accepted.", "false"
        ),
        "disableChunkedEncoding": make_key(
            Flag(), "Whether requests are sent without chunks, for WSGI servers.", "false"
        ),
        "bastionMode": make_key(
            Flag(), "Whether it is a jump host: the client names the destination.", "false"
        ),
        "proxyAddress": make_key(
            Text(empty=True), "Address at which the proxy of `proxyType` listens.", "127.0.0.1"
        ),
        "proxyPort": make_key(
            Whole(most=65535, unsigned=True),
            "Port at which the proxy listens; 0 takes a free one.",
            "0",
        ),
        "proxyType": make_key(Choice(("", "socks")), "`socks` for a SOCKS5 proxy."),
        "ipRules": make_key(ListOf(item=IP_RULE), "What a socks-proxy may reach."),
        "http2Origin": make_key(
            Flag(), "Whether the service, which must be https, is asked by HTTP/2.", "false"
        ),
        "access": make_key(ACCESS, "Validation of the Access token at the origin."),
    },
    words=words.ORIGIN_REQUEST,
    newer=True,
)

WARP_ROUTING = Table(
    keys={
        "connectTimeout": make_key(DURATION, "How long connecting may take.", "5s"),
        "maxActiveFlows": make_key(
            Whole(unsigned=True), "How many flows there may be at once; 0 for any number.", "0"
        ),
        "tcpKeepAlive": make_key(DURATION, "Interval of TCP keep-alives.", "30s"),
    },
    misused={"enabled": "has had no effect since cloudflared 2023.9.0. Remove it."},
)

MISPLACED = dict.fromkeys(
    ORIGIN_REQUEST.keys, "has no effect here. Write it under `originRequest`."
)

RULE = Table(
    keys={
        "hostname": make_key(
            Text(empty=True), "Exact, or `*.` and a suffix; none matches every one."
        ),
        "path": make_key(Text(empty=True), "Go regular expression on the URL's path."),
        "service": Key(shape=Text(), doc="Where a request goes.", required=True),
        "originRequest": make_key(ORIGIN_REQUEST, "How it goes there."),
    },
    misused=MISPLACED,
    words=words.RULE,
    inner="originRequest",
)
