"""No spelling of a path or a hostname reaches what its plain spelling does not, through cloudflared's rules and the real Caddy."""

import http.client
import itertools
import posixpath
import re
import socket
import ssl
import time
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from cloudflared import Router, Rule
from importing.file import read
from render import render_cloudflared_yml
from settings.model.stack import INTERNAL_NAME
from settings.reading.build import build
from tests.ingress import judge
from tests.ports import free_port
from tests.render.caddy import OLD_VERSIONS, Running, program_of

UUID = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
TOKEN = {"access": {"required": True, "teamName": "team", "audTag": ["a" * 64]}}
ACCESS = {"team": "team", "groups": {"staff": {"everyone": True}, "friends": {"everyone": True}}}
INTERNAL = {"internal": True, "noTLSVerify": True}
SECRET = "hunter2"


@dataclass(frozen=True)
class Outcome:
    """What a request comes to."""

    site: str | None
    """The text of the site that answers; nothing where the request is refused."""
    token: tuple[str, ...] = ()
    """The audiences of the Access tokens one of which cloudflared asked for before."""


class Tunnel:
    """cloudflared's choice by the rendered rules, and then the real Caddy with the rendered sites."""

    def __init__(
        self,
        caddy: Running,
        prod: dict[str, Any],
        sites: list[dict[str, Any]],
        *,
        tls: bool = False,
        routing: str = "cloudflared",
    ) -> None:
        self._port = free_port()
        own: dict[str, Any] = {"bind": "127.0.0.1", "port": self._port}
        access = {"access": ACCESS} if any("access" in site for site in sites) else {}
        values = {
            **prod,
            **access,
            "sites": sites,
            "caddy": {**own, "tls": INTERNAL} if tls else own,
        }
        values["routing"] = routing
        settings = build(values, deployment="argoweb/test")
        caddy.load(values)
        self.config = render_cloudflared_yml(settings, UUID)
        self._rules = read(self.config.encode()).rules
        self._router, self._sites = Router(self._rules), Router(settings.rules)
        self._url = settings.caddy.url
        self._kept = (
            self._by_tls()
            if tls
            else http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        )
        weakref.finalize(self, self._kept.close)

    def rule(self, host: str, target: str) -> Rule:
        """The rule that cloudflared takes."""
        return self._rules[_first(self._router, host, target)]

    def site(self, host: str, target: str) -> int:
        """The index of the site whose rule cloudflared takes where it refuses no spelling."""
        return _first(self._sites, host, target)

    def ask(self, host: str, target: str) -> Outcome:
        """What a visitor gets."""
        rule = self.rule(host, target)
        access = rule.origin_request.get("access")
        token = tuple(access["audTag"]) if isinstance(access, dict) else ()
        if rule.service.startswith("http_status:"):
            return Outcome(None)
        site = self.answer(host, target) if rule.service == self._url else rule.service
        return Outcome(site, () if site is None else token)

    def answer(self, host: str, target: str) -> str | None:
        """The text with which Caddy answers, nothing where it refuses."""
        self._kept.putrequest("GET", target, skip_host=True)
        self._kept.putheader("Host", host)
        self._kept.endheaders()
        response = self._kept.getresponse()
        body = response.read().decode(errors="replace")
        assert response.status in (200, 302, 404), body
        return response.getheader("Location", body) if response.status != 404 else None

    def _by_tls(self) -> http.client.HTTPConnection:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        deadline = time.monotonic() + 60
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
                plain = socket.create_connection(("127.0.0.1", self._port), 60)
                connection.sock = context.wrap_socket(plain, server_hostname=INTERNAL_NAME)
                return connection
            except (
                ssl.SSLError
            ):  # Caddy makes its certificate some time after it has begun to listen
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def _first(router: Router, host: str, target: str) -> int:
    """`FindMatchingRule` in cloudflared's `ingress/ingress.go`: the host as it is but for a port, the path decoded."""
    path = unquote_to_bytes(target.partition("?")[0]).decode(errors="replace")
    index = router.find_first(host.partition(":")[0], path)
    assert index is not None
    return index


_BETWEEN = [pytest.param(version, marks=pytest.mark.long) for version in OLD_VERSIONS[1:]]
"""What the oldest and the newest do, those between them do as well, which takes minutes to see."""


