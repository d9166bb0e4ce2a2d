"""What the real cloudflared takes without a word, and is warned about here."""

import pytest

from cloudflared.unclean import UNCLEAN
from importing.file import read
from tests.ingress.judge import required

END = "  - service: http_status:404\n"


def site(*lines: str) -> str:
    """A file with a rule of these lines before the last one."""
    return "ingress:\n  - " + "\n    ".join(lines) + "\n" + END


def top(*lines: str) -> str:
    """A file with these lines beside its rules."""
    return "\n".join(lines) + "\ningress:\n" + END


def pair(first: str, second: str) -> str:
    """A file with two rules before the last one, each written in flow style."""
    return f"ingress:\n  - {{{first}, service: https://a.example:1}}\n  - {{{second}, service: https://b.example:1}}\n{END}"


TOKEN = "{access: {required: true, teamName: t, audTag: [" + "a" * 64 + "]}}"
ROUND = (
    "is compared as the visitor writes it, while rules of this hostname differ in access: a '//' or '/../' leads round it. "
    f"Write before it a rule with the path '{UNCLEAN}' and the service http_status:404."
)
ROWS: list[tuple[str, list[str]]] = [
    # A rule that an earlier one hides.
    (
        pair("hostname: '*.example.com'", "hostname: a.example.com"),
        [
            "3: ingress[1]: is never reached: ingress[0] takes the same requests and stands before it. Move it up."
        ],
    ),
    (
        pair("hostname: a.b", "hostname: a.b"),
        [
            "3: ingress[1]: is never reached: ingress[0] takes the same requests and stands before it. Remove one of them."
        ],
    ),
    (
        pair("hostname: a.b, path: ^/api", "hostname: a.b, path: ^/api/v1"),
        [
            "3: ingress[1]: is never reached: ingress[0] takes the same requests and stands before it. Move it up."
        ],
    ),
    (
        pair("hostname: a.b, path: ^/", "hostname: a.b, path: ^/api"),
        [
            "3: ingress[1]: is never reached: ingress[0] takes the same requests and stands before it. Move it up."
        ],
    ),
    (pair("hostname: a.b, path: ^/api/v1", "hostname: a.b, path: ^/api"), []),
    (pair("hostname: a.b, path: ^/api", "hostname: a.b, path: ^/ap"), []),
    (pair("hostname: a.b, path: ^/api", "hostname: a.b, path: '^/api?'"), []),
    (pair("hostname: a.example.com", "hostname: '*.example.com'"), []),
    (pair("hostname: '*.example.com'", "hostname: example.com"), []),
    # A path beside another access.
    (
        pair("hostname: a.b, path: ^/public", f"hostname: a.b, originRequest: {TOKEN}"),
        [f"2: ingress[0].path: {ROUND}"],
    ),
    (
        pair(f"hostname: a.b, path: ^/private, originRequest: {TOKEN}", "hostname: a.b"),
        [f"2: ingress[0].path: {ROUND}"],
    ),
    (
        f"ingress:\n  - {{hostname: a.b, path: '{UNCLEAN}', service: 'http_status:404'}}\n"
        + pair("hostname: a.b, path: ^/public", f"hostname: a.b, originRequest: {TOKEN}").partition(
            "\n"
        )[2],
        [],
    ),
    (
        pair(
            f"hostname: a.b, path: ^/x, originRequest: {TOKEN}",
            f"hostname: a.b, originRequest: {TOKEN}",
        ),
        [],
    ),
    (pair("hostname: a.b, path: ^/x", f"hostname: c.b, originRequest: {TOKEN}"), []),
    # A path.
    (
        site("hostname: a.b", "path: /api", "service: https://x.example:1"),
        [
            "3: ingress[0].path: '/api' is found anywhere in a path; write '^/api' for its beginning."
        ],
    ),
    (
        site("hostname: a.b", "path: ^/a|/b", "service: https://x.example:1"),
        [
            "3: ingress[0].path: '^/a|/b' is found anywhere in a path; write '^(?:^/a|/b)' for its beginning."
        ],
    ),
    (
        site("hostname: a.b", "path: /api/*", "service: https://x.example:1"),
        [
            "3: ingress[0].path: '*' in '/api/*' repeats the '/'; '.*' is any characters.",
            "3: ingress[0].path: '/api/*' is found anywhere in a path; write '^/api' for its beginning.",
        ],
    ),
    (
        site("hostname: a.b", r"path: .*\.jpe?g", "service: https://x.example:1"),
        [
            r"3: ingress[0].path: '.*\.jpe?g' is found anywhere in a path; write '.*\.jpe?g$' for its end."
        ],
    ),
    (site("hostname: a.b", r"path: .*\.(jpg|png)$", "service: https://x.example:1"), []),
    (site("hostname: a.b", "path: ^/a|^/b", "service: https://x.example:1"), []),
    (site("hostname: a.b", r"path: \.(jpg|png)$", "service: https://x.example:1"), []),
    (site("hostname: a.b", "path: (?i)^/api", "service: https://x.example:1"), []),
    (
        site("hostname: a.b", "path: ^api", "service: https://x.example:1"),
        ["3: ingress[0].path: '^api' matches nothing; a path begins with '/': write '^/api'."],
    ),
    (
        site("hostname: a.b", "path: ^/api/*", "service: https://x.example:1"),
        ["3: ingress[0].path: '*' in '^/api/*' repeats the '/'; '.*' is any characters."],
    ),
    (
        site("hostname: a.b", "path: ^/api/", "service: https://x.example:1"),
        [
            "3: ingress[0].path: '^/api/' does not match '/api' without the '/'; '^/api(?:/|$)' matches both."
        ],
    ),
    # A hostname.
    (
        site("hostname: '*x.com'", "service: https://x.example:1"),
        ["2: ingress[0].hostname: '*x.com' matches nothing; a wildcard is '*.' and a suffix."],
    ),
    (
        site("hostname: a.b/x", "service: https://x.example:1"),
        [
            "2: ingress[0].hostname: found 'a.b/x', expected a hostname, not a URL; perhaps `hostname: a.b` and `path: ^/x`."
        ],
    ),
    (
        site("hostname: a.b.", "service: https://x.example:1"),
        ["2: ingress[0].hostname: 'a.b.' matches nothing; leave the final dot out."],
    ),
    (
        site("hostname: '*.Example.com'", "service: https://x.example:1"),
        ["2: ingress[0].hostname: '*.Example.com' matches nothing; requests have '*.example.com'."],
    ),
    (
        site("hostname: '*.bücher.example'", "service: https://x.example:1"),
        [
            "2: ingress[0].hostname: '*.bücher.example' matches nothing; requests have '*.xn--bcher-kva.example'."
        ],
    ),
    (site("hostname: bücher.example", "service: https://x.example:1"), []),
    (site("hostname: Example.com", "service: https://x.example:1"), []),
    # A service.
    (
        site("hostname: a.b", "service: http://u:p@x:1"),
        [
            "3: ingress[0].service: found 'http://u:…@x:1', expected a URL without a user name; perhaps 'http://x:1'."
        ],
    ),
    (
        site("hostname: a.b", "service: http://x:1?a=b"),
        [
            "3: ingress[0].service: found 'http://x:1?a=b', expected a URL without a query and fragment, since cloudflared takes them from the request; perhaps 'http://x:1'."
        ],
    ),
    (
        site("hostname: a.b", "service: http://x:70000"),
        [
            "3: ingress[0].service: found 'http://x:70000', expected a URL with a port from 1 to 65535."
        ],
    ),
    (
        site("hostname: a.b", "service: ftp://x"),
        [
            "3: ingress[0].service: cloudflared knows no 'ftp://' and speaks TCP inside of a WebSocket, as for 'tcp://': a browser gets nothing, and a client needs `cloudflared access tcp` before it. Write 'tcp://x' if that is meant, 'http://' for a web service.",
            "3: ingress[0].service: found 'ftp://x', expected a port, since 'ftp' has no default one.",
        ],
    ),
    (
        site("hostname: a.b", "service: 'unix:'"),
        [
            "3: ingress[0].service: found 'unix:', expected an absolute path on the server after 'unix:'."
        ],
    ),
    # access and ipRules where they have no effect, and other keys that have none.
    (
        top("originRequest: {access: {required: true}}"),
        [
            "1: originRequest.access: cloudflared ignores it here, so nothing would be checked. Write it in the originRequest of what it shall guard."
        ],
    ),
    (
        site(
            "hostname: a.b",
            "service: https://x.example:1",
            "originRequest: {access: {teamName: t, audTag: [a]}}",
        ),
        ["4: ingress[0].originRequest.access: has no effect without `required: true`."],
    ),
    (
        site(
            "hostname: a.b",
            "service: https://x.example:1",
            "originRequest: {access: {required: true}}",
        ),
        [
            "4: ingress[0].originRequest.access.audTag: missing. With `required: true` cloudflared refuses every request without it.",
            "4: ingress[0].originRequest.access.teamName: missing. With `required: true` cloudflared refuses every request without it.",
        ],
    ),
    (
        site(
            "hostname: a.b",
            "service: https://x.example:1",
            "originRequest: {ipRules: [{prefix: '::/0'}]}",
        ),
        [
            "4: ingress[0].originRequest.ipRules: has no effect: only the service socks-proxy has it."
        ],
    ),
    (
        top("originRequest: {ipRules: [{prefix: '::/0'}]}"),
        ["1: originRequest.ipRules: has no effect here; write it at a rule for socks-proxy."],
    ),
    (
        site("hostname: a.b", "service: socks-proxy"),
        [
            "2: ingress[0].originRequest.ipRules: missing. Without it the socks-proxy reaches nothing.",
            "3: ingress[0].service: every visitor may connect to what `ipRules` allow. Guard it by `originRequest.access` with `required: true`, a team and an audience.",
        ],
    ),
    (
        site("hostname: a.b", "service: http://x:1", "originRequest: {http2Origin: true}"),
        ["4: ingress[0].originRequest.http2Origin: has no effect: the service is not https."],
    ),
    (
        site("hostname: a.b", "service: http://x:1", "originRequest: {noTLSVerify: true}"),
        ["4: ingress[0].originRequest.noTLSVerify: has no effect: the service is not https."],
    ),
    (site("hostname: a.b", "service: unix+tls:/x", "originRequest: {http2Origin: on}"), []),
    (
        top("originRequest: {bastionMode: true}"),
        ["1: originRequest.bastionMode: turns every URL service into a bastion."],
    ),
    (
        site("hostname: a.b", "service: https://x.example:1", "originRequest: {bastionMode: true}"),
        [
            "3: ingress[0].service: a bastion connects every visitor to whatever the server reaches, its own services too. Guard it by `originRequest.access` with `required: true`, a team and an audience.",
            "4: ingress[0].originRequest.bastionMode: makes a bastion of it, not 'https://x.example:1'.",
        ],
    ),
    # Unknown, misspelt and misplaced keys.
    (top("logLevel: debug"), ["1: logLevel: unknown key. Did you mean 'loglevel'?"]),
    (
        top("zzzzzz: 1"),
        [
            "1: zzzzzz: unknown key, which stays as it is: a newer cloudflared may know it, an older one ignores it."
        ],
    ),
    (
        site("hostname: a.b", "service: https://x.example:1", "originRequest: {noTlsVerify: true}"),
        ["4: ingress[0].originRequest.noTlsVerify: unknown key. Did you mean 'noTLSVerify'?"],
    ),
    (
        site("hostname: a.b", "service: https://x.example:1", "noTLSVerify: true"),
        ["4: ingress[0].noTLSVerify: has no effect here. Write it under `originRequest`."],
    ),
    (
        site("hostnam: a.b", "path: ^/x", "service: https://x.example:1"),
        ["2: ingress[0].hostnam: unknown key. Did you mean 'hostname'?"],
    ),
    (
        top("no-tls-verify: true"),
        [
            "1: no-tls-verify: has no effect beside ingress rules, where `originRequest.noTLSVerify` does the same."
        ],
    ),
    (
        top("warp-routing: {enabled: true}"),
        ["1: warp-routing.enabled: has had no effect since cloudflared 2023.9.0. Remove it."],
    ),
    (
        top("max-active-flows: 5"),
        [
            "1: max-active-flows: is not read from the file; cloudflared takes it as an argument only."
        ],
    ),
    (
        top("proxy-dns: true"),
        ["1: proxy-dns: was removed from cloudflared in 2026.2.0. Remove it."],
    ),
    # Values that cloudflared refuses when it runs, or does not read.
    (
        top("protocol: quic"),
        ["1: protocol: 'quic' never falls back to http2 where UDP is blocked; 'auto' does."],
    ),
    (
        top("edge-bind-address: '::1'", "edge-ip-version: '4'"),
        [
            "2: edge-ip-version: '4' has no effect: cloudflared takes IPv6, as edge-bind-address '::1' is."
        ],
    ),
    (top("edge-bind-address: 192.0.2.1", "edge-ip-version: '4'"), []),
    (
        top("protocol: quick"),
        ["1: protocol: found 'quick', expected one of 'auto', 'quic', 'http2'."],
    ),
    (
        top("metrics: 0.0.0.0:2000"),
        ["1: metrics: everybody who reaches the server can read it; use 127.0.0.1."],
    ),
    (
        top("metrics: '2000'"),
        ["1: metrics: found '2000', expected an address and port such as '127.0.0.1:20241'."],
    ),
    (
        top("grace-period: 0s"),
        [
            "1: grace-period: has no effect: for cloudflared, 0 and false in the file are no value, so it keeps 30s."
        ],
    ),
    (top("grace-period: 5m"), ["1: grace-period: found '5m', expected at most '3m'."]),
    (
        top("management-diagnostics: false"),
        [
            "1: management-diagnostics: has no effect: for cloudflared, 0 and false in the file are no value, so it keeps true."
        ],
    ),
    (
        top("retries: 0"),
        [
            "1: retries: has no effect: for cloudflared, 0 and false in the file are no value, so it keeps 5."
        ],
    ),
    (
        top("token: 5"),
        ["1: token: found the number 5, expected a text in quotes."],
    ),
]


@pytest.mark.parametrize(("config", "expected"), ROWS, ids=range(len(ROWS)))
def test_a_trap_is_named_with_its_line_and_what_to_do(config: str, expected: list[str]) -> None:
    problems = read(config.encode()).problems

    assert [f"{problem.line}: {problem}" for problem in problems] == expected
    assert not [problem for problem in problems if problem.is_error]


@pytest.mark.parametrize(
    "key",
    ["cacert", "logfile", "log-directory", "pidfile", "trace-output", "origincert", "token-file"],
)
def test_each_file_that_depends_on_the_folder_of_cloudflared_is_told(key: str) -> None:
    told = f"1: {key}: found 'a/file', expected an absolute path on the server."

    assert [f"{it.line}: {it}" for it in read(top(f"{key}: a/file").encode()).problems] == [told]
    assert not read(top(f"{key}: /a/file").encode()).problems


def test_cloudflared_says_nothing_about_the_traps() -> None:
    judge = required("that the real cloudflared takes each file with a trap")

    assert {config: judge.validate(config) for config, _ in ROWS} == {
        config: "OK" for config, _ in ROWS
    }
