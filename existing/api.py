"""Reads from Cloudflare's API, with as few requests as possible.

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

import pulumi

from existing.refusals import read_refusal
from settings import Access
from settings.looked_up import API_REFUSED
from values.findings import Finding, Kind, Severity
from values.remedies import Remedy

PER_PAGE = 5000
"""Records a page: one page for all but the largest zones (the API allows up to 5 000 000)."""
ATTEMPTS = 3
TIMEOUT = 30
"""Seconds that one attempt may go without an answer."""
_PAUSE = 1.0
"""Seconds before the second attempt; before each further one twice as long."""
_LONGEST_WAIT = 300.0
"""Seconds that one request waits in all: as long as the API refuses whoever has asked too often."""
_UNSAID = 5.0
"""Seconds of a wait that needs no word."""
_NEEDED = "A preview needs Cloudflare's API"
_UNREACHABLE = f"{_NEEDED}: check the network, then run it again."
_FAULTY = f"{_NEEDED}, which has a fault of its own: see https://www.cloudflarestatus.com, then run it again."
_BUSY = f"{_NEEDED}, which takes 1,200 requests of a user in five minutes: run it again later."
_AGENT = {"User-Agent": "argoweb"}
"""Cloudflare's Browser Integrity Check answers urllib's own name with 403 and `error code: 1010`."""


class ApiError(Exception):
    """Something could not be read, or stands in the stack's way."""

    def __init__(
        self, text: str, remedy: Remedy = "", *, place: str = "", kind: Kind = API_REFUSED
    ) -> None:
        """`place` is the key of the stack file that it is about."""
        self.finding = Finding(
            kind=kind, place=place, text=text, remedy=remedy, severity=Severity.ERROR
        )
        super().__init__(self.finding.message)

    def place_at(self, place: str) -> "ApiError":
        """Gives the same error about a key of the stack file."""
        it = self.finding
        return ApiError(it.text, it.remedy, place=place, kind=it.kind)


class NotThere(ApiError):
    """The API answers 404: what was asked for does not exist."""


class NoAnswer(ApiError):
    """The API has answered nothing, or has a fault of its own, however often it was asked."""


class Forbidden(ApiError):
    """The API answers that these credentials may not."""


_KINDS = {401: Forbidden, 403: Forbidden, 404: NotThere}
"""The error of an HTTP status."""


class Api:
    """Cloudflare's API, read with the stack's own token."""

    def __init__(
        self,
        access: Access,
        *,
        attempts: int = ATTEMPTS,
        timeout: float = TIMEOUT,
        longest_wait: float = _LONGEST_WAIT,
    ) -> None:
        self._access = access
        self._attempts, self._timeout, self._longest_wait = attempts, timeout, longest_wait

    def read_one(self, path: str, permission: str) -> dict[str, Any]:
        """Reads one object: `path` is below the API's address, `permission` is what the token needs for it.

        Raises:
            NotThere: there is none.
            ApiError: it cannot be read.
        """
        found: dict[str, Any] = self._get(f"{self._access.url}/{path}", permission)["result"]
        return found

    def read_list(self, path: str, permission: str, **query: str | int) -> list[dict[str, Any]]:
        """Reads all items of a list, whose path and permission are given as to `read_one`.

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

    def may_change(self, path: str, method: str = "PATCH") -> bool:
        """Whether the token may change things at a path: asked by an empty change of one that does not exist.

        Raises:
            ApiError: the API does not tell.
        """
        url = f"{self._access.url}/{path}"
        try:
            self._ask_once(url, "", method=method, body=b"{}")
        except _Passing as fault:
            raise NoAnswer(f"{method} {url}: {fault}.", fault.advice) from None
        except ApiError as error:
            return not isinstance(error, Forbidden)
        return True

    def _get(self, url: str, permission: str) -> dict[str, Any]:
        left = self._longest_wait
        for attempt in range(1, self._attempts + 1):
            pause = _PAUSE * 2 ** (attempt - 1)
            try:
                return self._ask_once(url, permission)
            except _Passing as fault:
                problem, advice = str(fault), fault.advice
                if fault.retry_after is not None:
                    pause = fault.retry_after
            if attempt == self._attempts or pause > left:
                break
            if pause > _UNSAID:
                pulumi.log.info(
                    f"GET {url}: {problem}. Waiting for {pause:.0f} s, as the API asks."
                )
            left -= pause
            time.sleep(pause)
        raise NoAnswer(f"GET {url}: {problem}, {_count_times(attempt)}.", advice)

    def _ask_once(
        self, url: str, permission: str, *, method: str = "GET", body: bytes | None = None
    ) -> dict[str, Any]:
        """Sends one request and gives the answer.

        Raises:
            ApiError: it is refused, or cannot be sent.
            _Passing: it may be answered in a moment.
        """
        typed = {} if body is None else {"Content-Type": "application/json"}
        headers = {**_AGENT, **typed, **self._access.headers}
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                answer: dict[str, Any] = json.loads(response.read())
                return answer
        except urllib.error.HTTPError as error:
            said = read_refusal(
                error.code, error.reason, error.headers["Retry-After"], _read_body(error)
            )
            if said.is_busy:
                raise _Passing(str(said), _BUSY, said.retry_after) from None
            if said.passes:
                raise _Passing(str(said), _FAULTY, said.retry_after) from None
            kind = _KINDS.get(error.code, ApiError)
            advice = said.advise(self._access, permission)
            raise kind(f"{method} {url}: {said}.", advice) from None
        except (OSError, HTTPException) as error:
            raise _Passing(str(getattr(error, "reason", error)), _UNREACHABLE) from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise _Passing("an answer that is no JSON", _UNREACHABLE) from None
        except ValueError:  # the error's text may have the header with the token
            raise ApiError(
                f"GET {url}: the request cannot be sent.",
                "Correct cloudflare:apiToken, or apiKey and email.",
            ) from None


class _Passing(Exception):
    """The API does not answer now; the text says why."""

    def __init__(self, problem: str, advice: str, retry_after: float | None = None) -> None:
        super().__init__(problem)
        self.advice = advice
        self.retry_after = retry_after


def _count_times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _read_body(error: urllib.error.HTTPError) -> bytes:
    """Reads the body of a refusal; empty if the connection breaks off."""
    try:
        return error.read()
    except (OSError, HTTPException):
        return b""
