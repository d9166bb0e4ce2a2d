"""`pulumi new` with this repository: what it asks, what it leaves, and that what it says to do next leads to a site."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from sandbox.world import ROOT, World

ACCOUNT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


def new(world: World, folder: Path, *words: str) -> str:
    """`pulumi new` in an empty folder, from a copy as a clone has it; what it printed."""
    clone = folder.parent / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, clone / name)
    folder.mkdir()
    given = ("--name", "myweb", "--stack", "dev", "--config", f"argoweb:accountId={ACCOUNT}")
    return world.run(
        "pulumi", "new", str(clone), "--yes", *given, *words, folder=str(folder)
    ).stdout


def test_the_copy_has_a_name_of_its_own_and_it_is_said_what_comes_next(
    world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "myweb"

    said = new(world, folder, "--generate-only")

    assert "python -m argoweb init" in said
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    assert (project["name"], "template" in project) == ("myweb", False)
    (folder / ".venv").symlink_to(world.root / ".venv")
    world.run("pulumi", "stack", "init", "sandbox", folder=str(folder))
    refused = world.run("pulumi", "--non-interactive", "preview", check=False, folder=str(folder))
    world.run("pulumi", "stack", "rm", "--yes", "sandbox", folder=str(folder))
    told = refused.stdout + refused.stderr
    for key in ("argoweb:accountId", "argoweb:zones", "argoweb:servers", "argoweb:sites"):
        assert f"- {key}: missing." in told


@pytest.mark.long
def test_from_an_empty_folder_to_a_site_by_what_it_says(fresh: World, tmp_path: Path) -> None:
    folder = tmp_path / "myweb"
    token = fresh.variables.pop("CLOUDFLARE_API_TOKEN")
    fresh.variables["PULUMI_STACK"] = "dev"

    said = new(fresh, folder)

    fresh.run(
        "bash",
        "-euc",
        f"pulumi config set --secret cloudflare:apiToken {token}",
        folder=str(folder),
    )
    install, init, look, up = (
        line.split("   ")[0].strip()
        for line in said.split("Next, in this folder:\n")[1].splitlines()[:4]
    )
    door = fresh.status["ssh"]
    flags = {
        "stack": "dev", "zone": "example.localhost", "server": "web1", "address": "127.0.0.1", "port": str(door["port"]),
        "ssh-key": door["private_key_file"], "site": "www.example.localhost=root:/srv/www",
    }  # fmt: skip
    answers = " ".join(f"--{name} {value}" for name, value in flags.items())
    fresh.run("bash", "-euc", install, folder=str(folder))
    fresh.run("bash", "-euc", f"{init} --trust-host-key {answers}", check=False, folder=str(folder))
    fresh.run("bash", "-euc", look, folder=str(folder))
    fresh.run("bash", "-euc", f"{up} --yes --skip-preview", folder=str(folder))
    assert fresh.get("www.example.localhost")[0] == 200
    file = yaml.safe_load((folder / "Pulumi.dev.yaml").read_text())
    assert file["config"]["argoweb:accountId"] == ACCOUNT
    assert token not in json.dumps(file)
    fresh.run("pulumi", "destroy", "--yes", "--skip-preview", folder=str(folder))
