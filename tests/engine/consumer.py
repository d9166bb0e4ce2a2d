"""A program of somebody else's that uses the package, beside a sandbox."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from sandbox import lifecycle
from sandbox.world import ROOT, World
from tests.real import official_host

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


SDK = '''"""A program that uses the SDK."""

import json
from pathlib import Path

import pulumi
import pulumi_argoweb as argoweb

inputs = json.loads(Path("inputs.json").read_text())
argoweb.Sites(
    "web",
    account_id=inputs["accountId"],
    zones=inputs["zones"],
    servers={
        name: argoweb.ServerArgs(
            address=each["address"], port=each["port"], host_key=each["hostKey"]
        )
        for name, each in inputs["servers"].items()
    },
    sites=inputs["sites"],
    ssh_private_key=pulumi.Config().require_secret("sshPrivateKey"),
)
'''
PARTS = '''"""A program that puts the parts together, without an SDK made for them."""

import json
from pathlib import Path

import pulumi

OUTPUTS = {
    "Tunnel": ["tunnelId", "target", "credentials"],
    "NixosHost": ["hostnames"],
    "Records": ["hostnames"],
}


class Part(pulumi.ComponentResource):
    def __init__(self, kind, name, inputs, opts=None):
        outputs = dict.fromkeys(OUTPUTS[kind])
        super().__init__(f"argoweb:index:{kind}", name, {**inputs, **outputs}, opts, remote=True)


given = json.loads(Path("inputs.json").read_text())
tunnel = Part("Tunnel", "tunnel", {"accountId": given["accountId"]})
hosts = [
    Part(
        "NixosHost",
        name,
        {
            **way,
            "sites": given["sites"],
            "tunnelId": tunnel.tunnelId,
            "credentials": tunnel.credentials,
            "sshPrivateKey": pulumi.Output.secret(given["sshPrivateKey"]),
        },
    )
    for name, way in given["servers"].items()
]
zone = {"zoneId": "00112233445566778899aabbccddee01"}
Part(
    "Records",
    "records",
    {
        "target": tunnel.target,
        "records": [{"hostname": each["hostname"], **zone} for each in given["sites"]],
    },
    pulumi.ResourceOptions(depends_on=hosts),
)
'''
DOCUMENT = ROOT / "docs" / "package.md"


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


def python_program(world: World, folder: Path, program: str = PYTHON) -> Consumer:
    """A Python program; the first one's server is made in the same run, as far as the component can tell."""
    options = {"toolchain": "pip", "virtualenv": str(world.root / ".venv")}
    consumer = Consumer(world, folder, {"runtime": {"name": "python", "options": options}})
    (folder / "__main__.py").write_text(program)
    return consumer


class YamlProgram(Consumer):
    """The program of the document, with the sandbox's values."""

    def write(self) -> None:
        """Lets the program have the inputs."""
        (text,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        program = yaml.safe_load(text)
        program["packages"]["argoweb"] = str(self.world.root / "package")
        properties = program["resources"]["web"]["properties"]
        properties |= {key: value for key, value in self.inputs.items() if key != "sshPrivateKey"}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(program, sort_keys=False))


def yaml_program(world: World, folder: Path) -> Consumer:
    """A YAML program, to which `pulumi package add` adds the package."""
    official_host("yaml", world, "a program in YAML with the package")
    world.own_environment()
    program = YamlProgram(world, folder, {"runtime": "yaml"})
    project = folder / "Pulumi.yaml"
    document = yaml.safe_load(project.read_text())
    (package,) = document.pop("packages").values()
    project.write_text(yaml.safe_dump(document))
    program.pulumi("package", "add", package)
    # The document has the line that this has made.
    assert yaml.safe_load(project.read_text())["packages"].keys() == {"argoweb"}
    program.write()
    return program


def sdk_program(world: World, folder: Path) -> Consumer:
    """A Python program with an environment of its own, in which `pulumi package add` puts the SDK."""
    official_host("python", world, "an SDK for Python that is made of the package")
    world.own_environment()
    options = {"toolchain": "pip", "virtualenv": "venv"}
    consumer = Consumer(world, folder, {"runtime": {"name": "python", "options": options}})
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    del project["packages"]
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
    (folder / "requirements.txt").write_text("pulumi>=3.254,<4\n")
    (folder / "__main__.py").write_text(SDK)
    consumer.pulumi("package", "add", str(world.root / "package"))
    return consumer
