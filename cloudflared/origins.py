"""Where a rule leads: schemes that do not do what they say, certificates that cannot be valid, inside things for everybody."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence, Set

from cloudflared.go import idna
from cloudflared.inside import find_inside_thing
from cloudflared.rules import Rule
from cloudflared.services import Service
from values.findings import Findings, make_warning

EXPOSED = make_warning("exposed", "What is meant for the inside answers every visitor.")
SCHEME = make_warning("scheme", "cloudflared does not speak what a service's scheme or port says.")
CERTIFICATE = make_warning(
    "no-certificate", "No public CA gives a certificate for the name of a service."
)
SITE_LOOP = make_warning(
    "site-loop", "An answer leads back to the site, or out to Cloudflare and in again."
)
_WEB = ("http", "https", "ws", "wss")
_TLS = ("https", "wss")
_KNOWN = (*_WEB, "tcp", "ssh", "rdp", "smb")
"""Schemes by which cloudflared itself tells one service from another (its `ingress/origin_service.go`)."""
_UDP = ("udp", "quic", "dns", "dtls", "sip", "rtp", "wg", "wireguard", "stun", "turn", "coap")
_HTTP2 = ("h2c", "h2", "http2", "h3", "http3", "grpc", "grpcs")
_FASTCGI = ("fastcgi", "fcgi", "scgi", "uwsgi", "php", "ajp")
_PHP = re.compile(r"(?:php|fpm)[^/]*(?:/[^/]+)?\.sock(?:et)?$")
_OTHER_PORTS = {
    **dict.fromkeys((("http", "443"), ("http", "8443"), ("tcp", "443")), "https"),
    **dict.fromkeys((("https", "80"), ("tcp", "80"), ("tcp", "8080")), "http"),
    **dict.fromkeys((("http", "22"), ("https", "22")), "ssh"),
    **dict.fromkeys((("http", "3389"), ("https", "3389")), "rdp"),
    **dict.fromkeys((("http", "445"), ("https", "445")), "smb"),
}
"""Ports that nearly always speak what another scheme says."""
_NAMES_OF_NOBODY = (
    "localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa", "test",
    "invalid", "docker", "cluster.local", "svc",
)  # fmt: skip
"""Names below which no public CA gives a certificate, since they are nobody's in DNS (RFC 6761, 6762, 8375, ICANN)."""
Said = tuple[str, ...]
"""What was found, and where that does not say it, what to do."""
GUARDED = "`originRequest.access` with `required: true`, a team and an audience"


def check_origin(
    rule: Rule,
    service: Service | None,
    where: str,
    findings: Findings,
    *,
    common: Mapping[str, object],
) -> None:
    """Warns of a service that everybody reaches, or that cloudflared cannot serve as meant; `service` is cloudflared's reading.

    `common` is the `originRequest` of all rules, which a rule's own overrides key by key.
    """
    if service is None:
        return
    given = {**common, **rule.origin_request}
    for kind, said in (
        (EXPOSED, _say_exposed(rule, service)),
        (SCHEME, _say_php(rule.service) or _say_status(rule.service) or _say_misleading(service)),
        (CERTIFICATE, _say_without_certificate(service, given)),
    ):
        if said is not None:
            findings.add(kind, f"{where}.service", *said)


def is_guarded(rule: Rule) -> bool:
    """Whether cloudflared asks for an Access token: only a rule's own `originRequest` can say so."""
    access = rule.origin_request.get("access")
    return isinstance(access, Mapping) and access.get("required") is True


def say_exposed(address: str, thing: str | None = None) -> Said | None:
    """Says what every visitor would reach at an address; `None` where nothing is known to be there.

    `thing` is what is there where that is known better than by the address.
    """
    thing = thing or find_inside_thing(address)
    if thing is None:
        return None
    return (
        f"'{address}' is {thing} by its address, which every visitor could use.",
        f"Leave it inside, or guard it by {GUARDED}.",
    )


def has_no_public_certificate(host: str) -> bool:
    """Whether no public CA gives a certificate for an address or a name."""
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        name = host.lower().removesuffix(".")
        return "." not in name or any(name.endswith(f".{end}") for end in _NAMES_OF_NOBODY)


def _say_exposed(rule: Rule, service: Service) -> Said | None:
    if is_guarded(rule):
        return None
    if service.shown == "bastion":
        return (
            "a bastion connects every visitor to whatever the server reaches, its own services too.",
            f"Guard it by {GUARDED}.",
        )
    if rule.service == "socks-proxy":
        return "every visitor may connect to what `ipRules` allow.", f"Guard it by {GUARDED}."
    return say_exposed(rule.service)


