"""How Cloudflare's API is reached: the same address and credentials, from the same places, as the provider's."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from settings.errors import SettingsError

_URL = "https://api.cloudflare.com/client/v4"


@dataclass(frozen=True, kw_only=True)
class Access:
    """An API and who asks it."""

    url: str
    """Without a slash at its end."""
    headers: Mapping[str, str] = field(repr=False)
    """The credentials: never shown."""


def access() -> Access:
    """From `cloudflare:baseUrl`, `apiToken`, `apiKey` and `email`, or the variables that the provider reads.

    Raises:
        SettingsError: there are no credentials.
    """
    config = pulumi.Config("cloudflare")

    def given(key: str, variable: str) -> str:
        return config.get(key) or os.environ.get(variable) or ""

    token = given("apiToken", "CLOUDFLARE_API_TOKEN")
    key, email = given("apiKey", "CLOUDFLARE_API_KEY"), given("email", "CLOUDFLARE_EMAIL")
    if token:
        headers = {"Authorization": f"Bearer {token}"}
    elif key and email:
        headers = {"X-Auth-Key": key, "X-Auth-Email": email}
    elif key:
        raise SettingsError(
            [
                "cloudflare:email: missing beside cloudflare:apiKey. Set it with: pulumi config set cloudflare:email <address>"
            ]
        )
    else:
        raise SettingsError(
            [
                "cloudflare:apiToken: missing. Set it with: pulumi config set --secret cloudflare:apiToken"
            ]
        )
    url = given("baseUrl", "CLOUDFLARE_BASE_URL") or _URL
    return Access(url=url.rstrip("/"), headers=headers)
