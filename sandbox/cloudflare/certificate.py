"""The certificates of the edge, the teams and the zones, under an authority that lives as long as the sandbox."""

import ssl
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

NAMES = ("h2.cftunnel.com", "quic.cftunnel.com", "probe.cftunnel.com")
"""What cloudflared expects the edge to be, over HTTP/2, over QUIC and in its checks before the start."""
TEAMS = "*.cloudflareaccess.com"
"""What it expects a team's keys to be at."""
AUTHORITY, CERTIFICATE, KEY = "edge-ca.pem", "edge.pem", "edge-key.pem"
"""The files; the key is for the owner only."""
_AUTHORITY_NAME = "argoweb sandbox"
_VALID_DAYS = 365


class Authority:
    """Signs certificates as long as it is in memory."""

    def __init__(self, folder: Path) -> None:
        # Who only starts the sandbox needs not wait for the package, which takes a while to load.
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        self._folder = folder
        self._made = ec.generate_private_key(ec.SECP256R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        folder.mkdir(parents=True, exist_ok=True)
        root = (
            _begun(_AUTHORITY_NAME, self._made)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._made, hashes.SHA256())
        )
        (folder / AUTHORITY).write_bytes(root.public_bytes(serialization.Encoding.PEM))
        (folder / KEY).touch(mode=0o600)
        (folder / KEY).write_bytes(
            self._key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.write(CERTIFICATE, *NAMES, TEAMS)

    def write(self, file: str, *names: str) -> None:
        """A certificate for names, with the one key that all have."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import ExtendedKeyUsageOID

        known = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        leaf = (
            _begun(names[0], self._key)
            .add_extension(known, critical=False)
            .add_extension(usage, critical=False)
            .sign(self._made, hashes.SHA256())
        )
        (self._folder / file).write_bytes(leaf.public_bytes(serialization.Encoding.PEM))

    def context(self, file: str) -> ssl.SSLContext:
        """What serves by a certificate that was written."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / file, self._folder / KEY)
        return context

    def universal(self, zone_of: Callable[[str], str | None]) -> ssl.SSLContext:
        """What serves visitors as Universal SSL does: by a certificate for the hostname's zone and one label below it.

        `zone_of` gives the zone of a hostname; of others nothing is known.
        """
        contexts: dict[str, ssl.SSLContext] = {}

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            zone = zone_of(name or "")
            if name is None or zone is None or name.removesuffix(zone).count(".") > 1:
                return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
            if zone not in contexts:
                self.write(f"zone-{zone}.pem", zone, f"*.{zone}")
                contexts[zone] = self.context(f"zone-{zone}.pem")
            connection.context = contexts[zone]
            return None

        first = self.context(CERTIFICATE)
        first.sni_callback = choose
        return first


def _begun(subject: str, key: "ec.EllipticCurvePrivateKey") -> "x509.CertificateBuilder":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(_AUTHORITY_NAME))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_VALID_DAYS))
    )