@pytest.fixture(
    scope="module",
    params=[OLD_VERSIONS[0], *_BETWEEN, None],
    ids=lambda version: version or "installed",
)
def caddy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Caddy in each version, with a secret in its environment."""
    folder = tmp_path_factory.mktemp("caddy")
    running = Running(folder, program_of(request.param), SECRET_TOKEN=SECRET)
    yield running
    running.stop()


def plain(host: str, target: str) -> tuple[str, str]:
    """What others take a host and a path for: RFC 3986, 6.2.2, a backslash for a slash, nothing behind `..;`."""
    path = unquote_to_bytes(target.partition("?")[0]).decode("latin-1").replace("\\", "/")
    path = re.sub(r"[\x00-\x1f\x7f]", "", path)
    path = re.sub(r"(?<=/[.]);[^/]*|(?<=/[.][.]);[^/]*", "", path)
    clean = "/" + posixpath.normpath(f"/{path}").strip("/")
    if clean != "/" and re.search(r"/[.]{0,2}$", path):
        clean += "/"
    return host.partition(":")[0].rstrip(".").lower(), quote(clean.encode("latin-1"))


def reached_otherwise(tunnel: Tunnel, requests: Iterable[tuple[str, str]]) -> list[object]:
    """Requests that reach a site which their plain spelling does not, or without the token that it would need.

    Left out is what docs/security.md tells: cloudflared's own service of a wildcard gets hostnames in other letters.
    """
    ask = cache(tunnel.ask)
    return [
        (host, target, outcome, usual)
        for host, target in requests
        if (outcome := ask(host, target)).site is not None
        and (usual := ask(*plain(host, target))) not in (outcome, Outcome(outcome.site))
        and not (
            outcome.site.startswith("http://service-")
            and host.partition(":")[0] != plain(host, target)[0]
        )
    ]


def sites(*given: tuple[str, str, str]) -> list[dict[str, Any]]:
    """Sites by hostname, path and kind: of Caddy's, of cloudflared's or a refusal, guarded by a token where that is `+`.

    Behind a `*` stands the group of `ACCESS` that may come in, and behind another one the path that is open all the same.
    """
    made: list[dict[str, Any]] = []
    for index, (hostname, path, kind) in enumerate(given):
        backend = {
            "caddy": {"caddyfile": f"respond {index}"},
            "service": {"service": f"http://service-{index}.internal:1"},
            "refusal": {"service": "http_status:403"},
        }[kind.partition("*")[0].rstrip("+")]
        guard: dict[str, Any] = {"originRequest": TOKEN} if kind.endswith("+") else {}
        if "*" in kind:
            _, group, *opened = kind.split("*")
            guard = {"access": {"groups": group, **({"except": opened} if opened else {})}}
        made.append({"hostname": hostname, **({"path": path} if path else {}), **backend, **guard})
    return made


GUARDS: dict[str, list[dict[str, Any]]] = {
    "a guard of Caddy's": sites(("s.example.com", "^/private/", "caddy"), ("s.example.com", "", "caddy")),
    "all but one path guarded by a token": sites(("s.example.com", "^/public", "caddy"), ("s.example.com", "", "caddy+")),
    "the same without Caddy": sites(("s.example.com", "^/public", "service"), ("s.example.com", "", "service+")),
    "a path guarded by a token": sites(("s.example.com", "^/private/", "service+"), ("s.example.com", "", "caddy")),
    "a refused path": sites(("s.example.com", "^/private", "refusal"), ("s.example.com", "", "caddy")),
    "one path and no other": sites(("s.example.com", "^/public/", "service")),
    "a hostname guarded by Caddy": sites(("s.example.com", "", "caddy"), ("*.example.com", "", "caddy")),
    "a hostname guarded by a token": sites(("s.example.com", "", "caddy+"), ("*.example.com", "", "caddy")),
    "hostnames guarded by a token": sites(("*.s.example.com", "", "caddy+"), ("*.example.com", "", "caddy")),
    "a hostname of cloudflared's": sites(("s.example.com", "", "service+"), ("*.example.com", "", "caddy")),
    "a hostname guarded before all others": sites(("s.example.com", "", "caddy+"), ("*", "", "caddy")),
    "a path guarded by a token before all others": sites(("s.example.com", "^/private", "service+"), ("*", "", "caddy")),
    "a path of all": sites(("*", "^/private", "caddy+"), ("s.example.com", "", "caddy"), ("*", "", "caddy")),
    "open paths of a protected hostname": sites(("s.example.com", "", "caddy*staff*^/public*^/index[.]php$"), ("*.example.com", "", "caddy")),
    "the same by cloudflared": sites(("s.example.com", "", "service*staff*^/public*^/index[.]php$"), ("*.example.com", "", "caddy")),
    "paths for several groups": sites(("s.example.com", "^/private/", "service*staff"), ("s.example.com", "^/public", "caddy"), ("s.example.com", "", "caddy*friends")),
    "an open path of a protected wildcard": sites(("*.example.com", "", "caddy*staff*^/public(?:/|$)"), ("*", "", "caddy")),
    "a protected hostname of a protected wildcard": sites(("s.example.com", "", "caddy*staff*^/public"), ("*.example.com", "", "caddy*friends")),
    "a path of a hostname beside a protected wildcard": sites(("s.example.com", "^/private/", "caddy*staff"), ("*.example.com", "", "caddy*friends")),
    "a path of a wildcard": sites(("*.example.com", "^/private", "service+"), ("s.example.com", "", "caddy"), ("*.example.com", "", "caddy")),
}  # fmt: skip
HOSTS = (
    "s.example.com", "S.example.com", "s.EXAMPLE.com", "s.example.com.", "s.example.com:8443", "S.Example.Com:443",
    "x.s.example.com", "x.S.example.com", "S.example.com.",
)  # fmt: skip
PATHS = ("/", "/private/s.html", "/public/x", "/public", "/private", "/index.php/private/x")
SPELLINGS = (
    "/{}", "/./{}", "/%2e/{}", "/x/../{}", "/x/%2e%2e/{}", "/x%2f..%2f{}", "/public/../{}", "/public/..;/{}", "/public/%2e%2e%3bx/{}",
    "/x\\..\\{}", "/public%5c..%5c{}", "/%2f{}", "//{}", "/%5c{}", "\\{}", "/{}%00", "/{}%0a", "/%09{}", "/{}/", "/{}/.", "/{}/..", "/{}//x",
    "/{}/%2e%2e/public", "/%7Bx%7D{}", "/{{env.SECRET_TOKEN}}{}", "/%ff{}", "/{}%2f", "/{};x",
)  # fmt: skip


def _spelled() -> list[str]:
    """Each path in each spelling, as it is and with letters and slashes behind percent signs."""
    made = []
    for path in PATHS:
        for spelling in SPELLINGS:
            target = spelling.format(path.lstrip("/"))
            target = target if target.startswith("/") else f"/x{target}"
            made += [
                target,
                target.replace("p", "%70", 1),
                target.replace("private/", "private%2F"),
            ]
    return list(dict.fromkeys([*PATHS, *made]))


SPELLED = _spelled()


ROUTINGS = ("cloudflared", "caddy")


@pytest.mark.parametrize("routing", ROUTINGS)
@pytest.mark.parametrize("guard", GUARDS)
def test_no_spelling_reaches_what_the_plain_one_does_not(
    caddy: Running, prod: dict[str, Any], guard: str, routing: str
) -> None:
    tunnel = Tunnel(caddy, prod, GUARDS[guard], routing=routing)

    requests = [*itertools.product(HOSTS[:1], SPELLED), *itertools.product(HOSTS, SPELLED[::9])]

    assert reached_otherwise(tunnel, requests) == []


def _all_guards() -> list[dict[str, Any]]:
    made = [
        {**site, "hostname": site["hostname"].replace("example.com", f"h{index}.example.com")}
        for index, guard in enumerate(GUARDS.values())
        for site in guard
        if site["hostname"] != "*"
    ]
    for number, site in enumerate(made):
        if "caddyfile" in site:
            site["caddyfile"] = f"respond {number}"
    return made


ALL_GUARDS = _all_guards()
"""Each guard with hostnames of its own."""


def hosts_of_all_guards(hosts: Iterable[str]) -> list[str]:
    """These hosts as each guard has them there."""
    return [
        re.sub("(?i)example", rf"h{index}.\g<0>", host)
        for index in range(len(GUARDS))
        for host in hosts
    ]


@pytest.mark.parametrize("routing", ROUTINGS)
def test_with_tls_no_spelling_reaches_what_the_plain_one_does_not(
    caddy: Running, prod: dict[str, Any], routing: str
) -> None:
    tunnel = Tunnel(caddy, prod, ALL_GUARDS, tls=True, routing=routing)
    hosts = hosts_of_all_guards(HOSTS)

    assert reached_otherwise(tunnel, itertools.product(hosts, SPELLED[::300])) == []


HOSTNAMES = (
    "example.com",
    "s.example.com",
    "a.s.example.com",
    "*.example.com",
    "*.s.example.com",
    "*",
)
PATTERNS = (
    "",
    "^/api",
    "api",
    "^/admin$",
    "(?i)^/API/",
    "^/a{2}",
    r"\.php$",
    "^/[{]x}",
    '^/"q"',
    "^/%",
    "^/a/b",
)
MADE_SITES = st.lists(
    st.tuples(
        st.sampled_from(HOSTNAMES),
        st.sampled_from(PATTERNS),
        st.sampled_from(("caddy", "caddy", "caddy+", "service", "service+", "refusal")),
    ),
    min_size=1,
    max_size=7,
    unique_by=lambda site: site[:2],
)
MADE_HOSTS = st.builds(
    "{}{}{}".format,
    st.sampled_from(("", "s.", "S.", "x.s.", "a.s.", "a.S.")),
    st.sampled_from(("example.com", "EXAMPLE.com", "example.COM", "xexample.com")),
    st.sampled_from(("", "", ".", ":443", ".:443")),
)
PIECES = (
    "/", "/", "/", "//", ".", "..", "%2e", "%2F", "%5c", "\\", ";", "%3b", "%00", "%0a", "%25", "%3f", "%23", "%20", "%ff", "%C3%A9", "~",
    "api", "API", "%61pi", "admin", "%61dmin", "a", "aa", "b", "x.php", "{x}", "%7Bx%7D", '"q"', "%22q%22", "{env.SECRET_TOKEN}", "?a=/../api",
)  # fmt: skip
MADE_TARGETS = st.lists(st.sampled_from(PIECES), max_size=7).map(
    lambda pieces: "/" + "".join(pieces)
)


@given(
    chosen=MADE_SITES,
    hosts=st.lists(MADE_HOSTS, min_size=5, max_size=10),
    targets=st.lists(MADE_TARGETS, min_size=10, max_size=30),
    routing=st.sampled_from(ROUTINGS),
)
@bounds(
    max_examples=25,
    print_blob=True,
    phases=set(Phase) - {Phase.shrink, Phase.explain},
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_spelling_is_read_differently_by_two_parts(
    caddy: Running,
    prod: dict[str, Any],
    chosen: list[tuple[str, str, str]],
    hosts: list[str],
    targets: list[str],
    routing: str,
) -> None:
    chosen.sort(key=lambda site: site[:2] == ("*", ""))
    tunnel = Tunnel(caddy, prod, sites(*chosen), routing=routing)
    requests = {plain(host, target) for host in hosts for target in targets}
    taken = {request: tunnel.site(*request) for request in requests}

    assert reached_otherwise(tunnel, itertools.product(hosts, targets)) == []
    assert {
        request: answer
        for request, index in taken.items()
        if index < len(chosen)
        and chosen[index][2].startswith("caddy")
        and (answer := tunnel.answer(*request)) != str(index)
    } == {}


REPEATED = {
    "a redirect": {"redirect": "https://b.example.com/{re.path.1}"},
    "the path of an upstream": {"caddyfile": "rewrite * /{re.1}\nrespond {uri}"},
    "an answer": {"caddyfile": "respond {re.path.1}"},
}


@pytest.mark.parametrize("backend", REPEATED)
@pytest.mark.parametrize(
    "made",
    ["{env.SECRET_TOKEN}", "{file./etc/hostname}", "{system.hostname}", "{http.request.host}"],
)
def test_what_a_visitor_writes_is_never_expanded(
    caddy: Running, prod: dict[str, Any], backend: str, made: str
) -> None:
    tunnel = Tunnel(
        caddy,
        prod,
        [
            {"hostname": "s.example.com", "path": "^/old/(.*)", **REPEATED[backend]},
            {"hostname": "s.example.com", "caddyfile": "respond {path}"},
        ],
    )

    for target in (f"/old/{made}", quote(f"/old/{made}")):
        assert unquote(tunnel.answer("s.example.com", target) or "").endswith(made)
    beside = f"/{made}old/x"
    assert tunnel.answer("s.example.com", beside) == beside


def test_applications_that_need_them_get_such_paths_where_no_path_chooses_a_site(
    caddy: Running, prod: dict[str, Any]
) -> None:
    made = sites(
        ("s.example.com", "", "caddy"),
        ("p.example.com", "^/x", "service"),
        ("p.example.com", "", "service"),
    )
    made[0]["caddyfile"] = "respond {uri}"
    tunnel = Tunnel(caddy, prod, made)

    for target in ("/https://example.net/a", "/a%2Fb", "//a", "/a/../b", "/a%5Cb"):
        assert tunnel.ask("s.example.com", target).site == target
        assert tunnel.ask("p.example.com", target).site is None or target == "/a%2Fb"


def test_cloudflared_itself_takes_the_rules_that_the_table_rests_on(prod: dict[str, Any]) -> None:
    real = judge.required(
        "that cloudflared chooses by the rendered rules as the table of spellings has it"
    )
    config = render_cloudflared_yml(
        build({**prod, "access": ACCESS, "sites": ALL_GUARDS}, deployment="argoweb/test"), UUID
    )
    rules = read(config.encode()).rules
    hosts = hosts_of_all_guards(HOSTS[:3])

    for number, target in enumerate(SPELLED[::12]):
        host, target = hosts[number % len(hosts)], target.replace("\\", "%5c")
        service = rules[_first(Router(rules), host, target)].service
        assert f"\tservice: {service}\n" in (real.rule(config, f"https://{host}{target}") or ""), (
            target
        )
