"""The README and docs/, followed to the letter by somebody who has nothing."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sandbox.world import ROOT, World
from tests.engine.documents import blocks

README = ROOT / "README.md"
(TEAR_DOWN,) = (it for it in blocks(ROOT / "docs/operations.md") if "pulumi destroy" in it)
UNATTENDED = {"PULUMI_SKIP_CONFIRMATIONS": "true"}


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[World]:
    """A checkout in which nothing was ever done."""
    world = World(tmp_path)
    try:
        yield world
    finally:
        world.stop()


def typed(world: World, *lines: str, **variables: str) -> str:
    """What the lines print, typed into one shell."""
    assignments = [f"{name}={value}" for name, value in {**UNATTENDED, **variables}.items()]
    return world.run("env", *assignments, "bash", "-euc", "\n".join(lines)).stdout


def test_make_sandbox_ends_with_the_sites_seen_and_what_it_says_to_try_next_works(
    newcomer: World,
) -> None:
    (command,) = blocks(README)[0]

    shown = typed(newcomer, command)

    sites, _, advice = shown.partition("What to try next")
    answers = dict(re.findall(r"http://([\w.-]+):\d+/  (\d+)", sites))
    assert answers == {
        "www.example.localhost": "200",
        "app.example.localhost": "200",
        "status.example-two.localhost": "200",
        "members.example.localhost": "302",
        "nobody.example.localhost": "404",
    }
    lines = [re.sub(r"\s+# .*", "", line).strip() for line in advice.splitlines()[1:]]
    editor = "sed -i s/127.0.0.1:3000/127.0.0.1:3001/"
    tried = typed(newcomer, *lines, EDITOR=shlex.quote(editor).strip("'"))
    assert re.search(r"\+ \s*import argoweb-proxy 127.0.0.1:3001", tried), "preview --diff"
    assert "~ 3 updated" in tried, (
        "up: Caddy's file, the activation, and what asks the site through the edge"
    )
    (created,) = re.findall(r"\+ (\d+) created", shown)
    assert f"{created} deleted" in tried, "destroy"
    assert newcomer.sandbox("status", check=False).returncode == 1, "down"


@pytest.mark.long
def test_the_first_real_server_is_set_up_by_the_readmes_own_commands(
    newcomer: World, tmp_path: Path
) -> None:
    world = newcomer
    world.own_environment()
    world.start()
    server = world.status["servers"]["web1"]["ssh"]
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/id_ed25519").write_text(Path(server["private_key_file"]).read_text())
    (world.root / "token").write_text(world.variables["CLOUDFLARE_API_TOKEN"])
    mine = {"192.0.2.10": f"-p {server['port']} 127.0.0.1", "apiToken": "apiToken < token"}
    stack, deployment = blocks(README)[3:5]
    # `pulumi stack init` makes the new stack the chosen one; the sandbox's shell names another.
    before = f"unset PULUMI_STACK CLOUDFLARE_API_TOKEN; HOME={shlex.quote(str(home))}"

    seen = typed(world, before, *(_with_mine(line, mine) for line in stack))
    _fill_in(world, seen)
    previewed, deployed = (typed(world, before, line) for line in deployment)

    assert "+ " in previewed
    assert "done: the tunnel is connected" in deployed
    assert world.get("www.example.localhost")[0] == 200
    text = (world.root / "Pulumi.mysite.yaml").read_text()
    assert world.variables["CLOUDFLARE_API_TOKEN"] not in text
    assert "PRIVATE KEY" not in text
    typed(world, before, *TEAR_DOWN)
    assert [t for t in world.control("/dump")["tunnels"] if t["deleted_at"] is None] == []


def _with_mine(line: str, mine: dict[str, str]) -> str:
    for theirs, own in mine.items():
        line = line.replace(theirs, own)
    return line


def _fill_in(world: World, scanned: str) -> None:
    """The stack's file as the README says: the own account, zones, server and sites, and the scanned key."""
    (key,) = re.findall(r"^\[127\.0\.0\.1\]:\d+ (ssh-ed25519 \S+)", scanned, re.MULTILINE)
    path = world.root / "Pulumi.mysite.yaml"
    document = yaml.safe_load(path.read_text())
    example = yaml.safe_load(world.stack_file.read_text())["config"]
    for name in ("accountId", "zones", "sites", "health"):
        document["config"][f"argoweb:{name}"] = example[f"argoweb:{name}"]
    server = document["config"]["argoweb:servers"]["web1"]
    server |= {"address": "127.0.0.1", "hostKey": key}
    server["port"] = world.status["servers"]["web1"]["ssh"]["port"]
    path.write_text(yaml.safe_dump(document, sort_keys=False, width=1000))


