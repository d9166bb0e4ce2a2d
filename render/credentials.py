"""cloudflared's credentials file."""

import json


def render_credentials(account_id: str, tunnel_id: str, secret: str) -> str:
    """Writes the file as `cloudflared tunnel create` does; `secret` is base64 of at least 32 bytes."""
    return json.dumps(
        {"AccountTag": account_id, "TunnelSecret": secret, "TunnelID": tunnel_id, "Endpoint": ""}
    )
