"""Reading from Cloudflare's API, with as few requests as can be.

Not the SDK's functions: a list of theirs asks for pages until one is empty, so twice at least, and importing them takes
seconds.
"""

import json
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

from settings import Access

PER_PAGE = 5000
"""Records a page: one page for all but the largest zones (the API allows up to 5 000 000)."""
ATTEMPTS = 3
TIMEOUT = 30
"""Seconds that one attempt may go without an answer."""
_PAUSE = 1.0
"""Seconds before the second attempt; before each further one twice as long."""
_BUSY = 429
_REFUSED = (401, 403)
_NOT_FOUND = 404
_AGENT = {"User-Agent": "argoweb"}
"""Cloudflare's Browser Integrity Check answers urllib's own name with 403 and `error code: 1010`."""
_SHOWN = 300
"""Characters of an answer that is no JSON."""


class ApiError(Exception):
    """Something could not be read; the text says why and what to do."""


class NotThere(ApiError):
    """The API answers that there is no such thing."""


class Api:
    """Cloudflare's API, read with the stack's own token."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def one(self, path: str, permission: str) -> dict[str, Any]:
        """One thing: `path` below the API's address, `permission` what the token needs for it.

        Raises:
            NotThere: there is none.
            ApiError: it cannot be read.
        """
        found: dict[str, Any] = self._get(f"{self._access.url}/{path}", permission)["result"]
        return found

    def listed(self, path: str, permission: str, **query: str | int) -> list[dict[str, Any]]:
        """All items of a list, named and permitted as in `one`.

        Raises:
            ApiError: it cannot be read.
        """
        items: list[dict[str, Any]] = []
        page = pages = 1
        while page <= pages:
            given = urlencode({**query, **({"page": page} if page > 1 else {})})
            url = f"{self._access.url}/{path}" + (f"?{given}" if given else "")
            answer = self._get(url, permission)
            items += answer["result"]
            pages = (answer.get("result_info") or {}).get("total_pages") or 1
            page += 1
        return items

    def _get(self, url: str, permission: str) -> dict[str, Any]:
        request = urllib.request.Request(url, headers={**_AGENT, **self._access.headers})
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE * 2 ** (attempt - 1))
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                    answer: dict[str, Any] = json.loads(response.read())
                    return answer
            except urllib.error.HTTPError as error:
                problem = f"{error.code} {_reason(error)}"
                if error.code in _REFUSED:
                    raise ApiError(
                        f"GET {url}: {problem}. The token of cloudflare:apiToken needs the permission {permission}."
                    ) from None
                if error.code != _BUSY and error.code < 500:
                    kind = NotThere if error.code == _NOT_FOUND else ApiError
                    raise kind(f"GET {url}: {problem}.") from None
            except (OSError, HTTPException) as error:
                problem = str(getattr(error, "reason", error))
            except (json.JSONDecodeError, UnicodeDecodeError):
                problem = "an answer that is no JSON"
            except ValueError:  # its text may have a header
                raise ApiError(
                    f"GET {url}: the request cannot be sent. Correct cloudflare:apiToken, or apiKey and email."
                ) from None
        raise ApiError(
            f"GET {url}: {problem}, {ATTEMPTS} times. A preview needs Cloudflare's API: check the network, then run it again."
        )


def _reason(error: urllib.error.HTTPError) -> str:
    """What the API says, or else what HTTP says with the text of the answer."""
    try:
        text = error.read().decode(errors="replace")
    except OSError:
        text = ""
    try:
        errors = json.loads(text)["errors"]
        return "; ".join(f"{each['message']} ({each['code']})" for each in errors)
    except (ValueError, LookupError, TypeError):
        return f"{error.reason} {' '.join(text.split())[:_SHOWN]}".rstrip()
