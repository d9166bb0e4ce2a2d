"""The flake: its module with the values that were pushed, against the pushed module. nixpkgs itself was not tried."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.nixos.test_module import NIXPKGS, ROOT, Server

UNIT = "config.systemd.services.argoWeb.serviceConfig.ExecStart"
INPUTS = "config.systemd.services.argoWeb-recover.unitConfig.X-Inputs"


SERVER = """{
  inputs.nixpkgs.url = "path:FOLDER/nixpkgs";
  inputs.argoweb = { url = "path:FOLDER/argoweb"; inputs.nixpkgs.follows = "nixpkgs"; };
  outputs = { self, nixpkgs, argoweb }: {
    nixosConfigurations.web1 = nixpkgs.lib.nixosSystem {
      system = "x86_64-linux";
      modules = [ (argoweb.lib.moduleFor "FOLDER") ];
    };
  };
}
"""
PACKAGES = """{
  outputs = { self }: {
    lib = import ./lib;
    legacyPackages = self.lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (system:
      let
        made = name: script: derivation {
          inherit name system;
          builder = "/bin/bash";
          args = [ "-ec" "${script}\n:" ];
          PATH = "/usr/bin:/bin";
        };
        program = name: made name ''
          mkdir -p "$out/bin"
          printf '#!/bin/sh\necho "%s" >>"$TOLD"\n' '${name}''${*:+ }$*' >"$out/bin/${name}"
          chmod +x "$out/bin/${name}"
        '';
      in
      {
        pulumi = program "pulumi";
        pulumiPackages.pulumi-python = program "pulumi-language-python";
        python3 = program "python3";
        openssh = program "ssh";
        bashInteractive = made "bash" "mkdir -p $out/bin; ln -s /bin/bash $out/bin/bash";
        stdenv.cc.cc = made "gcc" "mkdir -p $out/lib; echo >$out/lib/libstdc++.so.6";
        lib.makeLibraryPath = paths: builtins.concatStringsSep ":" (map (path: "${path}/lib") paths);
        mkShell = given: derivation ({
          name = "nix-shell";
          inherit system;
          builder = "/bin/bash";
          outputs = [ "out" ];
          PATH = builtins.concatStringsSep ":" (map (package: "${package}/bin") given.packages ++ [ "/usr/bin" "/bin" ]);
        } // removeAttrs given [ "packages" ]);
      });
  };
}
"""
"""What the shell takes from nixpkgs, as programs that tell how they were called."""


MODULE = f"((import {ROOT}/flake.nix).outputs {{ self = null; nixpkgs = {{ }}; }}).lib.moduleFor"


@pytest.fixture
def server(tmp_path: Path, prod: dict[str, Any]) -> Server:
    """A server whose configuration has the module of the flake, and no other one."""
    pushed = Server(tmp_path)
    pushed.push(prod)
    (tmp_path / "configuration.nix").write_text(
        f'{{ ... }}: {{ imports = [ ({MODULE} "{tmp_path}") ]; }}'
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


def nix(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`nix`, with flakes, no network and a store of its own, in the folder of a flake."""
    flakes = "experimental-features = nix-command flakes\nflake-registry =\n"
    environment = Server(home).environment
    return subprocess.run(
        ["nix", "--offline", *words],
        cwd=home,
        env={**environment, "NIX_CONFIG": flakes + environment["NIX_CONFIG"], "TOLD": str(home / "told")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


@pytest.fixture
def argoweb(tmp_path: Path) -> Path:
    """A folder with the flake, the sandbox's nixpkgs as its own, and a server that takes the module from it."""
    (tmp_path / "argoweb").mkdir()
    shutil.copy(ROOT / "flake.nix", tmp_path / "argoweb")
    shutil.copytree(ROOT / "nixos", tmp_path / "argoweb/nixos")
    shutil.copytree(NIXPKGS, tmp_path / "nixpkgs")
    server = tmp_path / "server"
    server.mkdir()
    (server / "flake.nix").write_text(SERVER.replace("FOLDER", str(tmp_path)))
    return tmp_path


def test_a_server_takes_the_module_from_the_flake_and_a_rebuild_that_forgets_impure_ends(
    argoweb: Path, prod: dict[str, Any]
) -> None:
    wanted = f"path:{argoweb}/server#nixosConfigurations.web1.{UNIT}"
    Server(argoweb).push(prod)

    impure = nix(argoweb, "eval", "--impure", "--raw", wanted)
    pure = nix(argoweb, "eval", "--raw", wanted)

    assert "--config /etc/caddy/argoWeb.yml" in impure.stdout, impure.stderr
    assert pure.returncode != 0
    assert "argoWeb.json are read with --impure only" in pure.stderr


def test_its_shell_is_entered_with_what_it_takes_from_nixpkgs(argoweb: Path) -> None:
    shutil.rmtree(argoweb / "nixpkgs")
    shutil.copytree(NIXPKGS / "lib", argoweb / "nixpkgs/lib")
    (argoweb / "nixpkgs/flake.nix").write_text(PACKAGES)
    flake = ("--override-input", "nixpkgs", f"path:{argoweb}/nixpkgs")

    def entered(*words: str) -> subprocess.CompletedProcess[str]:
        return nix(argoweb, "develop", f"path:{argoweb}/argoweb", *flake, "--command", *words)

    first = entered("bash", "-c", 'echo "$LD_LIBRARY_PATH"; pulumi-language-python; python3; ssh x')

    assert first.returncode == 0, first.stderr
    assert (Path(first.stdout.strip()) / "libstdc++.so.6").exists()
    told = (argoweb / "told").read_text().splitlines()
    assert told == ["pulumi install", "pulumi-language-python", "python3", "ssh x"]
    (argoweb / ".venv").mkdir()
    entered("pulumi", "version")
    assert (argoweb / "told").read_text().splitlines()[4:] == ["pulumi version"]
    systems = nix(
        argoweb, "eval", "--json", f"path:{argoweb}/argoweb#devShells", *flake,
        "--apply", "shells: map (system: shells.${system}.default.drvPath) (builtins.attrNames shells)",
    )  # fmt: skip
    assert len(set(json.loads(systems.stdout))) == 4, systems.stderr
