"""The line that a server's owner adds, as it is shown, in a configuration such as `nixos-generate-config` writes."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.nixos.test_module import ROOT, Server

README = (ROOT / "README.md").read_text()
EXAMPLE = (ROOT / "sandbox/example/server/configuration.nix").read_text()


def shown_in_readme() -> str:
    (block,) = re.findall(r"```nix\n(.*?)```", README, re.DOTALL)
    return str(block)


def shown_by_the_server() -> str:
    """What remote/validate.sh prints where it misses the import, put together as it does."""
    script = (ROOT / "remote/validate.sh").read_text()
    (form,) = re.findall(r'then ours="(.*)"; fi', script)
    (line,) = re.findall(r'echo "    (imports = .*)"', script)
    return str(line).replace("$ours", form.replace("$ours", "/etc/caddy/argoWeb.nix"))


@pytest.mark.parametrize("line", [shown_in_readme(), shown_by_the_server()])
@pytest.mark.parametrize("header", ["{ config, pkgs, ... }:", "{ ... }:"])
def test_it_imports_the_module_when_that_is_there_and_nothing_before(
    tmp_path: Path, prod: dict[str, Any], line: str, header: str
) -> None:
    server = Server(tmp_path)
    server.push(prod)
    module, away = tmp_path / "argoWeb.nix", tmp_path / "away.nix"
    (tmp_path / "hardware-configuration.nix").write_text("{ ... }: { }")
    (tmp_path / "configuration.nix").write_text(
        f"{header} {{ {line.replace('/etc/caddy', str(tmp_path))} }}"
    )
    units = "config.systemd.services"

    assert "argoWeb" in server.evaluate(f"{units}.argoWeb.description")
    module.rename(away)
    absent = server.nix(
        "nix-instantiate",
        "--eval",
        f"{ROOT}/sandbox/server/nixpkgs/nixos",
        "-A",
        f"{units}.argoWeb",
    )
    assert "attribute 'argoWeb' in selection path" in absent.stderr
    server.evaluate("config.networking.hostName")


def test_it_is_the_same_everywhere() -> None:
    element = re.compile(r"\(if builtins\.pathExists .* else \{ \}\)")

    found = [element.findall(text) for text in (README, EXAMPLE, shown_by_the_server())]

    assert found == [found[0]] * 3
    assert len(found[0]) == 1


def test_what_a_teardown_leaves_under_its_name_takes_the_owners_settings_and_does_nothing(
    tmp_path: Path, prod: dict[str, Any]
) -> None:
    server = Server(tmp_path)
    server.push(prod, own="services.argoWeb = { package = pkgs.hello; dataDir = ./.; };")
    leave = f"{(ROOT / 'remote/deactivate.sh').read_text()}\nneutral_module {tmp_path}/argoWeb.nix"
    subprocess.run(["bash", "-c", leave], check=True)

    assert "argoWeb" not in server.evaluate("config.users.users")
    assert (tmp_path / "argoWeb.nix").stat().st_mode & 0o777 == 0o644
