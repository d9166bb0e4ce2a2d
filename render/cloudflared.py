"""argoWeb.yml: cloudflared's configuration file."""

from ingress.yaml_text import dump
from settings.model import Settings


def cloudflared_yml(settings: Settings, tunnel_id: str) -> str:
    """The file for every server of the stack; a line diff of it shows what changes."""
    return dump(
        {
            "tunnel": tunnel_id,
            "credentials-file": f"{settings.nixos.data_dir}/{tunnel_id}.json",
            **settings.cloudflared,
            "ingress": [rule.as_yaml() for rule in settings.rules],
        }
    )
