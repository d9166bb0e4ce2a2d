"""The Pulumi stack `sandbox`: its file, its backend, the environment in which plain `pulumi` works."""

import os
import re
import secrets
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox.engine import own_language_host
from sandbox.server.machine import Machine
from sandbox.state import CHECKOUT, FOLDER, STACK, SandboxError, folder, write

STACK_FILE = CHECKOUT / f"Pulumi.{STACK}.yaml"
UNREADABLE = FOLDER / f"unreadable-{STACK_FILE.name}"
"""Where a stack file goes that nothing can be made of."""
PASSPHRASE = FOLDER / "passphrase"
BACKEND = FOLDER / "pulumi-state"
HOME = FOLDER / "pulumi-home"
_SALT = "encryptionsalt"
_WRONG_PASSPHRASE = "incorrect passphrase"


class UnreadableState(SandboxError):
    """Pulumi cannot read the state of a stack that was brought up before."""


def environment(state: Mapping[str, Any]) -> dict[str, str]:
    """Variables that make `pulumi` use the sandbox and nothing else."""
    return {
        "PATH": f"{state['pulumi']}:{own_language_host.BIN}",
        "PULUMI_HOME": str(HOME),
        # Without its files of attributes, which a killed Pulumi leaves empty; after that it cannot read the state.
        "PULUMI_BACKEND_URL": f"file://{BACKEND}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(PASSPHRASE),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # The plugins are in PULUMI_HOME, whatever else lies on PATH.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_STACK": STACK,
        **own_language_host.environment(),
        "CLOUDFLARE_BASE_URL": state["cloudflare"]["api_url"],
        "CLOUDFLARE_API_TOKEN": state["token"],
        # Curl's own settings, by which it finds every hostname at the edge and believes its certificates.
        "CURL_HOME": str(FOLDER),
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


def has_passphrase() -> bool:
    """Whether there is one that this program has made."""
    try:
        return re.fullmatch(r"[0-9a-f]{32}\n", PASSPHRASE.read_text()) is not None
    except (OSError, UnicodeDecodeError):
        return False


def prepare(
    state: Mapping[str, Any], machines: list[Machine], template: Path, say: Callable[[str], None]
) -> None:
    """Makes the backend, the passphrase and the stack's file, as far as they are not there; server addresses are always
    brought up to date. What was encrypted by a passphrase that is gone leaves the file.

    Raises:
        UnreadableState: the stack has a state that Pulumi cannot read.
        SandboxError: Pulumi does not take the stack's file.
    """
    folder(BACKEND)
    document = _document(template, say)
    if not has_passphrase():
        write(PASSPHRASE, secrets.token_hex(16) + "\n", 0o600)
        _forget_secrets(document, say)
    config = document["config"]
    old = config.get("argoweb:servers")
    entries = {machine.name: old.get(machine.name) if isinstance(old, dict) else None for machine in machines}  # fmt: skip
    config["argoweb:servers"] = {
        machine.name: {
            **(entry if isinstance(entry := entries[machine.name], dict) else {}),
            "address": "127.0.0.1",
            "port": machine.ssh_port,
            "hostKey": machine.host_key,
        }
        for machine in machines
    }
    _keep(document)
    key = machines[0].private_key.read_text()
    service = state["cloudflare"]
    write(
        FOLDER / ".curlrc",
        f'connect-to = ":443:{service["edge_tls_address"]}"\ncacert = "{service["edge_ca"]}"\n',
    )
    try:
        _select(state, key)
    except SandboxError as error:
        if any(BACKEND.rglob(f"{STACK}.json*")):
            said = " ".join(str(error).split())
            raise UnreadableState(f"Pulumi cannot read its state ({said})") from None
        if _WRONG_PASSPHRASE not in str(error):
            raise
        _forget_secrets(document, say)
        _keep(document)
        _select(state, key)


def _select(state: Mapping[str, Any], key: str) -> None:
    pulumi(state, "stack", "select", "--create", STACK)
    pulumi(state, "config", "set", "--secret", "argoweb:sshPrivateKey", "--stack", STACK, stdin=key)


def _document(template: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """The stack's file; the template where there is none that can be read."""
    if STACK_FILE.exists():
        try:
            found = yaml.safe_load(STACK_FILE.read_text())
        except (yaml.YAMLError, UnicodeDecodeError):
            found = None
        if isinstance(found, dict) and isinstance(found.get("config"), dict):
            return found
        say(
            f"{STACK_FILE.name} cannot be read: it is {UNREADABLE} now, and the example takes its place"
        )
        STACK_FILE.replace(UNREADABLE)
    write(STACK_FILE, template.read_text())
    document: dict[str, Any] = yaml.safe_load(template.read_text())
    return document


def _keep(document: Mapping[str, Any]) -> None:
    """Writes the stack's file, its comments at the top as they were."""
    lines = STACK_FILE.read_text().splitlines(True)
    heading = "".join(line for line in lines if line.startswith("#"))
    write(STACK_FILE, heading + yaml.safe_dump(document, sort_keys=False, width=1000))


def _forget_secrets(document: dict[str, Any], say: Callable[[str], None]) -> None:
    """Takes out what only a passphrase that is gone could open, and says what it was."""
    if document.pop(_SALT, None) is None:
        return
    lost = [
        path for path in _without_secrets(document["config"]) if path != "argoweb:sshPrivateKey"
    ]
    again = f"; set them again: {', '.join(lost)}" if lost else ""
    say(
        f"the passphrase of the secrets in {STACK_FILE.name} is gone; the SSH key is put in anew{again}"
    )


def _without_secrets(values: Any, path: str = "") -> list[str]:
    """Takes every encrypted value out of a document; the places where they were."""
    lost: list[str] = []
    pairs = list(values.items() if isinstance(values, dict) else enumerate(values))
    for key, value in reversed(pairs):
        place = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
        if isinstance(value, dict) and set(value) == {"secure"}:
            del values[key]
            lost.insert(0, place)
        elif isinstance(value, dict | list):
            lost[:0] = _without_secrets(value, place)
    return lost


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
