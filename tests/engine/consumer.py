"""A program of somebody else's that uses the package, beside a sandbox."""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from sandbox import lifecycle
from tests.engine.world import World

ACCOUNT = lifecycle.ACCOUNT
PYTHON = '''"""A program that uses the component, without an SDK made for it."""

import json
from pathlib import Path

import pulumi
import pulumi_random as random


class Sites(pulumi.ComponentResource):
    tunnelId: pulumi.Output[str]
    hostnames: pulumi.Output[list[str]]

    def __init__(self, name, inputs):
        outputs = {"tunnelId": None, "hostnames": None, "urls": None, "serviceTokens": None}
        super().__init__("argoweb:index:Sites", name, {**inputs, **outputs}, remote=True)


inputs = json.loads(Path("inputs.json").read_text())
machine = random.RandomId("machine", byte_length=2)
for server in inputs["servers"].values():
    for key in ("address", "hostKey"):
        if key in server:
            server[key] = machine.hex.apply(lambda _, value=server[key]: value)
inputs["sshPrivateKey"] = pulumi.Output.secret(inputs["sshPrivateKey"])
sites = Sites("web", inputs)
pulumi.export("tunnelId", sites.tunnelId)
pulumi.export("hostnames", sites.hostnames)
'''


class Consumer:
    """A folder with a program, its stack and what it gives the component."""

    def __init__(self, world: World, folder: Path, project: dict[str, Any]) -> None:
        folder.mkdir()
        self.world, self.folder = world, folder
        described = {
            "name": "shop",
            "packages": {"argoweb": str(world.root / "package")},
            **project,
        }
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(described, sort_keys=False))
        door = world.status["ssh"]
        self.inputs: dict[str, Any] = {
            "accountId": ACCOUNT,
            "zones": [{"name": "example.localhost"}],
            "servers": {
                "web1": {
                    "address": door["host"],
                    "port": door["port"],
                    "hostKey": door["host_key"],
                }
            },
            "sites": [{"hostname": "www.example.localhost", "root": "/srv/www"}],
            "sshPrivateKey": Path(door["private_key_file"]).read_text(),
        }
        self.write()

    def write(self) -> None:
        """Lets the program have the inputs."""
        (self.folder / "inputs.json").write_text(json.dumps(self.inputs))

    def pulumi(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`pulumi …` there, without questions."""
        return self.world.run(
            "pulumi", "--non-interactive", *words, check=check, folder=str(self.folder)
        )

    def planned(self) -> dict[str, str]:
        """What a preview would do: the operation of each resource that does not stay the same."""
        steps = json.loads(self.pulumi("preview", "--json").stdout)["steps"]
        return {
            step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"
        }


def python_program(world: World, folder: Path) -> Consumer:
    """A Python program whose server is made in the same run, as far as the component can tell."""
    options = {"toolchain": "pip", "virtualenv": str(world.root / ".venv")}
    consumer = Consumer(world, folder, {"runtime": {"name": "python", "options": options}})
    (folder / "__main__.py").write_text(PYTHON)
    return consumer
