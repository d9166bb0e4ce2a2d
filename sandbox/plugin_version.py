"""Tells which version of a plugin the installed SDK of a provider belongs to."""

import importlib.metadata
import json
from pathlib import Path


def plugin_version(name: str) -> str:
    """Reads the version from the SDK's own description of the plugin."""
    described = importlib.metadata.distribution(f"pulumi-{name}").locate_file(
        f"pulumi_{name}/pulumi-plugin.json"
    )
    return str(json.loads(Path(str(described)).read_text())["version"])
