"""Tells how Cloudflare's API is reached: the same address and credentials, from the same places, as the provider's."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from settings.errors import make_configuration_error
from values.findings import Findings, Kind
from values.remedies import SetKey

_URL = "https://api.cloudflare.com/client/v4"
_FORMS = {
    "apiToken": (r"[0-9A-Za-z_-]{40,80}", "no API token, which has 40 to 80 letters, digits, '-' and '_'"),
    "apiKey": (r"[0-9A-Za-z_-]{37,60}", "no API key, which has 37 to 60 letters, digits, '-' and '_'"),
    "email": (r"[!-?A-~]+@[!-?A-~]+", "no address of ASCII characters with one '@'"),
    "baseUrl": (r"https?://[!-~]+", "no http(s) URL of ASCII characters"),
}  # fmt: skip
"""What each is, in full; the first two by the provider's own checks (`internal/provider.go`)."""
NO_CREDENTIALS = Kind(
    "no-credentials",
    "Cloudflare's API cannot be asked: a token, or a key with its email, is missing.",
)
WRONG_CREDENTIALS = Kind(
    "wrong-credentials", "A credential for Cloudflare's API has not the form of one."
)
_IN_VARIABLES = dict.fromkeys(("apiToken", "apiKey"), (r"[!-~]+", "no text of ASCII characters"))
"""The provider checks nothing there; what cannot stand in a header is no credential."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """An API and who asks it."""

    url: str
    """Without a slash at its end."""
    headers: Mapping[str, str] = field(repr=False)
    """The credentials: never shown."""
    named: str = "token of cloudflare:apiToken"
    """What they are called."""

    @property
    def is_key(self) -> bool:
        """Whether the credentials are a user's Global API key, which may do whatever that user may."""
        return "X-Auth-Key" in self.headers


def read_access() -> Access:
    """Reads how the API is reached: `cloudflare:baseUrl`, `apiToken`, `apiKey` and `email`, or the provider's variables.

    Raises:
        FindingsError: there are no credentials, or they cannot be any; none of them is ever shown.
    """
    config = pulumi.Config("cloudflare")
    findings = Findings()
    places: dict[str, str] = {}

    def find_given(key: str, variable: str) -> str:
        for place, text, forms in (
            (f"cloudflare:{key}", config.get(key), _FORMS),
            (variable, os.environ.get(variable), _FORMS | _IN_VARIABLES),
        ):
            if text:
                form, what = forms[key]
                if not re.fullmatch(form, text):
                    text_form = f"is {what} (no blank, no line end, nothing before it)."
                    findings.add(WRONG_CREDENTIALS, place, text_form, "Set it again.")
                places[key] = place
                return text
        return ""

    token = find_given("apiToken", "CLOUDFLARE_API_TOKEN")
    key, email = find_given("apiKey", "CLOUDFLARE_API_KEY"), find_given("email", "CLOUDFLARE_EMAIL")
    url = find_given("baseUrl", "CLOUDFLARE_BASE_URL") or _URL
    if token:
        headers, named = {"Authorization": f"Bearer {token}"}, f"token of {places['apiToken']}"
    elif key and email:
        headers, named = (
            {"X-Auth-Key": key, "X-Auth-Email": email},
            f"API key of {places['apiKey']}",
        )
    elif key:
        findings.add(
            NO_CREDENTIALS,
            "cloudflare:email",
            "missing beside cloudflare:apiKey.",
            ("Set it with: ", SetKey("cloudflare:email", "<address>")),
        )
    else:
        findings.add(
            NO_CREDENTIALS,
            "cloudflare:apiToken",
            "missing.",
            ("Set it with: ", SetKey("cloudflare:apiToken", secret=True)),
        )
    if findings.errors:
        raise make_configuration_error(findings.errors)
    return Access(url=url.rstrip("/"), headers=headers, named=named)
