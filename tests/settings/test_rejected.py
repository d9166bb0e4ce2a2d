"""Rejected configurations: each row is a change of the example and the whole message it earns."""

import copy
from typing import Any

import pytest

from settings import SettingsError
from settings.build import build

ABSENT = object()

ROWS: list[tuple[str, Any, str]] = [
    ("accountId", "xyz", "argoweb:accountId: found 'xyz', expected 32 hexadecimal digits."),
    (
        "accountId",
        "0123456789ABCDEF0123456789ABCDEF",
        "argoweb:accountId: found '0123456789ABCDEF0123456789ABCDEF', expected 32 hexadecimal digits.",
    ),
    (
        "accountId",
        ABSENT,
        "argoweb:accountId: missing. Set it with: pulumi config set argoweb:accountId <32 hex digits from the dashboard's URL>",
    ),
    (
        "sites",
        ABSENT,
        "argoweb:sites: missing. Set the first with: pulumi config set --path 'argoweb:sites[0].hostname' www.example.com",
    ),
    (
        "servers",
        ABSENT,
        "argoweb:servers: missing. Set the first with: pulumi config set --path argoweb:servers.web1.address 192.0.2.10",
    ),
    (
        "zones",
        ABSENT,
        "argoweb:zones: missing. Set the first with: pulumi config set --path 'argoweb:zones[0].name' example.com",
    ),
    ("zones", [], "argoweb:zones: found a list of 0, expected at least 1."),
    ("zones.0.id", "12", "argoweb:zones[0].id: found '12', expected 32 hexadecimal digits."),
    (
        "zones.1.name",
        "example.com",
        "argoweb:zones[1].name: 'example.com' is there twice. Remove one of them.",
    ),
    (
        "zones.0.name",
        "*.example.com",
        "argoweb:zones[0].name: found '*.example.com', expected '*' as the first label only, as in '*.example.com'.",
    ),
    ("servers", {}, "argoweb:servers: found none, expected at least one server to run the tunnel."),
    ("servers", [], "argoweb:servers: found a list of 0, expected a mapping."),
    (
        "servers.web1.hostKey",
        ABSENT,
        "argoweb:servers.web1.hostKey: missing. Without it anybody could answer as the server. Print it with: ssh-keyscan -t ed25519 -p 22 192.0.2.10",
    ),
    (
        "servers.web1.hostKey",
        "AAAA",
        "argoweb:servers.web1.hostKey: found 'AAAA', expected a line 'type key' as `ssh-keyscan -t ed25519 HOST` prints it, without the host.",
    ),
    (
        "servers.web1.hostKey",
        "ssh-ed25519 AAAAB3NzaC1yc2E=",
        "argoweb:servers.web1.hostKey: found 'ssh-ed25519 AAAAB3NzaC1yc2E=', expected a line 'type key' as `ssh-keyscan -t ed25519 HOST` prints it, without the host.",
    ),
    (
        "servers.web1.port",
        "22",
        "argoweb:servers.web1.port: found '22', expected a whole number from 1 to 65535.",
    ),
    (
        "servers.web1.port",
        0,
        "argoweb:servers.web1.port: found the number 0, expected one from 1 to 65535.",
    ),
    (
        "servers.web1.port",
        True,
        "argoweb:servers.web1.port: found true, expected a whole number from 1 to 65535.",
    ),
    (
        "servers.web1.user",
        "root; reboot",
        "argoweb:servers.web1.user: found 'root; reboot', expected a name of letters, digits, '_', '-'.",
    ),
    (
        "servers.web1.address",
        "[::1]",
        "argoweb:servers.web1.address: found '[::1]', expected an IP address without brackets, or a host name.",
    ),
    (
        "servers.web1.address",
        "web1;id",
        "argoweb:servers.web1.address: found 'web1;id', expected an IP address without brackets, or a host name.",
    ),
    (
        "servers.web1.adress",
        "192.0.2.1",
        "argoweb:servers.web1.adress: unknown key. Did you mean 'address'?",
    ),
    (
        "servers.web1.rebuild",
        {"flake": "/etc/nixos #x"},
        "argoweb:servers.web1.rebuild.flake: found '/etc/nixos #x', expected a text without blanks.",
    ),
    (
        "servers.web1.bastion",
        {"address": "192.0.2.9"},
        "argoweb:servers.web1.bastion.hostKey: missing. Without it anybody could answer as the server. Print it with: ssh-keyscan -t ed25519 -p 22 192.0.2.9",
    ),
    (
        "servers.web1.dialAttempts",
        0,
        "argoweb:servers.web1.dialAttempts: found the number 0, expected one from 1 to 20.",
    ),
    (
        "servers.Web 1",
        {"address": "192.0.2.1", "insecureHostKey": True},
        "argoweb:servers (the key): found 'Web 1', expected a name of a-z, 0-9 and '-'.",
    ),
    (
        "servers.web2",
        {"address": "192.0.2.10", "insecureHostKey": True},
        "argoweb:servers.web2.address: is that of 'web1' too. Remove one of them.",
    ),
    ("sites", {}, "argoweb:sites: found a mapping, expected a list."),
    (
        "sites.0",
        "www.example.com",
        "argoweb:sites[0]: found 'www.example.com', expected a mapping with caddyfile, dns, hostname, originRequest, path, proxy, redirect, root, service.",
    ),
    (
        "sites.0.hostname",
        ABSENT,
        "argoweb:sites[0].hostname: missing. Exact, or `*.` and a suffix.",
    ),
    (
        "sites.0.hostname",
        "www.example.com:80",
        "argoweb:sites[0].hostname: found 'www.example.com:80', expected a fully qualified hostname such as 'www.example.com', without port or path.",
    ),
    (
        "sites.0.hostname",
        "https://www.example.com",
        "argoweb:sites[0].hostname: found 'https://www.example.com', expected a fully qualified hostname such as 'www.example.com', without port or path.",
    ),
    (
        "sites.0.hostname",
        "a.*.example.com",
        "argoweb:sites[0].hostname: found 'a.*.example.com', expected '*' as the first label only, as in '*.example.com'.",
    ),
    (
        "sites.0.hostname",
        "www",
        "argoweb:sites[0].hostname: found 'www', expected a fully qualified hostname such as 'www.example.com', without port or path.",
    ),
    (
        "sites.0.hostname",
        "stra\u00dfe.example.com",
        "argoweb:sites[0].hostname: found 'straße.example.com', expected a name that every resolver writes alike; give it in punycode ('xn--…').",
    ),
    (
        "sites.0.hostname",
        "www.example.net",
        "argoweb:sites[0].hostname: 'www.example.net' is in no zone of argoweb:zones (example.com, example.org). Add its zone, or set `dns: false`.",
    ),
    (
        "sites.0.hostname",
        "www.example.com\nx",
        "argoweb:sites[0].hostname: found 'www.example.com\\nx', expected a text without control characters.",
    ),
    (
        "sites.0.hostname",
        "www.example.com\x00",
        "argoweb:sites[0].hostname: found 'www.example.com\\x00', expected a text without control characters.",
    ),
    (
        "sites.0.root",
        "srv/www",
        "argoweb:sites[0].root: found 'srv/www', expected an absolute path without blanks, quotes, braces, '\\', '*' and '$'.",
    ),
    (
        "sites.0.root",
        "/srv/{x}",
        "argoweb:sites[0].root: found '/srv/{x}', expected an absolute path without blanks, quotes, braces, '\\', '*' and '$'.",
    ),
    (
        "sites.0.root",
        "",
        "argoweb:sites[0].root: found '', expected an absolute path without blanks, quotes, braces, '\\', '*' and '$', not an empty one.",
    ),
    (
        "sites.0.root",
        ABSENT,
        "argoweb:sites[0]: found none of them, expected exactly one of root, proxy, redirect, caddyfile, service.",
    ),
    (
        "sites.0.proxy",
        "127.0.0.1:80",
        "argoweb:sites[0]: found root and proxy, expected exactly one of root, proxy, redirect, caddyfile, service.",
    ),
    ("sites.0.rooot", "/srv", "argoweb:sites[0].rooot: unknown key. Did you mean 'root'?"),
    (
        "sites.2.proxy",
        "localhost",
        "argoweb:sites[2].proxy: found 'localhost', expected an address with a port, such as '127.0.0.1:3000'.",
    ),
    (
        "sites.2.proxy",
        "127.0.0.1:99999",
        "argoweb:sites[2].proxy: found '127.0.0.1:99999', expected an address such as '127.0.0.1:3000', 'https://10.0.0.5' or 'unix//run/app.sock'.",
    ),
    (
        "sites.2.proxy",
        3000,
        "argoweb:sites[2].proxy: found the number 3000, expected a text such as '127.0.0.1:3000' in quotes.",
    ),
    ("sites.2.proxy", [], "argoweb:sites[2].proxy: found a list of 0, expected at least 1."),
    (
        "sites.2.proxy",
        "127.0.0.1:80 {",
        "argoweb:sites[2].proxy: found '127.0.0.1:80 {', expected an address such as '127.0.0.1:3000', 'https://10.0.0.5' or 'unix//run/app.sock'.",
    ),
    (
        "sites.1.redirect",
        "www.example.com",
        "argoweb:sites[1].redirect: found 'www.example.com', expected a URL, in which Caddy's '{uri}', '{path}' and '{query}' may stand.",
    ),
    (
        "sites.1.redirect",
        "https://x/{$HOME}",
        "argoweb:sites[1].redirect: found 'https://x/{$HOME}', expected a URL, in which Caddy's '{uri}', '{path}' and '{query}' may stand.",
    ),
    (
        "sites.3.service",
        "localhost:8000",
        "argoweb:sites[3].service: found 'localhost:8000', expected a service: http(s)://host:port, unix:/path, unix+tls:/path, tcp://, ssh://, rdp://, smb://, http_status:404, hello_world, bastion or socks-proxy.",
    ),
    (
        "sites.3.service",
        "http://localhost/",
        "argoweb:sites[3].service: found 'http://localhost/', expected a URL without a path, since cloudflared takes the path from the request (not even a final '/').",
    ),
    (
        "sites.3.service",
        "http_status:99",
        "argoweb:sites[3].service: found 'http_status:99', expected a status from 100 to 999 after 'http_status:'.",
    ),
    (
        "sites.3.service",
        "http_status:abc",
        "argoweb:sites[3].service: found 'http_status:abc', expected a status from 100 to 999 after 'http_status:'.",
    ),
    (
        "sites.3.service",
        "http://localhost:99999",
        "argoweb:sites[3].service: found 'http://localhost:99999', expected a URL with a port from 1 to 65535.",
    ),
    (
        "sites.3.service",
        "unix:",
        "argoweb:sites[3].service: found 'unix:', expected a path after 'unix:'.",
    ),
    (
        "sites.0.path",
        "(?=x)",
        "argoweb:sites[0].path: found '(?=x)', expected a regular expression of Go's RE2 (invalid or unsupported Perl syntax: `(?=`).",
    ),
    (
        "sites.0.path",
        "(a)\\1",
        "argoweb:sites[0].path: found '(a)\\\\1', expected a regular expression of Go's RE2 (invalid escape sequence: `\\1`).",
    ),
    (
        "sites.0.path",
        "^/(",
        "argoweb:sites[0].path: found '^/(', expected a regular expression of Go's RE2 (missing closing )).",
    ),
    (
        "sites.1.hostname",
        "WWW.example.com.",
        "argoweb:sites[1]: is never reached: argoweb:sites[0] takes the same requests and stands before it. Remove one of them.",
    ),
    (
        "sites.0.dns",
        "no",
        "argoweb:sites[0].dns: found 'no', expected a mapping with comment, tags.",
    ),
    (
        "sites.0.dns",
        {"comment": "x" * 101},
        "argoweb:sites[0].dns.comment: found '" + "x" * 101 + "', expected at most 100 characters.",
    ),
    (
        "sites.0.originRequest",
        {"noTlsVerify": True},
        "argoweb:sites[0].originRequest.noTlsVerify: unknown key. Did you mean 'noTLSVerify'?",
    ),
    (
        "sites.0.originRequest",
        {"connectTimeout": 30},
        "argoweb:sites[0].originRequest.connectTimeout: found the number 30, expected a text such as '30s' in quotes.",
    ),
    (
        "sites.0.originRequest",
        {"connectTimeout": "30"},
        "argoweb:sites[0].originRequest.connectTimeout: found '30', expected a duration with its unit, such as '30s' or '1m30s'.",
    ),
    (
        "sites.0.originRequest",
        {"proxyType": "http"},
        "argoweb:sites[0].originRequest.proxyType: found 'http', expected one of '', 'socks'.",
    ),
    (
        "sites.0.originRequest",
        {"access": {"required": True, "audTag": ["x"]}},
        "argoweb:sites[0].originRequest.access.teamName: missing. With `required: true` cloudflared refuses every request without it.",
    ),
    (
        "sites.0.originRequest",
        {"ipRules": [{"prefix": "10.0.0.0"}]},
        "argoweb:sites[0].originRequest.ipRules[0].prefix: found '10.0.0.0', expected a network with its prefix length, such as '10.0.0.0/8'.",
    ),
    (
        "cloudflared.tunnel",
        "x",
        "argoweb:cloudflared.tunnel: is written by argoweb itself. Remove it.",
    ),
    (
        "cloudflared.url",
        "http://x",
        "argoweb:cloudflared.url: belongs to the form without ingress rules. Write a site with a `service` instead.",
    ),
    (
        "cloudflared.loglevel",
        "verbose",
        "argoweb:cloudflared.loglevel: found 'verbose', expected one of 'debug', 'info', 'warn', 'error', 'fatal'.",
    ),
    (
        "cloudflared.edge-ip-version",
        4,
        "argoweb:cloudflared.edge-ip-version: found the number 4, expected one of 'auto', '4', '6'.",
    ),
    (
        "cloudflared.grace-period",
        "5m",
        "argoweb:cloudflared.grace-period: found '5m', expected at most '3m'.",
    ),
    (
        "cloudflared.retries",
        "5",
        "argoweb:cloudflared.retries: found '5', expected a whole number from 0 to 2147483647.",
    ),
    (
        "cloudflared.metrics",
        "localhost",
        "argoweb:cloudflared.metrics: found 'localhost', expected an address and port such as '127.0.0.1:20241'.",
    ),
    (
        "cloudflared.originRequest",
        {"access": {"required": True}},
        "argoweb:cloudflared.originRequest.access: cloudflared ignores it here, so nothing would be checked. Write it in the originRequest of what it shall guard.",
    ),
    (
        "cloudflared.proxy-dns",
        True,
        "argoweb:cloudflared.proxy-dns: was removed from cloudflared in 2026.2.0. Remove it.",
    ),
    (
        "cloudflared.tag",
        ["a b"],
        "argoweb:cloudflared.tag[0]: found 'a b', expected a tag such as 'site=home'.",
    ),
    (
        "tunnel.secretVersion",
        0,
        "argoweb:tunnel.secretVersion: found the number 0, expected one from 1 to 2147483647.",
    ),
    ("tunnel.nam", "x", "argoweb:tunnel.nam: unknown key. Did you mean 'name'?"),
    (
        "caddy",
        {"bind": "localhost"},
        "argoweb:caddy.bind: found 'localhost', expected an IP address such as '127.0.0.1' or '::1'.",
    ),
    (
        "caddy",
        {"unit": "caddy.service"},
        "argoweb:caddy.unit: found 'caddy.service', expected a unit's name without '.service'.",
    ),
    (
        "caddy",
        {"tls": {"certificate": "/c.pem"}},
        "argoweb:caddy.tls.key: missing. Give both files, or `internal: true`.",
    ),
    ("package", {"url": "x"}, "argoweb:package.url: found 'x', expected a Git URL."),
    (
        "nixos",
        {"configDir": "etc"},
        "argoweb:nixos.configDir: found 'etc', expected an absolute path without blanks, quotes, braces, '\\', '*' and '$'.",
    ),
    (
        "health",
        {"timeout": 1},
        "argoweb:health.timeout: found the number 1, expected one from 5 to 3600.",
    ),
    (
        "health",
        {"urls": ["ftp://x"]},
        "argoweb:health.urls[0]: found 'ftp://x', expected an http(s) URL of ASCII characters.",
    ),
    (
        "health",
        {"urls": ["http://[::1/"]},
        "argoweb:health.urls[0]: found 'http://[::1/', expected an http(s) URL of ASCII characters.",
    ),
    (
        "health",
        {"urls": ["http://me:secret@127.0.0.1/"]},
        "argoweb:health.urls[0]: holds a name or password, which all may see. Leave it out.",
    ),
]


