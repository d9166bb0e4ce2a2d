"""argoWeb.json: the values that the NixOS module reads."""

import json

from render.caddy import render_global_options
from settings.contract import YML
from settings.model.stack import Settings


def render_module_json(settings: Settings, tunnel_id: str) -> str:
    """Writes the file, its keys sorted, so that equal settings give equal text."""
    nixos, package = settings.nixos, settings.package
    values = {
        "enable": True,
        "tunnelId": tunnel_id,
        "config": f"{nixos.config_dir}/{YML}",
        "dataDir": nixos.data_dir,
        "proxyGroup": settings.caddy.group,
        "metrics": settings.instances[0].metrics,
        "secondMetrics": settings.instances[1].metrics if len(settings.instances) > 1 else None,
        "gracePeriod": settings.grace_period,
        "allowUnfree": nixos.allow_unfree,
        "caddy": {
            "manage": settings.caddy.manage,
            "unit": settings.caddy.unit,
            "user": settings.caddy.user,
            "globalConfig": render_global_options(settings.caddy),
            # A pattern: Caddy takes one without a match in silence, but stops at a missing file.
            "import": f"{nixos.config_dir}/argoWeb.cadd?",
        },
        "package": package
        and {
            "url": package.url,
            "rev": package.rev,
            "hash": package.hash,
            "vendorHash": package.vendor_hash,
            "version": package.version,
        },
    }
    return json.dumps(values, indent=2, sort_keys=True) + "\n"
