"""A team's keys: what it signs with them, and what it takes for its own."""

import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from ..models import AccessObject, now
from ..store import Store
from . import organization

_KEPT_DAYS = 7
"""How long a key that was replaced is still good."""
_ALGORITHM = "RS256"


@dataclass(frozen=True)
class Team:
    """The team of an account, as its organization has it."""

    store: Store
    account_id: str

    @property
    def organization(self) -> AccessObject:
        return organization.of(self.store, self.account_id)

    @property
    def domain(self) -> str:
        """Such as example.cloudflareaccess.com."""
        return str(self.organization.body["auth_domain"])

    @property
    def issuer(self) -> str:
        return f"https://{self.domain}"

    def signed(self, kind: str, seconds: float, **claims: Any) -> str:
        """A token of a kind that is good for so long."""
        import jwt  # which takes a while to load

        key = self.keys()[0]
        issued = int(time.time())
        payload = {
            "type": kind,
            "iss": self.issuer,
            "iat": issued,
            "nbf": issued,
            "exp": issued + int(seconds),
            **claims,
        }
        kid = {"kid": key["kid"]}
        token: str = jwt.encode(payload, _private(key["pem"]), _ALGORITHM, headers=kid)
        return token

    def read(self, kind: str, token: str) -> dict[str, Any] | None:
        """The claims of a token of its own that has not expired; None for any other."""
        import jwt

        try:
            wanted = jwt.get_unverified_header(token).get("kid")
            for key in self.keys():
                if key["kid"] == wanted:
                    claims: dict[str, Any] = jwt.decode(
                        token,
                        _private(key["pem"]).public_key(),
                        algorithms=[_ALGORITHM],
                        issuer=self.issuer,
                        options={"verify_aud": False, "require": ["exp", "iss", "type"]},
                    )
                    return claims if claims["type"] == kind else None
        except jwt.InvalidTokenError:
            pass
        return None

    def certificates(self) -> dict[str, Any]:
        """What `/cdn-cgi/access/certs` answers: the keys that are good."""
        from jwt.algorithms import RSAAlgorithm

        keys, certificates = [], []
        for key in self.keys():
            public = RSAAlgorithm.to_jwk(_private(key["pem"]).public_key(), as_dict=True)
            common = {"kid": key["kid"], "alg": _ALGORITHM, "use": "sig"}
            keys.append({**common, **{name: public[name] for name in ("kty", "e", "n")}})
            certificates.append({"kid": key["kid"], "cert": key["certificate"]})
        return {"keys": keys, "public_cert": certificates[0], "public_certs": certificates}

    def rotate(self) -> None:
        """Signs with a new key from now on."""
        self._keep([_new_key(self.domain), *self.keys()[:1]])

    def keys(self) -> list[dict[str, Any]]:
        """The present one first."""
        keys: list[dict[str, Any]] = self.organization.hidden.get("keys", [])
        if not keys:
            keys = [_new_key(self.domain)]
            self._keep(keys)
        oldest = datetime.now(timezone.utc) - timedelta(days=_KEPT_DAYS)
        replaced = [key["made"] for key in keys[:-1]]
        good = [True, *(datetime.fromisoformat(made.replace("Z", "+00:00")) > oldest for made in replaced)]  # fmt: skip
        return [key for key, still in zip(keys, good, strict=True) if still]

    def _keep(self, keys: Collection[dict[str, Any]]) -> None:
        hidden = {**self.organization.hidden, "keys": list(keys)}
        self.store.put_access(replace(self.organization, hidden=hidden))


def _new_key(name: str) -> dict[str, Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    present = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(present)
        .not_valid_after(present + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return {
        "kid": secrets.token_hex(32),
        "made": now(),
        "pem": pem.decode(),
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    }


@cache
def _private(pem: str) -> Any:
    """A key, read once, since reading checks it, which takes a while."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem.encode(), None)
