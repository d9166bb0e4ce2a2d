"""Where the user's own lines for Caddy lead, and which files they name."""

from typing import Any

import pytest

from settings import FindingsError
from settings.caddyfile.lines import find_choice, list_files, list_upstreams, may_refuse
from settings.reading.build import build

PROXIES: list[tuple[str, list[tuple[str, bool, bool]]]] = [
    ("reverse_proxy 10.0.0.1:80 :3000", [("10.0.0.1:80", False, False), ("localhost:3000", False, False)]),
    ("reverse_proxy /api/* 10.0.0.1:80", [("10.0.0.1:80", False, False)]),
    ("reverse_proxy @app unix//run/x", [("unix//run/x", False, False)]),
    ("reverse_proxy * {$APP} {host}:80 a:1", [("a:1", False, False)]),
    ("reverse_proxy a:1 {\n to b:2 c:3\n}", [("a:1", False, False), ("b:2", False, False), ("c:3", False, False)]),
    ("php_fastcgi unix//run/php.sock", [("unix//run/php.sock", False, True)]),
    ("reverse_proxy a:1 {\n transport fastcgi\n}", [("a:1", False, True)]),
    ("reverse_proxy a:1 {\n transport http {\n  tls\n }\n}", [("a:1", False, False)]),
    *(
        (f"reverse_proxy a:1 {{\n transport http {{\n  {option} x\n }}\n}}\nreverse_proxy b:1", [("a:1", True, False), ("b:1", False, False)])
        for option in ("tls_insecure_skip_verify", "tls_trust_pool", "tls_trusted_ca_certs", "tls_trusted_ca_pool", "tls_server_name")
    ),
    ("respond a:1", []),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "found"), PROXIES, ids=[lines for lines, _ in PROXIES])
def test_a_proxy_leads_to_what_it_is_given(lines: str, found: list[tuple[str, bool, bool]]) -> None:
    assert [(it.address, it.trusted, it.php) for it in list_upstreams(lines)] == found


@pytest.mark.parametrize(
    ("placeholder", "chosen"),
    [
        *((f"{{{name}}}", True) for name in (
            "header.X-App", "cookie.app", "query.app", "query", "path", "uri", "file", "dir", "re.app.1", "http.request.header.X",
            "http.request.cookie.x", "http.request.uri.path", "http.request.orig_uri", "http.request.body", "http.regexp.app.1",
        )),
        *((f"{{{name}}}", False) for name in ("host", "http.request.host", "env.APP", "file./etc/app", "http.vars.root", "labels.1")),
    ],
)  # fmt: skip
def test_a_visitor_has_the_say_of_what_stands_in_his_request_but_of_the_host(
    placeholder: str, chosen: bool
) -> None:
    assert find_choice(f"http://a:1{placeholder}/x") == (placeholder if chosen else None)


@pytest.mark.parametrize(
    "line",
    [
        *("basic_auth", "basicauth", "forward_auth a:1", "authenticate", "authorize with x", "jwtauth", "import guard"),
        *("@in client_ip 10.0.0.0/8", "@out not client_ip 10.0.0.0/8"),
    ],
)  # fmt: skip
def test_a_directive_that_may_refuse_a_visitor_is_known(line: str) -> None:
    assert may_refuse(f"encode gzip\n{line}")


@pytest.mark.parametrize("line", ["respond 403", "@x header a client_ip", "header X-Import x"])
def test_what_refuses_nobody_is_no_guard(line: str) -> None:
    assert not may_refuse(line)


def test_every_file_that_lines_name_by_an_absolute_path_is_found() -> None:
    lines = """
root /srv/short
root * /srv/www
root * relative
import /etc/caddy/more.caddy first
tls_client_auth /etc/a.pem /etc/a.key
log {
    output file /var/log/x.log
    output stdout
}
reverse_proxy unix//run/app.sock {
    header_up Token {file./etc/token}
    transport http {
        tls_trusted_ca_certs /etc/ca.pem
        tls_trust_pool file /etc/b.pem /etc/c.pem
        tls_trust_pool inline /etc/none
    }
}
tls {
    client_auth {
        trust_pool file /etc/d.pem
    }
}
"""

    assert [*list_files(lines)] == [
        "/srv/short", "/srv/www", "/etc/caddy/more.caddy", "/etc/a.pem", "/var/log/x.log", "/etc/token", "/etc/ca.pem",
        "/etc/b.pem", "/etc/c.pem", "/etc/d.pem", "/run/app.sock",
    ]  # fmt: skip


OF_OTHERS = {
    "argoweb:caddy.bind and argoweb:caddy.port": ["bind"],
    "argoweb:caddy.tls": ["tls"],
    "nginx's language": ["server", "server_name", "listen", "location", "proxy_pass", "fastcgi_pass", "upstream"],
    "Apache's language": [
        "<VirtualHost", "<Location", "<Directory", "ProxyPass", "RewriteEngine", "RewriteRule", "DocumentRoot",
    ],
    "write `reverse_proxy`": ["proxy"],
    "write `php_fastcgi`": ["fastcgi"],
    "write `encode gzip`": ["gzip"],
    "write `file_server browse`": ["browse"],
    "for all sites": ["log", "handle_errors"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("directive", "said"), [(it, said) for said, found in OF_OTHERS.items() for it in found]
)
def test_a_directive_that_no_site_can_have_is_said_to_be_whose(
    prod: dict[str, Any], directive: str, said: str
) -> None:
    lines = f"encode zstd\n{directive} x"
    prod["sites"] = [{"hostname": "www.example.com", "caddyfile": lines}]
    prod["caddy"] = {"siteOptions": lines}

    with pytest.raises(FindingsError) as refused:
        build(prod, deployment="argoweb/prod")

    found = {it.place: it.message for it in refused.value.findings}
    of_all = {"argoweb:caddy.siteOptions"} if said != "for all sites" else set()
    assert found.keys() == {"argoweb:sites[0].caddyfile"} | of_all
    assert all(f"'{directive}' in line 2" in it and said in it for it in found.values())
