"""The manifests: what a server's activation and its teardown read on their standard input."""

from collections.abc import Sequence
from dataclasses import dataclass

from settings import Rebuild, Settings
from settings.contract import VERSION
from settings.keys.stack import BY_CADDY, BY_CLOUDFLARED
from settings.model.unit_paths import list_paths_of_caddy, list_paths_of_cloudflared, list_roots
from settings.on_servers import CODES


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


def _list_read_by_units(settings: Settings) -> Sequence[str]:
    """Names the files that have to be on the server for cloudflared's and Caddy's own users, each once."""
    used = [
        *list_paths_of_cloudflared(settings.sites, settings.cloudflared, settings.caddy),
        *list_paths_of_caddy(settings.sites, settings.caddy),
    ]
    return list(dict.fromkeys(f"reads {each.program} {each.path}" for each in used if each.is_file))


def render_serving(settings: Settings) -> Sequence[str]:
    """Writes the lines that are the same for every server of a stack: the program's version, places, units, and what must hold afterwards."""
    return [
        f"argoweb {VERSION}",
        f"config-dir {settings.nixos.config_dir}",
        f"data-dir {settings.nixos.data_dir}",
        f"caddy-unit {settings.caddy.unit}",
        f"proxy-group {settings.caddy.group}",
        *(f"instance {each.unit} {each.metrics}" for each in settings.instances),
        f"tunnel-secret {'made' if settings.tunnel.secret is None else 'imported'}",
        f"grace-period {settings.grace_period}",
        f"routing {BY_CADDY if settings.caddy.routes else BY_CLOUDFLARED}",
        f"health-timeout {settings.health.timeout}",
        f"pause {settings.rollout.pause}",
        *(f"health-url {url}" for url in settings.health.urls),
        *(
            f"health-site {settings.caddy.address} {site.hostname} {site.url}"
            for site in settings.health.sites
        ),
        *_list_read_by_units(settings),
        *(f"root {hostname} {path}" for path, hostname in list_roots(settings.sites).items()),
        *(f"accept {code}" for code in sorted(CODES.intersection(settings.accept))),
    ]


def render_manifest(
    serving: Sequence[str], rebuild: Rebuild, *, owner: str, files: Sequence[FileEntry]
) -> str:
    """Writes lines of `key value`, the last one `end`; a line diff of it shows what a deployment changes.

    No value holds a newline or has a blank at an end: the settings refuse both.
    """
    listed = [
        f"file {file.name} {file.mode} {file.owner} {file.sha256} {file.path}" for file in files
    ]
    return _end([*_write_rebuild(rebuild, owner), *serving, *listed])


def render_teardown(rebuild: Rebuild, *, owner: str) -> str:
    """Writes the manifest of a teardown, which finds that of what is live on the server itself."""
    return _end(_write_rebuild(rebuild, owner))


def _write_rebuild(rebuild: Rebuild, owner: str) -> list[str]:
    lines = [f"owner {owner}"]
    if rebuild.flake is not None:
        lines.append(f"flake {rebuild.flake}")
    if rebuild.build_host is not None:
        lines.append(f"build-host {rebuild.build_host}")
    return [*lines, *(f"rebuild-arg {word}" for word in rebuild.args)]


def _end(lines: Sequence[str]) -> str:
    return "\n".join([*lines, "end"]) + "\n"
