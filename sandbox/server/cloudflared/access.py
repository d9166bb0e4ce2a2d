"""The check of Access's tokens, as the real one's `ingress/middleware/jwtvalidator.go` has it.

It reads one header and no cookie. What cannot be verified is an error, which the edge tells as 502; a request without
a token, or with one of another application, is refused with 403.
"""

import asyncio
import base64
import hashlib
import json
import time
import urllib.request
from typing import Any

from sandbox.cloudflare.http import BadHttp, Head

HEADER = "Cf-Access-Jwt-Assertion"
_ISSUERS = {"fed": "https://{}.fed.cloudflareaccess.com"}
_ISSUER = "https://{}.cloudflareaccess.com"
_LEEWAY_BEFORE = 300.0
"""Seconds that a token may be ahead of its time; for its end there are none."""
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a digest of SHA-256 in a signature (RFC 8017, 9.2)."""

_URL_SAFE = str.maketrans("-_+/", "+/!!")
"""From the alphabet of tokens to that of Python's decoder, which knows no exclamation mark."""

Json = dict[str, Any]


class Unverified(BadHttp):
    """A token cannot be verified, or the keys for it not be had."""


class Validator:
    """The check of one rule; the keys are fetched when they are needed, and kept without end."""

    def __init__(self, access: Json) -> None:
        team, environment = access.get("teamName") or "", access.get("environment") or ""
        self._issuer = _ISSUERS.get(environment, _ISSUER).format(team)
        self._audiences = access.get("audTag") or []
        self._keys: list[Json] = []
        self._fetching: asyncio.Task[None] | None = None

    async def refusal(self, head: Head) -> str | None:
        """Why a request is refused; None when it may go on.

        Raises:
            Unverified: there is a token, and it is not good.
        """
        token = next((value for name, value in head.headers if name.lower() == HEADER.lower()), "")
        if not token:
            return "no access token in request"
        claims = await self._claims(token)
        given = claims.get("aud") or []
        audiences = [given] if isinstance(given, str) else given
        if set(audiences) & set(self._audiences):
            return None
        return f"Invalid token in jwt: [{' '.join(map(str, audiences))}]"

    async def _claims(self, token: str) -> Json:
        """What a good token says."""
        try:
            parts = token.split(".")
            header, claims = (json.loads(_decoded(part)) for part in parts[:2])
            signature = _decoded(parts[2])
            signed = f"{parts[0]}.{parts[1]}".encode("ascii")
            kid, algorithm = header.get("kid") or "", header["alg"]
            issuer, ends, begins = claims.get("iss"), claims.get("exp", 0), claims.get("nbf", 0)
            early = begins > time.time() + _LEEWAY_BEFORE
            late = ends < time.time()
        except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
            raise Unverified(f"oidc: malformed jwt: {error}") from error
        if len(parts) != 3 or algorithm != "RS256":
            raise Unverified("oidc: malformed jwt: unexpected signature algorithm")
        if not self._is_signed(kid, signed, signature):
            await self._fetch()
            if not self._is_signed(kid, signed, signature):
                raise Unverified("failed to verify signature: failed to verify id token signature")
        if issuer != self._issuer:
            raise Unverified("oidc: id token issued by a different provider")
        if late:
            raise Unverified("oidc: token is expired")
        if early:
            raise Unverified("oidc: current time before the nbf (not before) time")
        found: Json = claims
        return found

    def _is_signed(self, kid: str, signed: bytes, signature: bytes) -> bool:
        keys = [key for key in self._keys if kid in ("", key.get("kid"))]
        return any(_verifies(key, signed, signature) for key in keys)

    async def _fetch(self) -> None:
        """New keys; several requests wait for one answer. What fails leaves the old ones."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetched())
        try:
            await asyncio.shield(self._fetching)
        except (OSError, ValueError) as error:
            raise Unverified(f"failed to verify signature: fetching keys oidc: {error}") from error

    async def _fetched(self) -> None:
        try:
            url = f"{self._issuer}/cdn-cgi/access/certs"
            answer = await asyncio.to_thread(_read, url)
            self._keys = [key for key in json.loads(answer)["keys"] if key.get("kty") == "RSA"]
        finally:
            self._fetching = None


def _read(url: str) -> bytes:
    """What is there; the environment's certificates and proxy count, as they do for the real one."""
    with urllib.request.urlopen(url) as answer:
        content: bytes = answer.read()
    return content


def _verifies(key: Json, signed: bytes, signature: bytes) -> bool:
    """RSASSA-PKCS1-v1_5 with SHA-256, by the public key alone: there is no library for it on the server."""
    modulus, exponent = (int.from_bytes(_decoded(key[name]), "big") for name in ("n", "e"))
    size = (modulus.bit_length() + 7) // 8
    content = _SHA256 + hashlib.sha256(signed).digest()
    wanted = b"\x00\x01" + b"\xff" * (size - len(content) - 3) + b"\x00" + content
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= modulus:
        return False
    return pow(number, exponent, modulus).to_bytes(size, "big") == wanted


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.translate(_URL_SAFE) + "=" * (-len(text) % 4), validate=True)
