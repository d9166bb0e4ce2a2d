"""argoWeb.yml: cloudflared's configuration file."""

from cloudflared import refusing_unclean
from settings.model import Settings
from values.yaml_text import dump


def cloudflared_yml(settings: Settings, tunnel_id: str) -> str:
    """The file for every server of the stack; a line diff of it shows what changes.

    What leads to Caddy alone has no rule against unclean paths: Caddy refuses them.
    """
    rules = refusing_unclean(settings.ingress, settings.caddy.url)
    return dump(
        {
            "tunnel": tunnel_id,
            "credentials-file": f"{settings.nixos.data_dir}/{tunnel_id}.json",
            **settings.cloudflared,
            "ingress": [rule.as_yaml() for rule in rules],
        }
    )
