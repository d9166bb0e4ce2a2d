"""The flake: its module with the values that were pushed, against the pushed module. nixpkgs itself was not tried."""

from pathlib import Path
from typing import Any

import pytest

from tests.nixos.test_module import NIXPKGS, ROOT, Server

UNIT = "config.systemd.services.argoWeb.serviceConfig.ExecStart"
INPUTS = "config.systemd.services.argoWeb-recover.unitConfig.X-Inputs"


def flake(attribute: str, nixpkgs: str = "{ }") -> str:
    """A Nix expression of what the flake gives."""
    return (
        f"((import {ROOT}/flake.nix).outputs {{ self = null; nixpkgs = {nixpkgs}; }}).{attribute}"
    )


@pytest.fixture
def server(tmp_path: Path, prod: dict[str, Any]) -> Server:
    """A server whose configuration has the module of the flake, and no other one."""
    pushed = Server(tmp_path)
    pushed.push(prod)
    (tmp_path / "configuration.nix").write_text(
        f'{{ ... }}: {{ imports = [ ({flake("lib.moduleFor")} "{tmp_path}") ]; }}'
    )
    return pushed


def test_its_module_makes_of_the_pushed_values_what_the_pushed_module_makes(
    server: Server, tmp_path: Path, prod: dict[str, Any]
) -> None:
    found = [server.evaluate(each) for each in (UNIT, INPUTS)]

    server.push(prod)
    assert found == [server.evaluate(each) for each in (UNIT, INPUTS)]
    assert "--config /etc/caddy/argoWeb.yml" in found[0]


def test_before_the_first_push_and_after_the_last_one_it_is_nothing(server: Server) -> None:
    (server.folder / "argoWeb.json").unlink()

    assert not (server.toplevel() / "etc/systemd/system/argoWeb.service").exists()


def test_a_rebuild_that_forgets_impure_ends_and_takes_nothing_away(server: Server) -> None:
    file = server.folder / "configuration.nix"
    # Pure evaluation has no such name, and would read neither this folder nor the flake by its path.
    pure = 'builtins.scopedImport { builtins = removeAttrs builtins [ "currentSystem" ]; }'
    file.write_text(file.read_text().replace("import /", f"{pure} /"))

    refused = server.build()

    assert refused.returncode != 0
    assert "argoWeb.json are read with --impure only" in refused.stderr


def test_its_shell_is_evaluated_with_the_names_that_it_takes_from_nixpkgs(server: Server) -> None:
    names = ("pulumi", "python3", "openssh")
    packages = " ".join(f'{name} = "{name}";' for name in names)
    nixpkgs = (
        f"{{ lib = import {NIXPKGS}/lib; legacyPackages.x86_64-linux = {{ {packages} mkShell = given: given; "
        'pulumiPackages.pulumi-python = "host"; stdenv.cc.cc = "cc"; lib.makeLibraryPath = toString; }; }'
    )
    shell = server.nix(
        "nix-instantiate", "--eval", "--strict", "--json", "--expr",
        f"{{ configuration }}: {flake('devShells.x86_64-linux.default', nixpkgs)}",
    )  # fmt: skip

    assert shell.returncode == 0, shell.stderr
