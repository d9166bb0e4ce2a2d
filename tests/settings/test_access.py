"""The credentials of Cloudflare's API: those that the provider takes, from the same places."""

import json
from collections.abc import Callable

import pytest

from settings import FindingsError, read_access

TOKEN, KEY, EMAIL = "T" * 40, "k" * 37, "me@example.com"
BY_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
BY_KEY = {"X-Auth-Key": KEY, "X-Auth-Email": EMAIL}

Given = Callable[[dict[str, str]], None]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """Sets the stack's keys `cloudflare:…` and the variables `CLOUDFLARE_…`, and no others."""
    for name in ("API_TOKEN", "API_KEY", "EMAIL", "BASE_URL"):
        monkeypatch.delenv(f"CLOUDFLARE_{name}", raising=False)

    def give(values: dict[str, str]) -> None:
        config = {key: text for key, text in values.items() if ":" in key}
        monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
        for name in values.keys() - config.keys():
            monkeypatch.setenv(name, values[name])

    return give


@pytest.mark.parametrize(
    ("values", "headers"),
    [
        ({"cloudflare:apiToken": TOKEN}, BY_TOKEN),
        ({"CLOUDFLARE_API_TOKEN": TOKEN}, BY_TOKEN),
        ({"CLOUDFLARE_API_TOKEN": "short"}, {"Authorization": "Bearer short"}),
        ({"cloudflare:apiToken": TOKEN, "CLOUDFLARE_API_TOKEN": "n" * 40}, BY_TOKEN),
        ({"cloudflare:apiKey": KEY, "cloudflare:email": EMAIL}, BY_KEY),
        ({"CLOUDFLARE_API_KEY": KEY, "CLOUDFLARE_EMAIL": EMAIL}, BY_KEY),
        ({"cloudflare:apiKey": KEY, "CLOUDFLARE_EMAIL": EMAIL}, BY_KEY),
        ({"cloudflare:apiToken": TOKEN, "cloudflare:apiKey": KEY, "cloudflare:email": EMAIL}, BY_TOKEN),
    ],
)  # fmt: skip
def test_a_token_or_a_key_with_its_address_goes_into_the_requests_and_is_never_shown(
    given: Given, values: dict[str, str], headers: dict[str, str]
) -> None:
    given(values)

    found = read_access()

    assert found.headers == headers
    assert not [secret for secret in (TOKEN, KEY) if secret in repr(found)]


@pytest.mark.parametrize(
    ("values", "named", "is_key"),
    [
        ({"cloudflare:apiToken": TOKEN}, "token of cloudflare:apiToken", False),
        ({"CLOUDFLARE_API_TOKEN": TOKEN}, "token of CLOUDFLARE_API_TOKEN", False),
        ({"cloudflare:apiKey": KEY, "CLOUDFLARE_EMAIL": EMAIL}, "API key of cloudflare:apiKey", True),
        ({"CLOUDFLARE_API_KEY": KEY, "CLOUDFLARE_EMAIL": EMAIL}, "API key of CLOUDFLARE_API_KEY", True),
    ],
)  # fmt: skip
def test_the_credentials_are_called_by_the_place_where_they_stand(
    given: Given, values: dict[str, str], named: str, is_key: bool
) -> None:
    given(values)

    assert (read_access().named, read_access().is_key) == (named, is_key)


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "https://api.cloudflare.com/client/v4"),
        ({"CLOUDFLARE_BASE_URL": "http://127.0.0.1:1/v4/"}, "http://127.0.0.1:1/v4"),
        ({"cloudflare:baseUrl": "http://127.0.0.1:2/v4"}, "http://127.0.0.1:2/v4"),
    ],
)
def test_the_address_is_the_providers(given: Given, values: dict[str, str], url: str) -> None:
    given({"cloudflare:apiToken": TOKEN, **values})

    assert read_access().url == url


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (
            {},
            "cloudflare:apiToken: missing. Set it with: pulumi config set --secret cloudflare:apiToken",
        ),
        (
            {"cloudflare:email": EMAIL},
            "cloudflare:apiToken: missing. Set it with: pulumi config set --secret cloudflare:apiToken",
        ),
        (
            {"cloudflare:apiKey": KEY},
            "cloudflare:email: missing beside cloudflare:apiKey. Set it with: pulumi config set cloudflare:email <address>",
        ),
    ],
)
def test_missing_credentials_are_named_with_the_command(
    given: Given, values: dict[str, str], problem: str
) -> None:
    given(values)

    with pytest.raises(FindingsError) as refused:
        read_access()

    assert refused.value.problems == (problem,)


_TOKEN = "is no API token, which has 40 to 80 letters, digits, '-' and '_' (no blank, no line end, nothing before it). Set it again."
_KEY = "is no API key, which has 37 to 60 letters, digits, '-' and '_' (no blank, no line end, nothing before it). Set it again."

_VARIABLE = (
    "is no text of ASCII characters (no blank, no line end, nothing before it). Set it again."
)


@pytest.mark.parametrize(
    ("values", "start"),
    [
        *(
            ({place: text}, f"{place}: {what}")
            for place, what in (("cloudflare:apiToken", _TOKEN), ("CLOUDFLARE_API_TOKEN", _VARIABLE))
            for text in (f"{TOKEN}\n", f"{TOKEN}\r", f"Bearer {TOKEN}", f"{TOKEN}\u00fc")
        ),
        ({"cloudflare:apiToken": TOKEN[1:]}, f"cloudflare:apiToken: {_TOKEN}"),
        *(
            ({place: f"{KEY}\n", "cloudflare:email": EMAIL}, f"{place}: {what}")
            for place, what in (("cloudflare:apiKey", _KEY), ("CLOUDFLARE_API_KEY", _VARIABLE))
        ),
        ({"cloudflare:apiKey": KEY, "CLOUDFLARE_EMAIL": f"{EMAIL}\n"}, "CLOUDFLARE_EMAIL: is no address of ASCII "),
        ({"cloudflare:apiToken": TOKEN, "CLOUDFLARE_BASE_URL": "https://x/\n"}, "CLOUDFLARE_BASE_URL: is no http(s) URL "),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_and_never_shown(
    given: Given, values: dict[str, str], start: str
) -> None:
    given(values)

    with pytest.raises(FindingsError) as refused:
        read_access()

    (problem,) = refused.value.problems
    assert problem.startswith(start)
    assert not [secret for secret in (TOKEN[1:], KEY, EMAIL) if secret in str(refused.value)]
