"""The manifest: what the activation of a server reads on its standard input."""

from collections.abc import Sequence
from dataclasses import dataclass

from settings import Server, Settings


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """One staged file, as the server has to find and place it."""

    name: str
    mode: str
    """Octal, as `chmod` takes it."""
    owner: str
    """`user:group`"""
    sha256: str
    path: str


def manifest(settings: Settings, server: Server, *, owner: str, files: Sequence[FileEntry]) -> str:
    """Lines of `key value`; a line diff of it shows what a deployment changes.

    No value holds a newline, no path a blank: the settings refuse both.
    """
    lines = [
        f"owner {owner}",
        f"config-dir {settings.nixos.config_dir}",
        f"data-dir {settings.nixos.data_dir}",
        f"caddy-unit {settings.caddy.unit}",
        *(f"instance {each.unit} {each.metrics}" for each in settings.instances),
        f"health-timeout {settings.health.timeout}",
        *(f"health-url {url}" for url in settings.health.urls),
    ]
    rebuild = server.rebuild
    if rebuild.flake is not None:
        lines.append(f"flake {rebuild.flake}")
    if rebuild.build_host is not None:
        lines.append(f"build-host {rebuild.build_host}")
    lines += [f"rebuild-arg {word}" for word in rebuild.args]
    lines += [
        f"file {file.name} {file.mode} {file.owner} {file.sha256} {file.path}" for file in files
    ]
    return "\n".join(lines) + "\n"
