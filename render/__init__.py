"""Pure functions from settings to the text of each file on a server."""

from render.caddy import caddyfile, global_options
from render.cloudflared import cloudflared_yml
from render.credentials import credentials_json
from render.manifest import FileEntry, manifest, serving, teardown_manifest
from render.module import module_json

__all__ = [
    "FileEntry",
    "caddyfile",
    "cloudflared_yml",
    "credentials_json",
    "global_options",
    "manifest",
    "module_json",
    "serving",
    "teardown_manifest",
]
