"""What Python, shell and Nix call by one name is written once for Python, and stands in these other files and no more."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cloudflared.flags import SETTINGS
from settings import contract
from settings.checks import paths
from settings.reading.build import build

ROOT = Path(__file__).resolve().parent.parent
_ROOMS = ("argoweb", "cloudflared", "components", "existing", "importing", "nixos", "remote", "render", "settings")  # fmt: skip
_SCRIPTS = ("argoweb/kinds.py", "argoweb/programs.py", "argoweb/commands/init.py", "argoweb/doctor/servers.py")  # fmt: skip
"""Where a command line shows a name to people, or asks a server by it."""
PLACES: dict[str, set[str]] = {
    contract.DEPLOY_FOLDER: {"nixos/argoWeb.nix", "remote/common.sh"},
    contract.CONFIG_FOLDER: set(),
    contract.DATA_FOLDER: set(),
    contract.PROXY_GROUP: set(),
    contract.YML: {"remote/differences.sh", "remote/health.sh", "remote/plan.sh", "remote/validate.sh"},
    contract.JSON: {"nixos/argoWeb.nix", "remote/common.sh", "remote/plan.sh"},
    contract.CADDY: {"remote/activate.sh", "remote/caddy.sh", "remote/plan.sh", "remote/ports.sh", "remote/validate.sh"},
    contract.MODULE: {"nixos/argoWeb.nix", "remote/deactivate.sh", "remote/doctor.sh", "remote/plan.sh", "remote/validate.sh"},
    contract.CUSTOM: {"nixos/argoWeb.nix", "remote/plan.sh"},
    contract.CLOUDFLARED_UNITS[1]: {"nixos/argoWeb.nix"},
    contract.METRICS: {"cloudflared/flags.py"},
}  # fmt: skip


def text(file: str) -> str:
    return (ROOT / file).read_text()


@pytest.mark.parametrize("name", PLACES)
def test_a_name_in_common_stands_where_it_is_known_to_stand(name: str) -> None:
    listed = subprocess.run(
        ["git", "ls-files", *_ROOMS], cwd=ROOT, check=True, capture_output=True, text=True
    )
    word = re.compile(re.escape(name) + r"(?![\w.-])")
    found = set()
    for file in listed.stdout.split():
        if file.endswith((".py", ".sh", ".nix")) and file != "settings/contract.py":
            # A module's own words about itself may name what it is about.
            body = re.sub(r'\A"""(?s:.*?)"""|(?m:^\s*""".*"""$)', "", text(file))
            if word.search(body):
                found.add(file)

    assert found - {*_SCRIPTS} == PLACES[name]


def test_the_names_of_the_module_and_of_the_shell_programs_are_those_of_the_stack_file() -> None:
    module = text("nixos/argoWeb.nix")

    assert f'user = "{contract.USER}";' in module
    assert f'second = "{contract.CLOUDFLARED_UNITS[1]}";' in module
    assert f"readonly ROOT={contract.DEPLOY_FOLDER} " in text("remote/common.sh")
    assert contract.STAGING.removeprefix(contract.DEPLOY_FOLDER) + "/" in text("remote/launch.sh")
    assert SETTINGS.keys["metrics"].otherwise == contract.METRICS


def test_what_systemd_hides_is_what_the_check_of_paths_knows() -> None:
    module = text("nixos/argoWeb.nix")

    assert "ProtectHome = true;" in module
    assert "PrivateTmp = true;" in module
    assert paths.HIDDEN == ("/home", "/root", "/run/user", "/tmp", "/var/tmp")


def test_the_state_is_read_by_the_types_that_are_registered() -> None:
    registered = "".join(text(str(file)) for file in ROOT.glob("components/*.py"))
    types = re.findall(r'"((?:cloudflare|argoweb):index[^"]*)"', text("existing/state.py"))

    assert len(types) >= 3
    assert [each for each in types if f'"{each}"' not in registered] == []


@pytest.mark.parametrize(
    "version",
    ["2026.8.0", "2026.8.1", "v2026.8.1-4-gabc", "2026.8.2", "2026.8.10", "12026.8.1", "2026.8.1.2", "2025.8.1", "DEV"],
)  # fmt: skip
def test_a_release_is_bad_for_the_preview_as_for_the_server(
    prod: dict[str, Any], version: str
) -> None:
    package = {
        "url": "https://x/y",
        "rev": "main",
        "hash": f"sha256-{'A' * 43}=",
        "version": version,
    }
    previewed = build({**prod, "package": package}, deployment="argoweb/test").warnings
    program = f'{text("remote/units.sh")}\nknown_fault "$1"'
    told = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", program, "units.sh", version],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert ("bad-release" in {each.code for each in previewed}) is bool(told)
