"""The commands of a stack's own resources over plain SSH: what a deployment sends, without Pulumi around it."""

import hashlib
import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.world import World

LOCK = "/var/lib/argoweb-deploy/lock"
LET_GO = "let-go"
"""A page of www.example.localhost; while it is not there, `Direct.moved(held=True)` waits for health."""
_SECRET = "4dabf18193072939515e22adb298388d"
"""The key by which Pulumi tells a secret from another object (`sdk/go/common/resource/sig`)."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Files that differ from those of the stack, and the manifest with them."""

    files: Mapping[str, str]
    manifest: str


class Run:
    """An activation, followed by an SSH client."""

    def __init__(self, world: World, command: str, manifest: str) -> None:
        self._world = world
        self._began = time.time()
        self._client = subprocess.Popen(
            [*world.ssh_words(), command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._client.stdin is not None
        self._client.stdin.write(manifest)
        self._client.stdin.flush()

    def wait_until(self, line: str) -> "Run":
        """Returns when the work on the server has said so."""
        self._end_input()
        self._world.wait_for(lambda: said(self._world, self._began, line))
        return self

    def cut(self) -> None:
        """The client dies: the connection ends without a farewell."""
        self._client.kill()
        self._client.communicate()

    def output(self) -> str:
        """What it printed, once it has ended well."""
        text, _ = self._client.communicate(timeout=600)
        assert self._client.returncode == 0, text
        return text

    def refusal(self) -> str:
        """What it printed, once it has failed."""
        text, _ = self._client.communicate(timeout=600)
        assert self._client.returncode != 0, text
        return text

    def _end_input(self) -> None:
        assert self._client.stdin is not None
        self._client.stdin.close()
        self._client.stdin = None


def said(world: World, began: float, line: str) -> bool:
    """Whether a run on the server that has worked since then has come so far."""
    folder = world.host_root() / "var/lib/argoweb-deploy/runs"
    logs = [log for log in folder.glob("*/log") if not log.parent.is_symlink()]
    return any(log.stat().st_mtime >= began and line in log.read_text() for log in logs)


class Direct:
    """The stack as it was deployed last, and a way to deploy another one."""

    def __init__(self, world: World) -> None:
        self.world = world
        exported = json.loads(world.pulumi("stack", "export", "--show-secrets").stdout)
        self._inputs: dict[str, dict[str, Any]] = {
            resource["urn"].rpartition("::")[2].removeprefix("web1-"): resource["inputs"]
            for resource in exported["deployment"]["resources"]
            if resource["type"] == "command:remote:Command"
        }
        self.original = Deployment(
            files={
                name: _plain(inputs["stdin"])
                for name, inputs in self._inputs.items()
                if name not in ("activate", "teardown")
            },
            manifest=self._inputs["activate"]["stdin"],
        )

    def moved(self, *, held: bool = False, patience: int = 600) -> Deployment:
        """The site app.example.localhost on another upstream, and a changed Nix input.

        Held, it waits for LET_GO at most `patience` seconds.
        """
        caddy, module = (self.original.files[name] for name in ("argoWeb.caddy", "argoWeb.json"))
        files = {
            "argoWeb.caddy": caddy.replace("127.0.0.1:3000", "127.0.0.1:3001"),
            "argoWeb.json": module.replace('"caddyProxy"', '"webProxy"'),
        }
        manifest = self.original.manifest
        if held:
            url = f"http://www.example.localhost/{LET_GO}"
            lines = (
                f"health-site 127.0.0.1:8080 www.example.localhost {url}\nhealth-timeout {patience}"
            )
            manifest = manifest.replace("\nend\n", f"\n{lines}\nend\n")
        return self._with(files, manifest)

    def renamed(self, old: str, new: str) -> Deployment:
        """The stack with another text in place of one, in all that is sent but the server program."""
        program = self.original.files["server.sh"]
        files = {name: text.replace(old, new) for name, text in self.original.files.items()}
        return self._with({**files, "server.sh": program}, self.original.manifest.replace(old, new))

    def _with(self, files: Mapping[str, str], manifest: str) -> Deployment:
        for name, text in files.items():
            manifest = manifest.replace(_digest(self.original.files[name]), _digest(text))
        return Deployment(files=files, manifest=manifest)

    def stage(self, deployment: Deployment) -> None:
        """Sends the files."""
        for name, text in deployment.files.items():
            self._send(self._inputs[name]["create"], text)

    def _send(self, command: str, text: str) -> None:
        subprocess.run([*self.world.ssh_words(), command], input=text, text=True, check=True)

    def run(self, manifest: str, verb: str = "create") -> Run:
        """Starts the activation, or with `delete` the teardown, as when all of the resources are deleted."""
        resource = "activate" if verb == "create" else "teardown"
        if verb == "delete":
            program = self._inputs["server.sh"]
            self._send(program["delete"], program["stdin"])
        return Run(self.world, self._inputs[resource][verb], manifest)

    def deploy(self, deployment: Deployment) -> str:
        """All of it, to its end; what the activation printed."""
        self.stage(deployment)
        return self.run(deployment.manifest).output()


def _plain(value: Any) -> str:
    if isinstance(value, dict) and _SECRET in value:
        text: str = json.loads(value["plaintext"])
        return text
    return str(value)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
