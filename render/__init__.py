"""Pure functions from settings to the text of each file on a server."""

from render.caddy import render_caddyfile, render_global_options
from render.cloudflared import render_cloudflared_yml
from render.credentials import render_credentials
from render.manifest import FileEntry, render_manifest, render_serving, render_teardown
from render.module import render_module_json

__all__ = [
    "FileEntry",
    "render_caddyfile",
    "render_cloudflared_yml",
    "render_credentials",
    "render_global_options",
    "render_manifest",
    "render_module_json",
    "render_serving",
    "render_teardown",
]
