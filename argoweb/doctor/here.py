"""Tries what a deployment needs on this machine: Pulumi, its packages, its plugins, and the backend of the state."""

import json
import os
import shutil
from importlib import metadata
from urllib.parse import urlsplit

from argoweb.errors import StackUnreadable
from argoweb.report import observe
from argoweb.stack import ask_pulumi, ask_pulumi_json
from settings import Settings
from values.findings import Finding

_PLUGINS = {
    "cloudflare": "pulumi-cloudflare",
    "command": "pulumi-command",
    "random": "pulumi-random",
}
"""Each plugin with the Python package whose version asks for it."""
_SECRETS = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


def try_pulumi() -> list[Finding]:
    """Tries Pulumi's command line, packages and plugins, and the state's backend with the way to its secrets."""
    try:
        version = ask_pulumi("version").strip()
    except StackUnreadable as error:
        return [observe("pulumi-missing", "pulumi", str(error))]
    lines = [observe("pulumi-missing", "pulumi", f"is {version}", passed=True)]
    return [*lines, *_try_plugins(), _try_backend()]


def try_programs(settings: Settings) -> list[Finding]:
    """Tries whether the programs are here by which `pulumi up` asks for the sites in the end."""
    missing = [name for name in ("sh", "curl") if settings.health.edge and not shutil.which(name)]
    return [observe("program-missing", "here", f"there is no `{name}` on PATH") for name in missing]


def _try_plugins() -> list[Finding]:
    installed = {
        (each["name"], each["version"]) for each in ask_pulumi_json("plugin", "ls", "--json")
    }
    lines: list[Finding] = []
    for name, package in _PLUGINS.items():
        try:
            wanted = metadata.version(package)
        except metadata.PackageNotFoundError:
            said = f"the Python package {package} is not installed"
            lines.append(observe("package-missing", "pulumi", said))
            continue
        there = (name, wanted) in installed
        said = f"the plugin {name} {wanted} is {'here' if there else 'not here yet'}"
        lines.append(observe("plugin-missing", "pulumi", said, passed=there))
    return lines


def _try_backend() -> Finding:
    try:
        found = json.loads(ask_pulumi("whoami", "--json"))
    except StackUnreadable as error:
        return observe("backend-unreachable", "state", str(error))
    passphrase = next((name for name in _SECRETS if name in os.environ), None)
    secrets = f"; the passphrase comes from {passphrase}" if passphrase else ""
    parts = urlsplit(found["url"])  # its user, password and query may be secret
    place = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
    said = f"is kept at {place} for {found['user']}{secrets}"
    return observe("backend-unreachable", "state", said, passed=True)
