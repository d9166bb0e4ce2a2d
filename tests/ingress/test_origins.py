"""What is said of where a rule leads: its scheme and port, its socket, the name that a certificate would be for."""

import os
from pathlib import Path

from cloudflared import check_origin, services
from cloudflared.rules import Rule
from values.findings import Findings

READ_LAST = Path(__file__).with_name("origins.txt")
KNOWN = ("http", "https", "ws", "wss", "tcp", "ssh", "rdp", "smb")
PORTS = ("", ":22", ":80", ":443", ":445", ":3000", ":3389", ":8080", ":8443")
OTHER_SCHEMES = (
    "udp", "quic", "dns", "dtls", "sip", "rtp", "wg", "wireguard", "stun", "turn", "coap",
    "h2c", "h2", "http2", "h3", "http3", "grpc", "grpcs", "fastcgi", "fcgi", "scgi", "uwsgi", "php", "ajp", "ftp", "postgres",
)  # fmt: skip
CERTIFIED = (
    "www.example.com", "www.example.com.", "8.8.8.8", "[2606:4700::1111]", "10.0.0.1", "127.0.0.1", "169.254.1.1", "[::1]",
    "[fe80::1%25eth0]", "printer", "LOCALHOST", "a.localhost", "a.local", "nas.localdomain", "a.internal", "a.intranet", "a.private",
    "a.corp", "a.home", "a.lan", "a.home.arpa", "a.test", "a.invalid", "a.docker", "a.default.cluster.local", "a.default.svc",
    "corp.example.com", "mylan",
)  # fmt: skip
OTHERS = (
    "bastion", "socks-proxy", "hello_world", "http_status:301", "http_status:304", "http_status:399", "http_status:404",
    "unix:/run/phpfpm/a.sock", "unix:/run/php/php8.3-fpm.sock", "unix:/run/php-fpm/a.socket", "unix:/run/php/a/b.sock",
    "unix:/run/app.sock",
)  # fmt: skip
GUARDED: dict[str, object] = {"access": {"required": True, "teamName": "a", "audTag": ["b"]}}
TRUSTED: tuple[dict[str, object], ...] = (
    {"noTLSVerify": True},
    {"caPool": "/ca.pem"},
    {"matchSNItoHost": True},
    {"originServerName": "www.example.com"},
    {"originServerName": "a.lan"},
)


def say(service: str, given: dict[str, object], common: dict[str, object]) -> str:
    findings = Findings()
    rule = Rule(hostname="www.example.org", service=service, origin_request=given)
    check_origin(rule, services.parse(service), "sites[0]", findings, common=common)
    assert not findings.errors
    assert {it.place for it in findings.warnings} <= {"sites[0].service"}
    heard = [
        f"    [{it.kind.code}] {it.text} {it.remedy}".rstrip() + "\n" for it in findings.warnings
    ]
    return "".join([f"{service}{given or ''}{common or ''}\n", *heard])


def test_what_is_said_of_a_service_is_what_was_read_last() -> None:
    services_given = [
        *(f"{scheme}://10.0.0.1{port}" for scheme in KNOWN for port in PORTS),
        *(f"{scheme}://10.0.0.1:3000" for scheme in OTHER_SCHEMES),
        *(f"{scheme}://{host}:3000" for host in CERTIFIED for scheme in ("https", "http")),
        *OTHERS,
    ]
    text = "".join(
        [
            *(say(service, {}, {}) for service in services_given),
            *(say(service, GUARDED, {}) for service in ("bastion", "socks-proxy", "tcp://10.0.0.1:5432")),
            *(say("wss://10.0.0.1:3000", given, {}) for given in TRUSTED),
            *(say("wss://10.0.0.1:3000", {}, given) for given in TRUSTED),
            say("https://10.0.0.1", {"noTLSVerify": False}, {"noTLSVerify": True}),
        ]
    )  # fmt: skip

    if "WRITE" in os.environ:  # as `make messages` does
        READ_LAST.write_text(text)
    assert text == READ_LAST.read_text(), "run `make messages` and read what has changed"