RUN_HERE = {line for block in (*blocks(README)[:5], TEAR_DOWN) for line in block}
RUN_ELSEWHERE = {
    ".venv/bin/pip install -r requirements-cli.txt": "make does it",
    "python -m argoweb status": "tests/engine/test_commands.py",
    "python -m argoweb status --watch": "tests/faults/test_commands.py",
    "python -m argoweb check": "tests/settings/test_judge.py",
    "python -m argoweb check --strict --json Pulumi.mysite.yaml": "tests/settings/test_judge.py",
    "python -m argoweb init": "tests/faults/test_commands.py",
    "python -m argoweb init --stack mysite --zone example.com --address 192.0.2.10 --site www.example.com=proxy:127.0.0.1:3000": "tests/faults/test_commands.py",
    "python -m argoweb doctor": "tests/engine/test_commands.py",
    "python -m argoweb logs": "tests/engine/test_commands.py",
    "python -m argoweb logs web1 --follow": "tests/faults/test_commands.py",
    "python -m argoweb ssh web1": "tests/faults/test_commands.py",
    "python -m argoweb ssh web1 systemctl status argoWeb": "tests/engine/test_commands.py",
    "python -m argoweb page": "tests/argoweb/test_page.py, with another stack",
    "python -m argoweb page --out page.html": "tests/engine/test_page.py",
    "python -m argoweb drift": "tests/engine/test_commands.py",
    "python -m argoweb drift --json": "tests/engine/test_commands.py",
    "make test": "it is what runs this",
    "make test-long": "the same with another selection",
    "ssh root@192.0.2.10 bash /var/lib/argoweb-deploy/server.sh drift": "tests/faults/test_drift.py",
    "pulumi refresh --yes --clear-pending-creates": "tests/faults/test_first_up.py",
    "pulumi config set --path argoweb:tunnel.name mysite-2": "tests/faults/test_tunnel_changed.py",
    "pulumi up --replace '**::tunnel-tunnel'": "tests/faults/test_tunnel_changed.py",
    "pulumi stack output serviceTokens --show-secrets": "tests/engine/test_access.py",
    "curl -H 'CF-Access-Client-Id: …' -H 'CF-Access-Client-Secret: …' https://api.example.com/": "tests/engine/test_access.py",
    "ci/argoweb.sh preview plan": "tests/engine/test_ci.py",
    "ci/argoweb.sh up plan": "tests/engine/test_ci.py",
    "ci/argoweb.sh drift": "tests/engine/test_ci.py",
    "pulumi stack export --file state.json": "tests/faults/test_team.py",
    "pulumi login 's3://team?region=eu-central-1'": "tests/faults/test_team.py, with an address",
    "pulumi stack init mysite": "tests/faults/test_team.py",
    "pulumi stack import --file state.json": "tests/faults/test_team.py",
    "rm state.json": "tests/faults/test_team.py",
    "pulumi stack change-secrets-provider 'awskms://alias/argoweb?region=eu-central-1'": "tests/faults/test_team.py, with a key's id",
    "pulumi package add ../argoweb/package": "tests/engine/test_package.py",
    "python -m ingress check config.yml": "tests/ingress/test_command_line.py",
    "python -m ingress check --strict --json config.yml": "tests/ingress/test_command_line.py",
    "python -m ingress import config.yml": "tests/ingress/test_command_line.py",
    "python -m ingress rule config.yml https://www.example.com/v1/admin": "tests/ingress/test_command_line.py",
}


@pytest.mark.parametrize("document", [README, *sorted((ROOT / "docs").glob("*.md"))])
def test_every_command_of_a_document_is_run_by_a_test(document: Path) -> None:
    commands = {line for block in blocks(document) for line in block if line}
    assert commands - RUN_HERE - RUN_ELSEWHERE.keys() == set()
