"""What cloudflared does with a token of Access at a rule that requires one."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.contract.rig import ACCOUNT, HOST, Program, Rig
from tests.contract.test_requests import BAD_GATEWAY

AUD, OTHER_AUD = "a" * 64, "b" * 64
HEADER = "Cf-Access-Jwt-Assertion"
ISSUER = "https://team.cloudflareaccess.com"
FORBIDDEN = (403, b"")
GOOD = (200, b"hi")
REFUSED = "request filtered by middleware handler (AccessJWTValidator) due to"
FAILED = "error while processing middleware handler AccessJWTValidator"


@pytest.fixture
def guarded(rig: Rig) -> Rig:
    """An account with a team, and no application at the edge: what a visitor sends arrives."""
    rig.control("POST", "/seed", {"organizations": [{"account_id": ACCOUNT, "team": "team"}]})
    rig.api("GET", f"/accounts/{ACCOUNT}/access/keys")
    return rig


def start(rig: Rig, *, teamName: str = "team", audTag: Any = (AUD,), **more: Any) -> Program:
    access = {"required": True, "teamName": teamName, "audTag": list(audTag)}
    return rig.start(rules=[rule(rig, access=access)], **more)


def rule(rig: Rig, **origin: Any) -> dict[str, Any]:
    service = f"http://127.0.0.1:{rig.service.port}"
    return {"hostname": HOST, "service": service, "originRequest": origin}


def key(rig: Rig) -> dict[str, Any]:
    """The team's present key."""
    things = rig.control("GET", "/dump")["access"]
    (organization,) = [thing for thing in things if thing["kind"] == "organizations"]
    found: dict[str, Any] = organization["hidden"]["keys"][0]
    return found


def token(rig: Rig, *, pem: Any = None, kid: str | None = None, algorithm: str = "RS256", **claims: Any) -> str:  # fmt: skip
    """A token of the team's for a person, unless something is said otherwise."""
    own = key(rig)
    present = int(time.time())
    said = {
        "aud": [AUD],
        "iss": ISSUER,
        "exp": present + 600,
        "iat": present,
        "nbf": present,
        "email": "ann@example.com",
        **claims,
    }
    payload = {name: value for name, value in said.items() if value is not None}
    headers = {"kid": own["kid"] if kid is None else kid}
    signed: str = jwt.encode(payload, pem or own["pem"], algorithm, headers=headers)
    return signed


def visit(rig: Rig, text: str) -> tuple[int, bytes]:
    return rig.visit("/", "GET", None, **{HEADER: text})


def test_a_good_token_passes_and_arrives(guarded: Rig) -> None:
    start(guarded)
    good = token(guarded)

    assert visit(guarded, good) == GOOD
    assert f"{HEADER}: {good}" in guarded.service.heads[0]
    assert guarded.proxy.asked == ["team.cloudflareaccess.com:443"]


def test_without_a_token_nobody_passes(guarded: Rig) -> None:
    program = start(guarded)

    assert guarded.visit("/") == FORBIDDEN
    assert visit(guarded, "") == FORBIDDEN
    assert guarded.visit("/", "GET", None, Cookie=f"CF_Authorization={token(guarded)}") == FORBIDDEN
    assert guarded.service.received == []
    assert f"{REFUSED}: no access token in request" in program.log


def test_a_token_of_another_application(guarded: Rig) -> None:
    program = start(guarded)

    for aud in ([OTHER_AUD], OTHER_AUD, [], None, ["A" * 64], AUD[:-1]):
        assert visit(guarded, token(guarded, aud=aud)) == FORBIDDEN
    assert guarded.service.received == []
    assert f"{REFUSED}: Invalid token in jwt: [" in program.log


def test_one_audience_is_enough(guarded: Rig) -> None:
    start(guarded, audTag=["c" * 64, AUD])

    assert visit(guarded, token(guarded, aud=AUD)) == GOOD
    assert visit(guarded, token(guarded, aud=[OTHER_AUD, AUD])) == GOOD


def test_without_an_audience_nobody_passes(guarded: Rig) -> None:
    start(guarded, audTag=())

    assert visit(guarded, token(guarded)) == FORBIDDEN


def test_a_service_token_has_no_email(guarded: Rig) -> None:
    start(guarded)

    assert visit(guarded, token(guarded, aud=AUD, email=None, common_name="x.access")) == GOOD


def test_a_token_that_cannot_be_verified(guarded: Rig) -> None:
    program = start(guarded)
    present = int(time.time())

    for claims in (
        {"exp": present - 1},
        {"exp": None},
        {"nbf": present + 3600},
        {"iss": "https://other.cloudflareaccess.com"},
        {"iss": "https://team.cloudflareaccess.com/"},
        {"iss": None},
        {"kid": "0" * 64},
    ):
        assert visit(guarded, token(guarded, **claims)) == (502, BAD_GATEWAY)
    assert guarded.service.received == []
    assert FAILED in program.log
    assert visit(guarded, token(guarded, nbf=present + 200)) == GOOD


def test_a_token_of_another_key(guarded: Rig) -> None:
    start(guarded)
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    assert visit(guarded, token(guarded)) == GOOD
    assert visit(guarded, token(guarded, pem=mine)) == (502, BAD_GATEWAY)
    assert visit(guarded, token(guarded, pem=mine, kid="")) == (502, BAD_GATEWAY)
    assert visit(guarded, token(guarded)) == GOOD
    assert len(guarded.service.heads) == 2


