"""The Pulumi stack `sandbox`: its file, its backend, the environment in which plain `pulumi` works."""

import os
import secrets
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox.engine import own_language_host
from sandbox.server.machine import Machine
from sandbox.state import CHECKOUT, FOLDER, STACK, SandboxError, write

STACK_FILE = CHECKOUT / f"Pulumi.{STACK}.yaml"
_PASSPHRASE = FOLDER / "passphrase"
_BACKEND = FOLDER / "pulumi-state"


def environment(state: Mapping[str, Any]) -> dict[str, str]:
    """Variables that make `pulumi` use the sandbox and nothing else."""
    return {
        "PATH": f"{state['pulumi']}:{own_language_host.BIN}",
        "PULUMI_HOME": str(FOLDER / "pulumi-home"),
        "PULUMI_BACKEND_URL": f"file://{_BACKEND}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(_PASSPHRASE),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # The plugins are in PULUMI_HOME, whatever else lies on PATH.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_STACK": STACK,
        **own_language_host.environment(),
        "CLOUDFLARE_BASE_URL": state["cloudflare"]["api_url"],
        "CLOUDFLARE_API_TOKEN": state["token"],
    }


def exports(state: Mapping[str, Any]) -> str:
    """The same for `eval` in a shell."""
    variables = environment(state)
    variables["PATH"] += ":$PATH"
    lines = [f'export {name}="{value}"' for name, value in variables.items()]
    return "\n".join([*lines, "unset SSH_AUTH_SOCK"])


def surroundings(state: Mapping[str, Any]) -> dict[str, str]:
    """The whole environment of a `pulumi` that this program starts."""
    variables = environment(state)
    variables["PATH"] += f":{os.environ['PATH']}"
    whole = {**os.environ, **variables}
    whole.pop("SSH_AUTH_SOCK", None)
    return whole


def prepare(state: Mapping[str, Any], machines: list[Machine], template: Path) -> None:
    """Makes the backend and, unless it is there, the stack's file; server addresses are always brought up to date."""
    _BACKEND.mkdir(parents=True, exist_ok=True)
    if not _PASSPHRASE.exists():
        write(_PASSPHRASE, secrets.token_hex(16) + "\n", 0o600)
    if not STACK_FILE.exists():
        write(STACK_FILE, template.read_text())
    document = yaml.safe_load(STACK_FILE.read_text())
    old = document["config"].get("argoweb:servers", {})
    document["config"]["argoweb:servers"] = {
        machine.name: {
            **old.get(machine.name, {}),
            "address": "127.0.0.1",
            "port": machine.ssh_port,
            "hostKey": machine.host_key,
        }
        for machine in machines
    }
    heading = "".join(
        line for line in STACK_FILE.read_text().splitlines(True) if line.startswith("#")
    )
    write(STACK_FILE, heading + yaml.safe_dump(document, sort_keys=False, width=1000))
    pulumi(state, "stack", "select", "--create", STACK)
    key = machines[0].private_key.read_text()
    pulumi(state, "config", "set", "--secret", "argoweb:sshPrivateKey", "--stack", STACK, stdin=key)


def pulumi(state: Mapping[str, Any], *words: str, stdin: str = "") -> None:
    """A quiet step of the preparation.

    Raises:
        SandboxError: it failed.
    """
    result = subprocess.run(
        ["pulumi", "--non-interactive", *words],
        cwd=CHECKOUT,
        env=surroundings(state),
        input=stdin,
        text=True,
        capture_output=True,
        check=False,
    )
    if result.returncode != 0:
        raise SandboxError(f"pulumi {shlex.join(words)} failed:\n{result.stdout}{result.stderr}")
