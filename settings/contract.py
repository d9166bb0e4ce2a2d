"""What Python, the shell programs of remote/ and the Nix module call by one name; tests/test_names_in_common.py has every place."""

VERSION = "0.1.0"
"""The version of this program, which a server's manifest names; CHANGELOG.md has what is new in it."""
DEPLOY_FOLDER = "/var/lib/argoweb-deploy"
"""The server program's own folder, root's alone."""
STAGING = f"{DEPLOY_FOLDER}/staging"
"""Where files wait on the server until all of them are there."""
CONFIG_FOLDER, DATA_FOLDER = "/etc/caddy", "/var/lib/argoWeb"
"""Defaults of the folders of the pushed files and of the credentials."""
USER, PROXY_GROUP = "argoWeb", "caddyProxy"
"""cloudflared's user, which is its group too, and the default of the group that it joins."""
YML, JSON, CADDY, MODULE, CUSTOM = (
    "argoWeb.yml", "argoWeb.json", "argoWeb.caddy", "argoWeb.nix", "cloudflared-custom.nix",
)  # fmt: skip
"""The pushed files: cloudflared's configuration, the module's values, Caddy's sites, the module, a cloudflared of one's own."""
CLOUDFLARED_UNITS = ("argoWeb", "argoWeb-2")
"""The units of the module, in the order in which they are restarted."""
METRICS = "127.0.0.1:20251"
"""Fixed so that the health check finds it, and none of 20241 to 20245, of which every other cloudflared takes a free one."""
