"""Pure functions from settings to the text of each file on a server."""

from render.caddy import global_options, render_caddyfile
from render.cloudflared import render_cloudflared_yml
from render.credentials import render_credentials
from render.manifest import FileEntry, render_manifest, render_teardown, serving
from render.module import render_module_json

__all__ = [
    "FileEntry",
    "global_options",
    "render_caddyfile",
    "render_cloudflared_yml",
    "render_credentials",
    "render_manifest",
    "render_module_json",
    "render_teardown",
    "serving",
]
