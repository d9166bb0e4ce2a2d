"""What the API refuses is told with its code, its cause and what helps."""

import json
import time
from email.utils import formatdate
from typing import Any

import pulumi
import pytest

from existing import api as api_module
from existing import permissions
from existing.api import Api, ApiError
from existing.refusals import ADVICE
from sandbox.cloudflare.errors import known
from settings import Access
from tests.existing.conftest import ACCOUNT, ZONE, Cloudflare

KEY = "0" * 40
RECORDS = f"zones/{ZONE}/dns_records"


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was said meanwhile; attempts follow one another without a pause of our own."""
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", said.append)
    monkeypatch.setattr(api_module, "_PAUSE", 0.0)
    return said


def refusal(access: Access, path: str = RECORDS) -> str:
    with pytest.raises(ApiError) as refused:
        Api(access).read_list(path, permissions.DNS)
    text = str(refused.value)
    assert text.startswith(f"GET {access.url}/{path}: ")
    return text.removeprefix(f"GET {access.url}/{path}: ")


def by_key(cloudflare: Cloudflare, key: str, email: str) -> Access:
    headers = {"X-Auth-Key": key, "X-Auth-Email": email}
    return Access(url=cloudflare.api_url, headers=headers, named="API key of cloudflare:apiKey")


MALFORMED = "400 Invalid request headers (6003): Invalid format for"
CASES = {
    "no token at all": (
        {"value": "two words"},
        f"{MALFORMED} Authorization header (6111). The token of cloudflare:apiToken cannot be one. "
        "Set it again, without 'Bearer', quotes and line ends.",
    ),
    "unknown token": (
        {"value": "X" * 40},
        "403 Authentication error (10000). The token of cloudflare:apiToken is wrong or has expired, or it needs the "
        "permission Zone · DNS · Edit.",
    ),
    "address filter": (
        {"value": "E" * 40, "addresses": ["192.0.2.9"]},
        "403 Cannot use the access token from location: 127.0.0.1 (9109). The token of cloudflare:apiToken may be used "
        "from some addresses only, and this machine's is none of them. Add it to the token's Client IP Address "
        "Filtering in the dashboard, or run pulumi where it may be used.",
    ),
    "key in the place of a token's": (
        {"value": "T" * 40, "email": "me@example.com"},
        f"{MALFORMED} X-Auth-Key header (6103). The API key of cloudflare:apiKey cannot be one. Set it again. "
        "An API token belongs into cloudflare:apiToken, or the variable CLOUDFLARE_API_TOKEN.",
    ),
    "address of nobody": (
        {"value": KEY, "email": "me"},
        f"{MALFORMED} X-Auth-Email header (6102). The address of cloudflare:email cannot be one. Set it again.",
    ),
    "key of nobody": (
        {"value": "f" * 40, "email": "me@example.com"},
        "403 Unknown X-Auth-Key or X-Auth-Email (9103). No user has this key and address. Correct cloudflare:apiKey and "
        "cloudflare:email. An API token belongs into cloudflare:apiToken, or the variable CLOUDFLARE_API_TOKEN.",
    ),
    "key of a user who may not": (
        {"value": KEY, "email": "me@example.com", "permissions": []},
        "403 Authentication error (10000). The API key of cloudflare:apiKey is wrong or has expired, or its user needs "
        "the permission Zone · DNS · Edit.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("token", "told"), CASES.values(), ids=CASES)
def test_credentials_that_are_refused_are_told_with_the_cause_and_the_way(
    cloudflare: Cloudflare, token: dict[str, Any], told: str
) -> None:
    if "addresses" in token or "permissions" in token:
        cloudflare.control("/seed", {"tokens": [token]})
    value = token["value"]
    email = token.get("email")
    access = by_key(cloudflare, value, email) if email else cloudflare.access(value)

    problem = refusal(access)

    assert problem == told
    assert value not in problem


CAUSES = {6111, 6103, 6102}
"""Codes that stand behind another one; the cases above have them."""


@pytest.mark.parametrize("code", sorted({code for code, _, _ in ADVICE} - CAUSES))
def test_each_code_that_the_api_has_gets_its_advice(cloudflare: Cloudflare, code: int) -> None:
    cloudflare.control("/faults", {"code": code})
    error = known(code)

    advice = next(
        advice for each, part, advice in ADVICE if each == code and part in error.text.lower()
    )

    problem = refusal(cloudflare.access())
    assert problem.startswith(f"{error.status} {error.text} ({code})")
    assert problem.endswith(advice.format(
        named="token of cloudflare:apiToken", owner="it", permission=permissions.DNS
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("code", "text", "told"),
    [
        (9109, "Invalid access token", "Cloudflare does not know the token of cloudflare:apiToken: it was mistyped"),
        (9109, "Max auth failures reached, please check your Authorization header.", "Too many requests had wrong"),
        (12345, "Something new", "The token of cloudflare:apiToken is not enough: it needs the permission Zone · DNS · Edit."),
    ],
)  # fmt: skip
def test_a_code_with_several_meanings_is_told_apart_and_an_unknown_one_names_the_permission(
    cloudflare: Cloudflare, code: int, text: str, told: str
) -> None:
    body = {"success": False, "errors": [{"code": code, "message": text}]}
    cloudflare.control("/faults", {"status": 403, "body": body})

    assert refusal(cloudflare.access()).startswith(f"403 {text} ({code}). {told}")


def test_a_refusal_of_something_before_the_api_is_not_taken_for_a_permission(
    cloudflare: Cloudflare,
) -> None:
    page = {"status": 403, "body": "error code: 1020", "headers": {"Content-Type": "text/plain"}}
    cloudflare.control("/faults", page)

    assert refusal(cloudflare.access()) == (
        "403 Forbidden error code: 1020. This is no answer of the API: something before it refuses the request, a proxy "
        "for instance. Check cloudflare:baseUrl and this machine's way out."
    )


def test_an_id_that_names_nothing_is_told(cloudflare: Cloudflare) -> None:
    assert refusal(cloudflare.access(), f"zones/{'d' * 32}/dns_records").endswith(
        "No route for that URI (7000). The account or zone in this address does not exist, or the token of "
        "cloudflare:apiToken does not reach it. Correct the id."
    )


@pytest.mark.parametrize("dated", [False, True], ids=["seconds", "date"])
def test_the_api_is_asked_again_when_it_says(cloudflare: Cloudflare, dated: bool) -> None:
    due = int(time.time()) + 2
    after = formatdate(due, usegmt=True) if dated else "2"
    cloudflare.control("/faults", {"code": 971, "headers": {"Retry-After": after}})

    assert Api(cloudflare.access()).read_list(RECORDS, permissions.DNS) == []

    assert time.time() >= due


def test_a_wait_that_is_noticed_is_said_and_waits_are_bounded(
    cloudflare: Cloudflare, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    cloudflare.control("/faults", {"code": 971, "times": 2, "headers": {"Retry-After": "240"}})

    problem = refusal(cloudflare.access())

    busy = "429 Please wait and consider throttling your request speed (971)"
    assert waits == [240.0]
    assert said == [
        f"GET {cloudflare.api_url}/{RECORDS}: {busy}. Waiting for 240 s, as the API asks."
    ]
    assert problem == (
        f"{busy}, 2 times. A preview needs Cloudflare's API, which takes 1,200 requests of a user in five minutes: "
        "run it again later."
    )


def test_a_wait_longer_than_the_bound_is_not_begun(cloudflare: Cloudflare, said: list[str]) -> None:
    cloudflare.control("/faults", {"code": 971, "headers": {"Retry-After": "3600"}})

    assert refusal(cloudflare.access()).startswith("429 Please wait and consider throttling")
    assert said == []
    assert len(cloudflare.asked()) == 1


def test_a_fault_of_the_api_is_not_taken_for_one_of_the_network(cloudflare: Cloudflare) -> None:
    cloudflare.control("/faults", {"status": 500, "times": 3})

    assert refusal(cloudflare.access()).endswith(
        "which has a fault of its own: see https://www.cloudflarestatus.com, then run it again."
    )


def test_the_chain_of_causes_is_shown_as_it_came(cloudflare: Cloudflare) -> None:
    chain = [{"code": 2, "message": "second"}, {"code": 3, "message": "third"}]
    body = {"errors": [{"code": 1, "message": "first", "error_chain": chain}]}
    cloudflare.control("/faults", {"status": 400, "body": json.dumps(body)})

    assert refusal(cloudflare.access(), f"accounts/{ACCOUNT}/cfd_tunnel") == (
        "400 first (1): second (2): third (3)."
    )