def changed(values: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy with the value at the dotted place set, or taken away."""
    result = copy.deepcopy(values)
    *way, last = place.split(".")
    inner: Any = result
    for step in way:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    if value is ABSENT:
        del inner[last]
    elif isinstance(inner, list):
        inner[int(last)] = value
    else:
        inner[last] = value
    return result


@pytest.mark.parametrize(
    ("place", "value", "message"), ROWS, ids=[f"{r[0]}-{i}" for i, r in enumerate(ROWS)]
)
def test_a_mistake_is_named_with_its_place_what_was_found_and_what_to_do(
    prod: dict[str, Any], place: str, value: Any, message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        build(changed(prod, place, value), deployment="argoweb/prod")

    assert message in refused.value.problems


def test_the_example_itself_is_accepted_without_a_warning(prod: dict[str, Any]) -> None:
    assert build(prod, deployment="argoweb/prod").warnings == ()


def test_all_mistakes_are_reported_at_once(prod: dict[str, Any]) -> None:
    prod["accountId"] = "x"
    prod["sites"][0]["roott"] = "/srv"
    prod["servers"]["web1"]["port"] = 0

    with pytest.raises(SettingsError) as refused:
        build(prod, deployment="argoweb/prod")

    assert {problem.split(": ")[0] for problem in refused.value.problems} >= {
        "argoweb:accountId",
        "argoweb:sites[0].roott",
        "argoweb:servers.web1.port",
    }
