"""argoWeb.yml: cloudflared's configuration file."""

from collections.abc import Mapping
from dataclasses import replace

from cloudflared import Rule, refuse_unclean
from settings.model.stack import Settings
from values.yaml_text import dump


def render_cloudflared_yml(
    settings: Settings, tunnel_id: str, audiences: Mapping[str, str] | None = None
) -> str:
    """Writes the file for every server of the stack; a line diff of it shows what changes.

    `audiences` has the audience of each Access application, by the URI that stands for it in the rules. What leads to
    Caddy alone has no rule against unclean paths: Caddy refuses them.
    """
    rules = refuse_unclean(
        [_add_audiences(rule, audiences or {}) for rule in settings.ingress], settings.caddy.url
    )
    return dump(
        {
            "tunnel": tunnel_id,
            "credentials-file": f"{settings.nixos.data_dir}/{tunnel_id}.json",
            **settings.cloudflared,
            "ingress": [rule.as_yaml() for rule in rules],
        }
    )


def _add_audiences(rule: Rule, audiences: Mapping[str, str]) -> Rule:
    access = rule.origin_request.get("access")
    if not isinstance(access, Mapping) or not audiences:
        return rule
    tags = [*dict.fromkeys(audiences.get(uri, uri) for uri in access.get("audTag", ()))]
    return replace(
        rule, origin_request={**rule.origin_request, "access": {**access, "audTag": tags}}
    )
