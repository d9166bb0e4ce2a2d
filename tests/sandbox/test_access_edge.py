"""Cloudflare Access at the edge: who comes in, and with what."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.sandbox.visitors import (
    ISSUER,
    TEAM_HOST,
    Browser,
    Fields,
    Seen,
    claims_of,
    origin,
    sent,
)
from tests.sandbox.zero_trust import ZeroTrust, running

ANN = {"email": {"email": "ann@example.com"}}
ADMIN = "http://admin.example.com/page?q=1"
ASSERTION, EMAIL = "Cf-Access-Jwt-Assertion", "Cf-Access-Authenticated-User-Email"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZeroTrust]:
    folder: Path = tmp_path_factory.mktemp("cloudflare")
    with running(folder) as account, origin(account, "*", "example.com"):
        yield account


@pytest.fixture
def account(started: ZeroTrust) -> ZeroTrust:
    """The account as it was at first."""
    for kind in ("apps", "policies", "groups", "service_tokens"):
        for each in started.api("GET", kind).result:
            assert started.api("DELETE", f"{kind}/{each['id']}").status == 202
    started.control("DELETE", "/faults")
    organization(started, deny_unmatched_requests=False, strict_service_token_auth=True)
    return started


@pytest.fixture
def browser(account: ZeroTrust) -> Browser:
    return Browser(account.addresses["edge_url"])


def organization(account: ZeroTrust, **more: Any) -> None:
    exempted = {"deny_unmatched_requests_exempted_zone_names": [], **more}
    account.api("PUT", "organizations", exempted)


def curl(account: ZeroTrust, url: str, *fields: tuple[str, str], method: str = "GET") -> Seen:
    where = urlsplit(url)
    target = where.path + (f"?{where.query}" if where.query else "")
    return sent(account.addresses["edge_url"], method, target or "/", [("Host", where.netloc), *fields])  # fmt: skip


def service(account: ZeroTrust, **more: Any) -> tuple[Any, Fields]:
    token = account.made("service_tokens", name="deploy", **more)
    return token, credentials(token["client_id"], token["client_secret"])


def credentials(client_id: str, secret: str) -> Fields:
    return [("CF-Access-Client-Id", client_id), ("CF-Access-Client-Secret", secret)]


def test_without_an_application_a_site_is_open(account: ZeroTrust) -> None:
    assert curl(account, "http://open.example.com/").at_origin(ASSERTION) == []


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "DELETE"])
def test_an_unknown_visitor_is_sent_to_log_in(account: ZeroTrust, method: str) -> None:
    app = account.app("admin.example.com", account.policy(ANN))

    seen = curl(account, ADMIN, method=method)

    assert seen.status == 302
    to = urlsplit(seen.one("Location"))
    assert to.hostname == TEAM_HOST
    assert to.path == "/cdn-cgi/access/login/admin.example.com"
    query = {name: values for name, (values,) in parse_qs(to.query).items()}
    assert (query["kid"], query["redirect_url"]) == (app["aud"], "/page?q=1")
    meta = claims_of(account, query["meta"])
    assert (meta["type"], meta["aud"], meta["hostname"]) == ("meta", app["aud"], "admin.example.com")  # fmt: skip
    assert (meta["redirect_url"], meta["auth_status"]) == ("/page?q=1", "NONE")
    cookie = seen.one("Set-Cookie")
    assert cookie.startswith("CF_AppSession=n")
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    place = ".well-known/cloudflare-access-protected-resource/page"
    assert seen.one("WWW-Authenticate") == (
        f'Cloudflare-Access resource_metadata="https://admin.example.com/{place}"'
    )
    assert "no-store" in seen.one("Cache-Control")


def test_who_is_allowed_comes_in_with_a_signed_token(account: ZeroTrust, browser: Browser) -> None:
    app = account.app("admin.example.com", account.policy(ANN, session_duration="2h"))

    seen = browser.enter(ADMIN, "Ann@example.com")

    (token,) = seen.at_origin(ASSERTION)
    assert seen.at_origin(EMAIL) == ["Ann@example.com"]
    assert token == browser.cookies["admin.example.com"]["CF_Authorization"]
    assert f"CF_Authorization={token}" in seen.at_origin("Cookie")[0]
    claims = claims_of(account, token)
    assert claims["aud"] == [app["aud"]]
    assert claims["iss"] == ISSUER
    assert claims["exp"] - claims["iat"] == 7200
    assert (claims["type"], claims["email"]) == ("app", "Ann@example.com")
    header = jwt.get_unverified_header(token)
    assert (header["alg"], len(header["kid"])) == ("RS256", 64)


def test_a_login_may_come_back_although_more_was_asked_for_meanwhile(
    account: ZeroTrust, browser: Browser
) -> None:
    account.app("admin.example.com", account.policy(ANN))
    first = browser.visit(ADMIN)
    browser.visit("http://admin.example.com/favicon.ico")

    back = browser.visit(browser.log_in(first, "ann@example.com").one("Location"))

    assert (back.status, back.one("Location")) == (302, "/page?q=1")


def test_who_is_not_allowed_is_told_so(account: ZeroTrust, browser: Browser) -> None:
    account.app("admin.example.com", account.policy(ANN), custom_deny_message="<b>Go & ask Ann")

    seen = browser.log_in(browser.visit(ADMIN), "eve@example.com")

    assert seen.status == 403
    assert "&lt;b&gt;Go &amp; ask Ann" in seen.body
    assert browser.visit(ADMIN).status == 302


def test_who_is_not_allowed_can_be_sent_elsewhere(account: ZeroTrust, browser: Browser) -> None:
    account.app("admin.example.com", custom_deny_url="https://example.com/ask")

    seen = browser.log_in(browser.visit(ADMIN), "ann@example.com")

    assert (seen.status, seen.one("Location")) == (302, "https://example.com/ask")


def test_one_login_is_good_for_all_applications(account: ZeroTrust, browser: Browser) -> None:
    account.app("admin.example.com", account.policy(ANN))
    account.app("wiki.example.com", account.policy(ANN))
    account.app("secret.example.com", account.policy({"email": {"email": "bob@example.com"}}))
    browser.enter(ADMIN, "ann@example.com")

    back = browser.visit(browser.visit("http://wiki.example.com/").one("Location"))
    refused = browser.visit(browser.visit("http://secret.example.com/").one("Location"))

    assert back.status == 302
    assert browser.visit(back.one("Location")).one("Location") == "/"
    assert browser.visit("http://wiki.example.com/").status == 200
    assert refused.status == 403


def test_logging_out_ends_every_session_of_the_person(account: ZeroTrust, browser: Browser) -> None:
    account.app("admin.example.com", account.policy(ANN))
    other = Browser(account.addresses["edge_url"])
    for each in (browser, other):
        each.enter(ADMIN, "ann@example.com")

    seen = browser.visit("http://admin.example.com/cdn-cgi/access/logout")

    assert seen.status == 200
    assert "CF_Authorization" not in browser.cookies["admin.example.com"]
    for each in (browser, other):
        assert each.visit(ADMIN).status == 302
        assert "CF_Authorization" in each.cookies[TEAM_HOST]
        assert each.visit(each.visit(ADMIN).one("Location")).status == 200


def test_who_one_is(account: ZeroTrust, browser: Browser) -> None:
    account.app("admin.example.com", account.policy(ANN))
    place = "/cdn-cgi/access/get-identity"
    unknown = browser.visit(f"http://admin.example.com{place}")
    browser.enter(ADMIN, "ann@example.com")

    assert unknown.status == 401
    for host in ("admin.example.com", TEAM_HOST):
        found = json.loads(browser.visit(f"http://{host}{place}").body)
        assert (found["email"], found["idp"]["type"]) == ("ann@example.com", "onetimepin")


RULES: list[tuple[dict[str, Any], bool]] = [
    ({"include": [{"everyone": {}}]}, True),
    ({"include": [ANN]}, True),
    ({"include": [{"email_domain": {"domain": "EXAMPLE.com"}}]}, True),
    ({"include": [{"email_domain": {"domain": "ample.com"}}]}, False),
    ({"include": [{"ip": {"ip": "127.0.0.0/8"}}]}, True),
    ({"include": [{"ip": {"ip": "10.0.0.0/8"}}]}, False),
    ({"include": [{"geo": {"country_code": "XX"}}]}, True),
    ({"include": [{"geo": {"country_code": "NO"}}]}, False),
    ({"include": [{"login_method": {"id": "other"}}]}, False),
    ({"include": [{"any_valid_service_token": {}}]}, False),
    ({"include": [{"certificate": {}}]}, False),
    ({"include": [{"ip": {"ip": "10.0.0.0/8"}}, ANN]}, True),
    ({"include": [ANN], "require": [{"ip": {"ip": "10.0.0.0/8"}}]}, False),
    ({"include": [ANN], "require": [{"certificate": {}}]}, False),
    ({"include": [{"everyone": {}}], "exclude": [ANN]}, False),
    ({"include": [{"everyone": {}}], "exclude": [{"certificate": {}}]}, False),
    ({"include": [{"everyone": {}}], "exclude": [{"ip": {"ip": "10.0.0.0/8"}}]}, True),
    (
        {"include": [{"everyone": {}}], "require": [{"geo": {"country_code": "XX"}}, {"geo": {"country_code": "NO"}}]},
        False,
    ),
]  # fmt: skip


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(("rules", "comes_in"), RULES)
def test_whom_a_policy_lets_in(
    account: ZeroTrust, browser: Browser, rules: dict[str, Any], comes_in: bool, grouped: bool
) -> None:
    lists: dict[str, Any] = rules
    if grouped:
        lists = {"include": [{"group": {"id": account.made("groups", name="g", **rules)["id"]}}]}
    policy = account.made("policies", name="p", decision="allow", **lists)
    account.app("admin.example.com", policy["id"])

    seen = browser.log_in(browser.visit(ADMIN), "ann@example.com")

    assert seen.status == (302 if comes_in else 403)


def test_the_first_policy_that_matches_decides(account: ZeroTrust, browser: Browser) -> None:
    everyone, not_ann = account.policy(), account.policy(ANN, decision="deny")
    account.app("one.example.com", everyone, not_ann)
    account.app("two.example.com", not_ann, everyone)

    assert browser.enter("http://one.example.com/", "ann@example.com").status == 200
    seen = browser.visit(browser.visit("http://two.example.com/").one("Location"))
    assert seen.status == 403


def test_an_address_is_asked_again_at_each_request_and_an_email_is_not(
    account: ZeroTrust, browser: Browser
) -> None:
    policy = account.policy(ANN)
    account.app("admin.example.com", policy)
    browser.enter(ADMIN, "ann@example.com")
    body = {"name": "p", "decision": "allow"}
    bob = {"email": {"email": "bob@example.com"}}

    account.api("PUT", f"policies/{policy}", {**body, "include": [bob]})
    still = browser.visit(ADMIN).status
    elsewhere = [{"ip": {"ip": "10.0.0.0/8"}}]
    account.api("PUT", f"policies/{policy}", {**body, "include": [ANN], "require": elsewhere})

    assert (still, browser.visit(ADMIN).status) == (200, 302)


def test_a_bypass_comes_before_all_else_and_has_no_token(
    account: ZeroTrust, browser: Browser
) -> None:
    here = account.policy({"ip": {"ip": "127.0.0.0/8"}}, decision="bypass")
    account.app("admin.example.com", account.policy(ANN), here)

    seen = curl(account, ADMIN, (ASSERTION, "forged"), (EMAIL, "root@example.com"))

    assert (seen.at_origin(ASSERTION), seen.at_origin(EMAIL)) == ([], [])


@pytest.mark.parametrize(
    ("uri", "open_ones", "closed_ones"),
    [
        ("app.example.com/a", ["/", "/ab", "/b/a", "/A"], ["/a", "/a/", "/a/b", "/a?x", "/%61"]),
        ("app.example.com/a/*", ["/", "/a", "/ab"], ["/a/", "/a/b/c", "/a%2Fb"]),
        ("app.example.com/*", [], ["/", "/a"]),
        ("app.example.com/foo*/bar", ["/foo", "/bar"], ["/foo/bar", "/food/bar", "/food/x/bar"]),
        ("app.example.com/a*c", ["/ab", "/xac"], ["/ac", "/abc", "/a/c"]),
    ],
)
def test_which_paths_an_application_covers(
    account: ZeroTrust, uri: str, open_ones: list[str], closed_ones: list[str]
) -> None:
    account.app(uri, account.policy(ANN))

    statuses = {
        path: curl(account, f"http://app.example.com{path}").status
        for path in (*open_ones, *closed_ones)
    }

    assert statuses == dict.fromkeys(open_ones, 200) | dict.fromkeys(closed_ones, 302)


@pytest.mark.parametrize(
    ("uri", "open_ones", "closed_ones"),
    [
        ("*.example.com", ["example.com", "a.b.example.com"], ["a.example.com", "A.Example.COM", "a.example.com."]),
        ("*test.example.com", ["a.test.example.com", "testa.example.com"], ["test.example.com", "atest.example.com"]),
        ("a.example.com", ["b.example.com"], ["a.example.com:8080", "x@a.example.com"]),
    ],
)  # fmt: skip
def test_which_hosts_an_application_covers(
    account: ZeroTrust, uri: str, open_ones: list[str], closed_ones: list[str]
) -> None:
    account.app(uri, account.policy(ANN))

    statuses = {
        host: sent(account.addresses["edge_url"], "GET", "/", [("Host", host)]).status
        for host in (*open_ones, *closed_ones)
    }

    assert {host for host, status in statuses.items() if status == 200} == set(open_ones)


def test_nothing_is_inherited_by_what_is_more_specific(account: ZeroTrust) -> None:
    host = account.app("app.example.com", account.policy(ANN))
    account.app("app.example.com/hook", account.policy(decision="bypass"))
    deep = account.app("app.example.com/hook/keys", account.policy(ANN))
    account.app("*.example.com", account.policy(decision="bypass"))

    def audience(path: str) -> str:
        seen = curl(account, f"http://app.example.com{path}")
        found = parse_qs(urlsplit("".join(seen.all("Location"))).query).get("kid", [""])
        return found[0] if seen.status == 302 else str(seen.status)

    assert [audience(path) for path in ("/", "/hook", "/hook/a", "/hook/keys", "/hook/keysx")] == [
        *(host["aud"], "200", "200", deep["aud"], "200"),
    ]


def test_an_unmatched_host_can_be_refused(account: ZeroTrust) -> None:
    account.app("app.example.com/hook", account.policy(decision="bypass"))
    organization(account, deny_unmatched_requests=True)

    refused = curl(account, "http://open.example.com/")
    bypassed = curl(account, "http://app.example.com/hook")
    organization(
        account,
        deny_unmatched_requests=True,
        deny_unmatched_requests_exempted_zone_names=["example.com"],
    )

    assert (refused.status, refused.body) == (403, "error code: 1043\n")
    assert bypassed.status == 200
    assert curl(account, "http://open.example.com/").status == 200


def test_what_is_told_of_an_application(account: ZeroTrust) -> None:
    app = account.app("*.example.com", account.policy(ANN))

    seen = curl(account, ADMIN, ("Cf-Access-Metadata-Request", "true"), method="HEAD")

    said = claims_of(account, seen.one("cf-access-metadata"))
    told = {name: said[name] for name in ("type", "aud", "hostname", "app_hostname", "auth_domain")}
    assert told == {
        "type": "match",
        "aud": app["aud"],
        "hostname": "admin.example.com",
        "app_hostname": "*.example.com",
        "auth_domain": "team.cloudflareaccess.com",
    }


class TestServices:
    def test_a_service_comes_in_with_its_two_headers(self, account: ZeroTrust) -> None:
        token, fields = service(account)
        rule = {"service_token": {"token_id": token["id"]}}
        app = account.app("api.example.com", account.policy(rule, decision="non_identity"))

        seen = curl(account, "http://api.example.com/", *fields)

        claims = claims_of(account, seen.at_origin(ASSERTION)[0])
        assert (claims["aud"], claims["common_name"]) == (app["aud"], token["client_id"])
        assert (claims["sub"], claims["type"]) == ("", "app")
        assert "email" not in claims
        assert seen.at_origin(EMAIL) == []
        assert seen.all("Set-Cookie") == []

    def test_names_of_headers_are_read_in_any_case(self, account: ZeroTrust) -> None:
        _, fields = service(account)
        rule: dict[str, Any] = {"any_valid_service_token": {}}
        account.app("api.example.com", account.policy(rule, decision="non_identity"))

        upper = [(name.upper(), value) for name, value in fields]

        assert curl(account, "http://api.example.com/", *upper).status == 200

    def test_both_can_be_in_one_header(self, account: ZeroTrust) -> None:
        token, _ = service(account)
        rule: dict[str, Any] = {"any_valid_service_token": {}}
        policy = account.policy(rule, decision="non_identity")
        account.app("api.example.com", policy, read_service_tokens_from_header="Authorization")
        names = ("cf-access-client-id", "cf-access-client-secret")
        pair = dict(zip(names, (token["client_id"], token["client_secret"]), strict=True))

        for text, status in ((json.dumps(pair), 200), ("{", 401), ("[]", 401), ("{}", 401)):
            seen = curl(account, "http://api.example.com/", ("authorization", text))
            assert seen.status == status

    @pytest.mark.parametrize(
        ("strict", "allows", "redirects", "bad", "other", "none"),
        [
            (True, False, False, 401, 403, 403),
            (True, True, False, 401, 403, 302),
            (False, False, False, 403, 403, 403),
            (False, False, True, 401, 401, 401),
            (False, True, False, 302, 302, 302),
        ],
    )
    def test_what_a_token_gets_that_is_not_good(
        self,
        account: ZeroTrust,
        strict: bool,
        allows: bool,
        redirects: bool,
        bad: int,
        other: int,
        none: int,
    ) -> None:
        organization(account, strict_service_token_auth=strict)
        token, fields = service(account)
        _, others = service(account)
        rule = {"service_token": {"token_id": token["id"]}}
        policies = [account.policy(rule, decision="non_identity")]
        policies += [account.policy(ANN)] if allows else []
        account.app("api.example.com", *policies, service_auth_401_redirect=redirects)
        url = "http://api.example.com/"

        wrong = [fields[0], (fields[1][0], "0" * 64)]
        assert curl(account, url, *wrong).status == bad
        assert curl(account, url, *credentials("0" * 32 + ".access", "x")).status == bad
        assert curl(account, url, *others).status == other
        assert curl(account, url).status == none
        assert curl(account, url, *fields).status == 200

    @pytest.mark.parametrize("make", [
        lambda fields: fields[:1],
        lambda fields: fields[1:],
        lambda fields: [*fields, fields[1]],
        lambda fields: [*fields, ("cf-access-client-ID", "other")],
    ])  # fmt: skip
    def test_headers_that_are_not_whole_or_double_are_refused(
        self, account: ZeroTrust, make: Any
    ) -> None:
        _, fields = service(account)
        rule: dict[str, Any] = {"any_valid_service_token": {}}
        account.app("api.example.com", account.policy(rule, decision="non_identity"))

        assert curl(account, "http://api.example.com/", *make(fields)).status == 401

    def test_where_it_is_not_strict_a_service_gets_a_cookie(
        self, account: ZeroTrust, browser: Browser
    ) -> None:
        organization(account, strict_service_token_auth=False)
        _, fields = service(account)
        rule: dict[str, Any] = {"any_valid_service_token": {}}
        account.app("api.example.com", account.policy(rule, decision="non_identity"), account.policy(ANN))  # fmt: skip
        url = "http://api.example.com/"

        first = browser.visit(url, "GET", None, *fields)
        by_cookie = browser.visit(url)

        assert first.status == 200
        assert by_cookie.at_origin(ASSERTION) == [browser.cookies["api.example.com"]["CF_Authorization"]]  # fmt: skip
        assert by_cookie.at_origin(EMAIL) == []
        organization(account, strict_service_token_auth=True)
        assert browser.visit(url).status == 302

    def test_a_service_token_counts_for_services_alone(self, account: ZeroTrust) -> None:
        _, fields = service(account)
        rule: dict[str, Any] = {"any_valid_service_token": {}}
        account.app("api.example.com", account.policy(rule))

        assert curl(account, "http://api.example.com/", *fields).status == 403

    def test_an_old_secret_is_good_as_long_as_was_said(self, account: ZeroTrust) -> None:
        token, fields = service(account)
        rule: dict[str, Any] = {"any_valid_service_token": {}}
        account.app("api.example.com", account.policy(rule, decision="non_identity"))
        body: dict[str, Any] = {"name": "deploy", "duration": "8760h", "client_secret_version": 2}
        path, until = f"service_tokens/{token['id']}", "previous_client_secret_expires_at"

        new = account.api("PUT", path, {**body, until: "2999-01-01T00:00:00Z"}).result
        url = "http://api.example.com/"
        statuses = [curl(account, url, *fields).status]
        account.api("PUT", path, {**body, until: "2020-01-01T00:00:00Z"})
        statuses.append(curl(account, url, *fields).status)
        statuses.append(curl(account, url, *credentials(new["client_id"], new["client_secret"])).status)  # fmt: skip

        assert statuses == [200, 401, 200]

    def test_a_token_that_has_expired(self, account: ZeroTrust) -> None:
        _, fields = service(account, duration="1ms")
        rule: dict[str, Any] = {"any_valid_service_token": {}}
        account.app("api.example.com", account.policy(rule, decision="non_identity"))

        assert curl(account, "http://api.example.com/", *fields).status == 401


class TestScripts:
    def test_a_script_is_not_sent_to_a_page(self, account: ZeroTrust) -> None:
        account.app("admin.example.com", account.policy(ANN))

        seen = curl(account, ADMIN, ("X-Requested-With", "XMLHttpRequest"))

        assert (seen.status, seen.all("Location")) == (401, [])

    PREFLIGHT = (
        ("Origin", "https://other.example"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "x-a"),
    )

    def test_a_preflight_is_refused_even_with_a_session(
        self, account: ZeroTrust, browser: Browser
    ) -> None:
        account.app("admin.example.com", account.policy(ANN))
        browser.enter(ADMIN, "ann@example.com")

        assert browser.visit(ADMIN, "OPTIONS", None, *self.PREFLIGHT).status == 403
        assert browser.visit(ADMIN, "OPTIONS").status == 200

    def test_a_preflight_goes_to_the_origin_where_that_was_asked_for(
        self, account: ZeroTrust
    ) -> None:
        account.app("admin.example.com", account.policy(ANN), options_preflight_bypass=True)

        seen = curl(account, ADMIN, *self.PREFLIGHT, (ASSERTION, "forged"), method="OPTIONS")

        assert seen.at_origin(ASSERTION) == []
        assert curl(account, ADMIN, method="OPTIONS").status == 302

    def test_the_edge_answers_a_preflight_itself(self, account: ZeroTrust) -> None:
        cors = {
            "allowed_origins": ["https://other.example"],
            "allowed_methods": ["GET", "PUT"],
            "allow_all_headers": True,
            "allow_credentials": True,
            "max_age": 60,
        }
        account.app("admin.example.com", account.policy(ANN), cors_headers=cors)

        seen = curl(account, ADMIN, *self.PREFLIGHT, method="OPTIONS")
        other = curl(account, ADMIN, ("Origin", "https://evil.example"), *self.PREFLIGHT[1:], method="OPTIONS")  # fmt: skip

        found = {name: value for name, value in seen.headers if name.startswith("Access-Control")}
        assert seen.status == 200
        assert found == {
            "Access-Control-Allow-Origin": "https://other.example",
            "Access-Control-Allow-Methods": "GET, PUT",
            "Access-Control-Allow-Headers": "x-a",
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Max-Age": "60",
        }
        assert other.all("Access-Control-Allow-Origin") == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"http_only_cookie_attribute": False}, {"Secure"}),
        ({"same_site_cookie_attribute": "lax"}, {"HttpOnly", "SameSite=Lax", "Secure"}),
        ({"path_cookie_attribute": True}, {"HttpOnly", "Path=/page", "Secure"}),
        ({}, {"HttpOnly", "Path=/", "Secure", "Max-Age=86400"}),
    ],
)
def test_how_the_cookie_of_an_application_is_set(
    account: ZeroTrust, browser: Browser, more: dict[str, Any], words: set[str]
) -> None:
    account.app("admin.example.com/page", account.policy(ANN), **more)

    back = browser.visit(browser.log_in(browser.visit(ADMIN), "ann@example.com").one("Location"))

    (cookie,) = [text for text in back.all("Set-Cookie") if text.startswith("CF_Authorization")]
    found = set(cookie.split("; ")[1:])
    assert found >= words
    assert ("HttpOnly" in found) is more.get("http_only_cookie_attribute", True)


class TestAttacks:
    def test_what_a_visitor_says_in_the_edges_own_fields_never_arrives(
        self, account: ZeroTrust, browser: Browser
    ) -> None:
        account.app("admin.example.com", account.policy(ANN))
        browser.enter(ADMIN, "ann@example.com")
        forged = [
            (name, "forged")
            for name in (ASSERTION, ASSERTION.upper(), ASSERTION.lower(), EMAIL, EMAIL.upper())
        ]

        seen = browser.visit(ADMIN, "GET", None, *forged, *forged)

        assert seen.at_origin(ASSERTION) == [browser.cookies["admin.example.com"]["CF_Authorization"]]  # fmt: skip
        assert seen.at_origin(EMAIL) == ["ann@example.com"]

    def test_a_token_in_the_header_is_no_session(
        self, account: ZeroTrust, browser: Browser
    ) -> None:
        account.app("admin.example.com", account.policy(ANN))
        browser.enter(ADMIN, "ann@example.com")
        token = browser.cookies["admin.example.com"]["CF_Authorization"]

        assert curl(account, ADMIN, (ASSERTION, token)).status == 302

    def test_cookies_that_were_not_given_by_the_edge(
        self, account: ZeroTrust, browser: Browser
    ) -> None:
        app = account.app("admin.example.com", account.policy(ANN))
        account.app("wiki.example.com", account.policy(ANN))
        browser.enter("http://wiki.example.com/", "ann@example.com")
        browser.enter(ADMIN, "ann@example.com")
        good = browser.cookies["admin.example.com"]["CF_Authorization"]
        head, payload, signature = good.split(".")
        claims = claims_of(account, good)
        mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        kid = jwt.get_unverified_header(good)["kid"]
        public = json.loads(curl(account, f"http://{TEAM_HOST}/cdn-cgi/access/certs").body)
        more = {**claims, "email": "eve@example.com"}
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        forged = {
            "another key": jwt.encode(claims, mine, "RS256", {"kid": kid}),
            "an unknown key": jwt.encode(claims, mine, "RS256", {"kid": "0" * 64}),
            "no algorithm": f"{none}.{payload}.",
            "the public key as a secret": _by_secret(claims, public["public_cert"]["cert"], kid),
            "another payload": f"{head}.{_part(more)}.{signature}",
            "of another application": browser.cookies["wiki.example.com"]["CF_Authorization"],
            "of the team": browser.cookies[TEAM_HOST]["CF_Authorization"],
            "garbage": "..",
            "empty": "",
        }

        statuses = {
            name: curl(account, ADMIN, ("Cookie", f"CF_Authorization={token}")).status
            for name, token in forged.items()
        }

        assert statuses == dict.fromkeys(forged, 302)
        both = f"CF_Authorization=garbage; CF_Authorization={good}"
        seen = curl(account, ADMIN, ("Cookie", both))
        assert seen.at_origin(ASSERTION) == [good]
        assert app["aud"] in claims["aud"]

    def test_a_token_that_has_expired_is_no_session(
        self, account: ZeroTrust, browser: Browser
    ) -> None:
        account.app("admin.example.com", account.policy(ANN, session_duration="1s"))
        back = browser.log_in(browser.visit(ADMIN), "ann@example.com")
        browser.visit(back.one("Location"))
        assert "CF_Authorization" in browser.cookies["admin.example.com"]

        time.sleep(1.1)

        assert browser.visit(ADMIN).status == 302

    def test_the_way_back_is_good_once_in_one_browser_at_one_host(
        self, account: ZeroTrust, browser: Browser
    ) -> None:
        account.app("admin.example.com", account.policy(ANN))
        account.app("wiki.example.com", account.policy(ANN))
        seen = browser.log_in(browser.visit(ADMIN), "ann@example.com")
        back = seen.one("Location")
        stolen = Browser(browser.edge).visit(back)
        after_theft = browser.visit(back)
        again = browser.visit(browser.visit(ADMIN).one("Location")).one("Location")
        elsewhere = browser.visit(again.replace("admin.", "wiki."))
        third = browser.visit(browser.visit(ADMIN).one("Location")).one("Location")
        used = [browser.visit(third).status, browser.visit(third).status]

        assert [stolen.status, after_theft.status, elsewhere.status] == [400, 400, 400]
        assert used == [302, 400]
        assert browser.visit("http://admin.example.com/cdn-cgi/access/authorized").status == 400

    @pytest.mark.parametrize(
        "target",
        ["//evil.example/", "/\\evil.example/", "///evil.example", "/\\/evil.example"],
    )
    def test_nobody_is_led_to_another_host(
        self, account: ZeroTrust, browser: Browser, target: str
    ) -> None:
        account.app("admin.example.com", account.policy(ANN))
        seen = sent(browser.edge, "GET", target, [("Host", "admin.example.com")])
        browser.cookies["admin.example.com"] = {"CF_AppSession": seen.one("Set-Cookie").partition(";")[0].partition("=")[2]}  # fmt: skip

        back = browser.log_in(seen, "ann@example.com").one("Location")

        assert urlsplit(back).hostname == "admin.example.com"
        assert browser.visit(back).one("Location") == "/"

    @pytest.mark.parametrize(
        "change",
        [
            {"redirect_url": "https://evil.example/"},
            {"redirect_url": "/other"},
            {"kid": "0" * 64},
            {"meta": "x.y.z"},
            {"meta": ""},
            {"host": "evil.example"},
        ],
    )
    def test_what_was_signed_cannot_be_changed(
        self, account: ZeroTrust, browser: Browser, change: dict[str, str]
    ) -> None:
        account.app("admin.example.com", account.policy(ANN))
        to = urlsplit(browser.visit(ADMIN).one("Location"))
        query = {name: values[0] for name, values in parse_qs(to.query).items()} | change
        host = query.pop("host", "admin.example.com")
        words = "&".join(f"{name}={quote(value)}" for name, value in query.items())

        seen = browser.visit(f"http://{to.netloc}/cdn-cgi/access/login/{host}?{words}")

        assert seen.status == 404
        assert "evil" not in seen.body

    @pytest.mark.parametrize(
        "email",
        [
            *("<script>alert(1)</script>@example.com", '"><img src=x>@example.com', "ann"),
            *("ann@example.com\r\nSet-Cookie: a=b", "ann@example.com, eve@example.com", ""),
            *("ann@example.com@evil.example", "ann@evil.example\x00@example.com", "@example.com"),
            "ann@example.com." + "x" * 70000,
        ],
    )
    def test_an_address_that_is_none(
        self, account: ZeroTrust, browser: Browser, email: str
    ) -> None:
        account.app("admin.example.com", account.policy({"email_domain": {"domain": "example.com"}}))  # fmt: skip

        seen = browser.log_in(browser.visit(ADMIN), email)

        assert seen.status == 400
        assert not {"<script", "<img"} & set(seen.body.split(">"))
        assert "<script" not in seen.body
        assert "<img" not in seen.body
        assert seen.all("Set-Cookie") == []

    def test_a_domain_is_compared_whole(self, account: ZeroTrust, browser: Browser) -> None:
        account.app("admin.example.com", account.policy({"email_domain": {"domain": "example.com"}}))  # fmt: skip

        for email in ("eve@evil-example.com", "eve@sub.example.com", "eve@example.com.evil.org"):
            assert browser.log_in(browser.visit(ADMIN), email).status == 403
            browser.cookies.clear()

    def test_a_code_is_good_once_in_one_browser_and_not_for_ever_guessed(
        self, account: ZeroTrust, browser: Browser
    ) -> None:
        account.app("admin.example.com", account.policy(ANN))
        to = browser.visit(ADMIN).one("Location")
        attempt = browser.visit(to).body.partition('name=attempt value="')[2].partition('"')[0]
        base = f"http://{urlsplit(to).netloc}/cdn-cgi/access/login"
        mail = browser.visit(f"{base}/code", "POST", {"attempt": attempt, "email": "ann@example.com"})  # fmt: skip
        code = mail.body.partition("<b id=code>")[2].partition("<")[0]
        entry = {"attempt": attempt, "code": code}

        other = Browser(browser.edge).visit(f"{base}/enter", "POST", entry)
        wrong = [
            browser.visit(f"{base}/enter", "POST", {**entry, "code": guess}).status
            for guess in ("000000x", "", "999999x")
        ]
        too_late = browser.visit(f"{base}/enter", "POST", entry)

        assert (other.status, wrong, too_late.status) == (400, [400, 400, 400], 400)
        browser.visit(f"{base}/code", "POST", {"attempt": attempt, "email": "ann@example.com"})
        assert browser.visit(f"{base}/enter", "POST", entry).status == 400

    def test_a_bound_cookie_is_worth_nothing_elsewhere(
        self, account: ZeroTrust, browser: Browser
    ) -> None:
        account.app("admin.example.com", account.policy(ANN), enable_binding_cookie=True)
        seen = browser.enter(ADMIN, "ann@example.com")
        jar = browser.cookies["admin.example.com"]

        assert "CF_Binding" in jar
        assert "CF_Binding" not in "".join(seen.at_origin("Cookie"))
        token = f"CF_Authorization={jar['CF_Authorization']}"
        for stolen in (token, f"{token}; CF_Binding=x", f"{token}; CF_Binding="):
            assert curl(account, ADMIN, ("Cookie", stolen)).status == 302

    def test_two_hosts_are_no_host(self, account: ZeroTrust) -> None:
        account.app("admin.example.com", account.policy(ANN))

        for second in ("open.example.com", "admin.example.com"):
            fields = [("Host", "admin.example.com"), ("Host", second)]
            assert sent(account.addresses["edge_url"], "GET", "/", fields).status == 400

    def test_the_edges_own_paths_never_reach_the_origin(self, account: ZeroTrust) -> None:
        account.app("admin.example.com", account.policy(ANN))

        assert curl(account, "http://admin.example.com/cdn-cgi/access/other").status == 404
        assert curl(account, "http://nobody.cloudflareaccess.localhost/").status == 404


def _part(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def _by_secret(claims: dict[str, Any], secret: str, kid: str) -> str:
    """A token of HS256 whose secret is what everybody can read."""
    import hashlib
    import hmac

    head = _part({"alg": "HS256", "typ": "JWT", "kid": kid})
    signed = f"{head}.{_part(claims)}"
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
