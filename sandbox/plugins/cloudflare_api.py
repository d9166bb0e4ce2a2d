"""Cloudflare's HTTP API as the official plugin calls it: cloudflare-go's requests, retries and errors."""

import json
import random
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from sandbox.plugins.base import Call, PluginError
from sandbox.plugins.cloudflare_bodies import Bodies

DEFAULT_URL = "https://api.cloudflare.com/client/v4"
_RETRIES = 10
_FIRST_DELAY, _LONGEST_DELAY = 2.0, 30.0
_RETRIED = {408, 409, 429}


class Api:
    """Cloudflare's HTTP API as cloudflare-go calls it."""

    def __init__(self) -> None:
        self.url = DEFAULT_URL
        self.token = ""
        self.bodies = Bodies()

    def call(
        self,
        call: Call,
        method: str,
        path: str,
        body: Any = None,
        query: dict[str, str] | None = None,
    ) -> Any:
        """The `result` of a call.

        Raises:
            Missing: 404.
            PluginError: any other refusal, after the retries.
        """
        url = f"{self.url}/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        for attempt in range(_RETRIES + 1):
            request = urllib.request.Request(
                url,
                method=method,
                data=None if body is None else json.dumps(body, sort_keys=True).encode(),
                headers={
                    "Authorization": f"Bearer {self.token}",
                    "Content-Type": "application/json",
                    "User-Agent": "terraform-provider-cloudflare",
                    "X-Stainless-Retry-Count": str(attempt),
                },
            )
            try:
                with urllib.request.urlopen(request) as response:
                    return json.loads(response.read() or b"{}").get("result")
            except urllib.error.HTTPError as error:
                text = error.read().decode()
                problem = f'{method} "{url}": {error.code} {error.reason} {text}'
                if not _retriable(error) or attempt == _RETRIES:
                    if error.code == 404:
                        raise Missing(problem) from None
                    raise PluginError(problem) from None
                delay = _delay(error, attempt)
            except OSError as error:
                problem = f'{method} "{url}": {error}'
                if attempt == _RETRIES:
                    raise PluginError(problem) from None
                delay = _backoff(attempt)
            if call.cancelled.wait(delay):
                raise PluginError(f"{problem}: cancelled")
        raise AssertionError("unreachable")


class Missing(PluginError):
    """The object is not there."""


def _retriable(error: urllib.error.HTTPError) -> bool:
    said = error.headers.get("x-should-retry")
    return (
        said == "true" if said in ("true", "false") else error.code in _RETRIED or error.code >= 500
    )


def _delay(error: urllib.error.HTTPError, attempt: int) -> float:
    if text := error.headers.get("Retry-After-Ms"):
        return float(text) / 1000
    if (text := error.headers.get("Retry-After")) and text.isdigit():
        return float(text)
    return _backoff(attempt)


def _backoff(attempt: int) -> float:
    longest: float = min(_LONGEST_DELAY, _FIRST_DELAY * 2**attempt)
    return longest * random.uniform(0.75, 1)
