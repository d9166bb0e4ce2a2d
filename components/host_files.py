"""Renders the files that a server gets."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pulumi

from components.nixos_host import OF_SECRETS, HostFile
from render import render_caddyfile, render_cloudflared_yml, render_module_json
from settings import Settings
from settings.contract import CADDY, CUSTOM, JSON, MODULE, USER, YML

_NIXOS = Path(__file__).resolve().parent.parent / "nixos"


def render_files(
    settings: Settings,
    tunnel_id: pulumi.Output[str],
    credentials: pulumi.Output[str],
    audiences: Mapping[str, pulumi.Input[str]],
) -> list[HostFile]:
    """Renders every file of the stack on each of its servers; the credentials are a secret.

    `audiences` has that of each Access application, by its URI.
    """
    nixos = settings.nixos

    def make_file(name: str, content: pulumi.Input[str]) -> HostFile:
        return HostFile(name=name, path=f"{nixos.config_dir}/{name}", content=content)

    def make_rendered(name: str, render: Callable[[Settings, str], str]) -> HostFile:
        return make_file(name, tunnel_id.apply(lambda uuid: render(settings, uuid)))

    asked_for = {uri: audiences[uri] for site in settings.sites for uri in site.passed}
    known = pulumi.Output.all(tunnel_id, pulumi.Output.all(**asked_for))
    files = [
        make_file(
            YML,
            known.apply(lambda found: render_cloudflared_yml(settings, found[0], found[1])),
        ),
        make_rendered(JSON, render_module_json),
        make_file(MODULE, (_NIXOS / MODULE).read_text()),
        make_file(CADDY, render_caddyfile(settings)),
    ]
    if settings.package is not None:
        files.append(make_file(CUSTOM, (_NIXOS / CUSTOM).read_text()))
    files.append(
        HostFile(
            name="credentials",
            path=pulumi.Output.format("{0}/{1}.json", nixos.data_dir, tunnel_id),
            content=credentials,
            mode=OF_SECRETS,
            owner=f"{USER}:{USER}",
        )
    )
    return files
