"""Reads `argoweb:tunnel`: a new tunnel, or one that was made by hand."""

import base64
import json
from typing import Any

from settings.model.stack import TunnelSettings
from values.findings import Findings, Kind
from values.remedies import RemoveKey, SetKey

TUNNEL_SECRET = Kind(
    "tunnel-secret", "The secret of an imported tunnel is not the one that it needs."
)
_SECRET = "argoweb:tunnelSecret"
_LEAST_BYTES = 32
"""Cloudflare's API refuses a shorter secret of a tunnel."""
_AROUND = "\ufeff \t\r\n"
"""What may stand around the text of a file, such as the byte order mark of editors on Windows."""


def read_tunnel(
    value: dict[str, Any],
    secret: str | None,
    account_id: str | None,
    deployment: str,
    region: object,
    findings: Findings,
) -> TunnelSettings:
    """Reads the tunnel; `secret` is what was set for an imported one: its credentials file, or the secret in it."""
    import_id, version = value.get("importId"), value["secretVersion"]
    default = None if import_id else deployment.replace("/", "-")
    if import_id is None and secret is not None:
        findings.add(
            TUNNEL_SECRET,
            _SECRET,
            "is for an imported tunnel.",
            ("Set its UUID too: ", SetKey("argoweb:tunnel.importId", "<UUID>")),
        )
    if import_id is not None and version > 1 and secret is not None:
        findings.add(
            TUNNEL_SECRET,
            _SECRET,
            f"is the old secret, but argoweb:tunnel.secretVersion {version} asks for a new one.",
            ("Remove it: ", RemoveKey(_SECRET)),
        )
    return TunnelSettings(
        name=value.get("name", default),
        secret_version=version,
        protect=value["protect"],
        import_id=import_id,
        secret=secret
        and _check_secret(secret.strip(_AROUND), import_id, account_id, region, findings),
    )


def _check_secret(
    text: str, import_id: str | None, account_id: str | None, region: object, findings: Findings
) -> str | None:
    """Gives the secret alone, base64; no message ever shows anything of it."""
    name = import_id or "<UUID>"
    how = SetKey(_SECRET, f"{name}.json", secret=True, from_file=True)
    if text.startswith("{"):
        try:
            file = json.loads(text)
            text, found = str(file["TunnelSecret"]), (file["TunnelID"], file["AccountTag"])
        except (ValueError, LookupError):
            text = "is no credentials file of a tunnel."
            findings.add(TUNNEL_SECRET, _SECRET, text, ("Set it with: ", how))
            return None
        endpoint = file.get("Endpoint")
        if endpoint and endpoint != region:
            findings.add(
                TUNNEL_SECRET,
                _SECRET,
                f"is bound to the region '{endpoint}' (Endpoint), which argoweb takes from its own key.",
                ("Set it too: ", SetKey("argoweb:cloudflared.region", endpoint)),
            )
        for given, expected, key in zip(
            found, (import_id, account_id), ("tunnel.importId", "accountId"), strict=True
        ):
            if expected and given != expected:
                findings.add(
                    TUNNEL_SECRET,
                    _SECRET,
                    f"is the credentials file of '{given}', but argoweb:{key} is '{expected}'.",
                )
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        content = b""
    if _is_token(content):
        findings.add(
            TUNNEL_SECRET,
            _SECRET,
            "is a token, expected the tunnel's credentials file.",
            (
                f"Get it with: cloudflared tunnel token --cred-file {name}.json {name}. Set it with: ",
                how,
            ),
        )
    elif len(content) < _LEAST_BYTES:
        text = f"is no base64 text of at least {_LEAST_BYTES} bytes."
        findings.add(TUNNEL_SECRET, _SECRET, text, ("Set it with: ", how))
    return text


def _is_token(content: bytes) -> bool:
    """Whether a text is what `cloudflared tunnel token` prints: account, tunnel and secret as `a`, `t` and `s`."""
    try:
        found = json.loads(content)
    except ValueError:
        return False
    return isinstance(found, dict) and "s" in found
