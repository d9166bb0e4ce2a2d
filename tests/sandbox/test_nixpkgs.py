"""The sandbox's nixpkgs merges as the real one; with SANDBOX_NIXPKGS that does it, and has to agree."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

NIXOS = Path(__file__).resolve().parents[2] / "sandbox/server/nixpkgs/nixos"


def evaluated(folder: Path, configuration: str, attribute: str) -> Any:
    file = folder / "configuration.nix"
    file.write_text(configuration)
    words = ["nix-instantiate", "--eval", "--strict", "--json", str(NIXOS), "-A", attribute]
    result = subprocess.run(
        [*words, "--arg", "configuration", str(file)],
        env={
            **os.environ,
            "NIX_CONFIG": "build-users-group =\nsubstitute = false",
            "NIX_STORE_DIR": str(folder / "store"),
            "NIX_STATE_DIR": str(folder / "var"),
            "NIX_LOG_DIR": str(folder / "log"),
            "HOME": str(folder),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


IMPORTING = """
{ lib, ... }: {
  imports = [ { VALUE "first"; } { imports = [ { VALUE "deep"; } ]; VALUE "second"; } ];
  VALUE "own";
}
"""


def test_what_is_imported_comes_before_what_imports_it(tmp_path: Path) -> None:
    configuration = IMPORTING.replace("VALUE", "systemd.tmpfiles.rules = lib.toList")

    rules = evaluated(tmp_path, configuration, "config.systemd.tmpfiles.rules")

    assert [rule for rule in rules if " " not in rule] == ["deep", "second", "first", "own"]


def test_of_two_values_of_nixpkgs_config_the_imported_one_wins_and_lists_are_joined(
    tmp_path: Path,
) -> None:
    configuration = IMPORTING.replace(
        "VALUE", "nixpkgs.config = (name: { inherit name; names = [ name ]; })"
    )

    config = evaluated(tmp_path, configuration, "config.nixpkgs.config")

    assert config == {"name": "deep", "names": ["deep", "second", "first", "own"]}
