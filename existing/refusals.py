"""Reads what Cloudflare's API says when it refuses a request, and knows what helps.

Codes and texts are those that users of the API report; Cloudflare documents none of them.
"""

import json
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from settings import Access

_SHOWN = 300
"""Characters of an answer that is not the API's own."""
_BUSY = 429
_FORBIDDEN = (401, 403)
_UNKNOWN = (
    "Cloudflare does not know the {named}: it was mistyped, rolled or deleted, or has expired. Make one in the dashboard "
    "(My Profile, API Tokens), and set it again."
)
_TOKENS_PLACE = (
    "An API token belongs into cloudflare:apiToken, or the variable CLOUDFLARE_API_TOKEN."
)

ADVICE: tuple[tuple[int, str, str], ...] = (
    (6111, "", "The {named} cannot be one. Set it again, without 'Bearer', quotes and line ends."),
    (6103, "", f"The {{named}} cannot be one. Set it again. {_TOKENS_PLACE}"),
    (6102, "", "The address of cloudflare:email cannot be one. Set it again."),
    (9103, "", f"No user has this key and address. Correct cloudflare:apiKey and cloudflare:email. {_TOKENS_PLACE}"),
    (
        9109,
        "location",
        "The {named} may be used from some addresses only, and this machine's is none of them. Add it to the token's "
        "Client IP Address Filtering in the dashboard, or run pulumi where it may be used.",
    ),
    (
        9109,
        "auth failures",
        "Too many requests had wrong credentials, so that Cloudflare refuses all for some minutes. Correct the {named}, "
        "and wait.",
    ),
    (9109, "", _UNKNOWN),
    (1000, "", _UNKNOWN),
    (10000, "", "The {named} is wrong or has expired, or {owner} needs the permission {permission}."),
    (9999, "not_enabled", "The account has no Zero Trust organisation yet: choose a team name and a plan in the dashboard (Zero Trust)."),
    (7003, "", "The account or zone in this address does not exist, or the {named} does not reach it. Correct the id."),
)  # fmt: skip
"""Code, a part of the API's text, and what to do; the first row that fits counts. In braces: what the credentials are
called, whose permissions they have, and the permission that the request takes."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer of the API with an HTTP status from 400 on."""

    status: int
    reason: str
    errors: tuple[tuple[int, str], ...]
    """Code and text of each error, one that was caused by another before its cause; empty: it is not the API's own."""
    text: str
    """The whole answer."""
    retry_after: float | None
    """Seconds after which the API wants to be asked again, where it says so."""

    def __str__(self) -> str:
        said = ": ".join(f"{text} ({code})" for code, text in self.errors)
        return f"{self.status} {said or f'{self.reason} {self.text}'.rstrip()}"

    @property
    def is_busy(self) -> bool:
        """Whether there were too many requests."""
        return self.status == _BUSY

    @property
    def passes(self) -> bool:
        """Whether the same request may be answered in a moment."""
        return self.is_busy or self.status >= 500

    def advise(self, access: Access, permission: str) -> str:
        """Gives advice on a refusal, in whole sentences; empty where none is known."""
        owner = "its user" if access.is_key else "it"
        words = {"named": access.named, "owner": owner, "permission": permission}
        for code, part, advice in ADVICE:
            if any(code == each and part in text.lower() for each, text in self.errors):
                return advice.format_map(words)
        if self.status not in _FORBIDDEN:
            return ""
        if not self.errors:
            return (
                "This is no answer of the API: something before it refuses the request, a proxy for instance. "
                "Check cloudflare:baseUrl and this machine's way out."
            )
        return f"The {access.named} is not enough: {owner} needs the permission {permission}."


def read_refusal(status: int, reason: str, retry_after: str | None, body: bytes) -> Refusal:
    """Reads an HTTP answer with a status from 400 on."""
    text = body.decode(errors="replace")
    try:
        errors = tuple(
            (int(each["code"]), str(each["message"]))
            for error in json.loads(text)["errors"]
            for each in (error, *error.get("error_chain", ()))
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        errors = ()
    return Refusal(
        status=status,
        reason=reason,
        errors=errors,
        text=" ".join(text.split())[:_SHOWN],
        retry_after=_read_seconds(retry_after),
    )


def _read_seconds(value: str | None) -> float | None:
    """Gives the seconds that a `Retry-After` asks for, as a number or by a date (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, until.timestamp() - time.time())