def _say_php(service: str) -> Said | None:
    if not is_php(service):
        return None
    return (
        f"'{service}' is PHP's by its name, which speaks FastCGI, and not http.",
        "Put a web server before it, as Caddy with `php_fastcgi`.",
    )


def is_php(address: str) -> bool:
    """Whether a socket is one of PHP-FPM, by its name."""
    return address.startswith("unix") and _PHP.search(address) is not None


def _say_status(service: str) -> Said | None:
    if not re.fullmatch(r"http_status:3(?!04)\d\d", service):
        return None
    return (
        f"'{service}' tells a browser to go elsewhere, and not where to.",
        "Have a web server redirect, as Caddy.",
    )


def _say_misleading(service: Service) -> Said | None:
    url = service.url
    if url is None:
        return None
    scheme, at = url.scheme, url.host
    if scheme in _UDP:
        return (
            f"cloudflared carries no UDP to a hostname: for '{scheme}://' it speaks TCP inside of a WebSocket, of which "
            "a browser gets nothing.",
            "Leave it out.",
        )
    if scheme in _HTTP2:
        return (
            f"cloudflared knows no '{scheme}://' and speaks TCP inside of a WebSocket.",
            f"Write 'https://{at}' with `http2Origin: true`; a service without TLS needs a proxy such as Caddy before it, "
            f"with 'h2c://{at}'.",
        )
    if scheme in _FASTCGI:
        return (
            f"cloudflared knows no '{scheme}://' and speaks TCP inside of a WebSocket.",
            "Put a web server before it, as Caddy with `php_fastcgi`.",
        )
    if scheme not in _KNOWN:
        return (
            f"cloudflared knows no '{scheme}://' and speaks TCP inside of a WebSocket, as for 'tcp://': a browser gets "
            "nothing, and a client needs `cloudflared access tcp` before it.",
            f"Write 'tcp://{at}' if that is meant, 'http://' for a web service.",
        )
    if (other := _OTHER_PORTS.get((scheme, url.port))) is not None:
        return (f"port {url.port} is hardly '{scheme}://'; perhaps '{other}://{at}'.",)
    return None


def _say_without_certificate(service: Service, given: Mapping[str, object]) -> Said | None:
    url = service.url
    trusted = any(given.get(key) for key in ("noTLSVerify", "caPool", "matchSNItoHost"))
    if url is None or url.scheme not in _TLS or trusted:
        return None
    name = str(given.get("originServerName") or url.hostname)
    if not has_no_public_certificate(name):
        return None
    return (
        f"no public CA gives a certificate for '{name}', so each request ends with 502 unless the server trusts its CA.",
        "Write `noTLSVerify: true`, `caPool` with its CA, or `originServerName` with a name that it is for.",
    )


def check_circles(
    rules: Sequence[Rule],
    services: Sequence[Service | None],
    places: Sequence[str],
    findings: Findings,
) -> None:
    """Warns of services whose host is a hostname of the same tunnel."""
    named = list_names(rule.hostname for rule in rules)
    for service, place in zip(services, places, strict=True):
        if service is not None and service.url is not None and service.url.scheme in _WEB:
            said = say_leading_back(service.url.hostname, named)
            if said is not None:
                findings.add(SITE_LOOP, f"{place}.service", *said)


def list_names(hostnames_given: Iterable[str]) -> Set[str]:
    """Gives the hostnames of a tunnel as DNS has them, without one that stands for all."""
    return {idna.look_up_name(name) or name for name in hostnames_given if name not in ("", "*")}


def say_leading_back(host: str, named: Set[str]) -> Said | None:
    """Says that requests to a host come back to the same tunnel; `None` where they do not."""
    sent = idna.look_up_name(host.removesuffix(".")) or host.lower()
    dots = (at for at, character in enumerate(sent) if character == ".")
    around = named & {f"*{sent[at:]}" for at in dots}
    if sent not in named and not around:
        return None
    unless = "" if sent in named else " unless it has a record of its own"
    return (
        f"'{host}' is a hostname of this tunnel{unless}, so a request goes out to Cloudflare and comes back, in circles or at "
        "least twice.",
        "Name the service by its address, such as 127.0.0.1 and its port.",
    )