def test_what_is_no_signature(guarded: Rig) -> None:
    start(guarded)
    head, payload, signature = token(guarded).split(".")
    unsigned = jwt.encode(
        jwt.decode(token(guarded), options={"verify_signature": False}), "", "none"
    )
    forged = {
        "alg none": unsigned,
        "alg none, with a signature": f"{unsigned}{signature}",
        "no signature": f"{head}.{payload}.",
        "cut": f"{head}.{payload}",
        "garbage": "x",
        "hmac": token(guarded, pem="s" * 64, algorithm="HS256"),
        "another text": f"{head}.{payload[:-4]}AAAA.{signature}",
    }

    got = {name: visit(guarded, text) for name, text in forged.items()}

    assert got == dict.fromkeys(forged, (502, BAD_GATEWAY))
    assert guarded.service.received == []


def test_a_token_that_names_no_key_is_tried_with_each(guarded: Rig) -> None:
    start(guarded)
    own = key(guarded)
    claims = jwt.decode(token(guarded), options={"verify_signature": False})
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    assert visit(guarded, jwt.encode(claims, own["pem"], "RS256")) == GOOD
    assert visit(guarded, jwt.encode(claims, mine, "RS256")) == (502, BAD_GATEWAY)


def test_of_several_headers_the_first_counts(guarded: Rig) -> None:
    start(guarded)
    good = token(guarded)
    bad = token(guarded, aud=OTHER_AUD)

    for first, second, status in ((good, bad, b"200"), (bad, good, b"403")):
        with guarded.visitor(f"GET / HTTP/1.1\n{HEADER}: {first}\n{HEADER.upper()}: {second}") as link:  # fmt: skip
            assert link.recv(65536).startswith(b"HTTP/1.1 " + status)


def test_a_new_key_is_fetched_and_an_old_one_is_kept(guarded: Rig) -> None:
    start(guarded)
    before = token(guarded)
    assert visit(guarded, before) == GOOD

    guarded.api("POST", f"/accounts/{ACCOUNT}/access/keys/rotate")

    after = token(guarded)
    assert jwt.get_unverified_header(before)["kid"] != jwt.get_unverified_header(after)["kid"]
    assert [visit(guarded, after), visit(guarded, before)] == [GOOD, GOOD]


def test_without_the_keys_nobody_passes_until_they_are_there(guarded: Rig) -> None:
    guarded.api("PUT", f"/accounts/{ACCOUNT}/access/organizations", {"auth_domain": "moved.cloudflareaccess.com"})  # fmt: skip
    start(guarded)
    good = token(guarded)

    assert visit(guarded, good) == (502, BAD_GATEWAY)
    guarded.api("PUT", f"/accounts/{ACCOUNT}/access/organizations", {"auth_domain": "team.cloudflareaccess.com"})  # fmt: skip
    assert visit(guarded, good) == GOOD
    guarded.proxy.close()
    assert visit(guarded, good) == GOOD
    assert visit(guarded, token(guarded, kid="0" * 64)) == (502, BAD_GATEWAY)
    assert visit(guarded, good) == GOOD


def test_keys_that_cannot_be_reached(guarded: Rig) -> None:
    program = start(guarded)
    guarded.proxy.close()

    assert visit(guarded, token(guarded)) == (502, BAD_GATEWAY)
    assert "fetching keys" in program.log


def test_what_is_said_for_all_rules_protects_none(guarded: Rig) -> None:
    access = {"required": True, "teamName": "team", "audTag": [AUD]}
    guarded.start(rules=[rule(guarded)], originRequest={"access": access})

    assert guarded.visit("/") == GOOD


def test_what_is_not_required_is_not_asked(guarded: Rig) -> None:
    guarded.start(rules=[rule(guarded, access={"teamName": "team", "audTag": [AUD]})])

    assert guarded.visit("/") == GOOD


def test_the_check_comes_before_any_kind_of_service(guarded: Rig) -> None:
    access = {"required": True, "teamName": "team", "audTag": [AUD]}
    kinds = ("http_status:418", "hello_world", "ssh://127.0.0.1:1", "unix:/nowhere")
    paths = [f"/{number}" for number in range(len(kinds))]
    rules = [
        {"hostname": HOST, "path": path, "service": service, "originRequest": {"access": access}}
        for path, service in zip(paths, kinds, strict=True)
    ]
    guarded.start(rules=rules)

    assert [guarded.visit(path) for path in paths] == [FORBIDDEN] * len(kinds)
    with guarded.visitor(
        "GET /2 HTTP/1.1\nConnection: Upgrade\nUpgrade: websocket\nSec-Websocket-Version: 13\n"
        "Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    ) as link:
        assert link.recv(65536).startswith(b"HTTP/1.1 403 ")


def test_an_audience_without_a_team_is_refused_at_the_start(guarded: Rig) -> None:
    program = start(guarded, teamName="", wait=False)

    deadline = time.monotonic() + 60
    while program.exit_code is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert program.exit_code != 0
    assert "access.TeamName cannot be blank when access.audTags are present" in program.log
