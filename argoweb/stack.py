"""Reads a stack by Pulumi's command line: its configuration, its state and its last update."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pulumi.automation import LocalWorkspace
from pulumi.runtime import configure, set_all_config
from pulumi.runtime.settings import Settings as Runtime

from argoweb.errors import StackUnreadable
from existing import OwnState
from existing.state import ALERT, APPLICATION, POLICY, RECORD, TOKEN, TUNNEL, index_by_uri
from settings import Access, FindingsError, Settings, load_settings

_SECONDS = 60
"""How long one question to Pulumi may take."""
_KEY = "argoweb:sshPrivateKey"
_ACTIVATE = "-activate"
Resource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class State:
    """What a stack's state has, as its last update left it."""

    tunnel: Resource | None
    """Outputs of the tunnel."""
    records: Mapping[str, Resource]
    """Outputs of each DNS record, by hostname."""
    manifests: Mapping[str, str]
    """The manifest that each server was sent last, by its name."""
    access: OwnState = field(default_factory=OwnState)
    """The Access applications, policies and service tokens."""
    alert: Resource | None = None
    """Outputs of the notification of the tunnel's health."""
    pending: Sequence[str] = ()
    """What an update was at when it was cut off, each with its resource, as `creating web1-activate`."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack with its checked settings and its state."""

    name: str
    settings: Settings
    access: Access
    private_key: str | None = field(repr=False)
    """The SSH key, `None` for the agent's."""
    state: State
    last_update: Mapping[str, Any] | None


def read_stack(name: str | None = None) -> Stack:
    """Reads the stack of that name in this folder's project, or the selected one.

    Raises:
        StackUnreadable: Pulumi does not tell, or what it tells cannot work.
    """
    name = name or find_selected_stack()
    with ThreadPoolExecutor(3) as pool:
        config = pool.submit(read_configuration, name)
        exported = pool.submit(ask_pulumi_json, "stack", "export", "--stack", name)
        history = pool.submit(list_updates, name, 1)
    try:
        settings, used = asyncio.run(_read_settings(name, config.result()))
    except FindingsError as error:
        raise StackUnreadable(str(error)) from None
    updates = history.result()
    return Stack(
        name=name,
        settings=settings,
        access=used,
        private_key=config.result().get(_KEY, {}).get("value") or None,
        state=read_state(exported.result()),
        last_update=updates[0] if updates else None,
    )


def list_updates(name: str, count: int = 20) -> list[Mapping[str, Any]]:
    """Lists the last updates of a stack, the newest first.

    Raises:
        StackUnreadable: Pulumi does not tell.
    """
    found: list[Mapping[str, Any]] = ask_pulumi_json(
        "stack", "history", "--json", "--page-size", str(count), "--stack", name
    )
    return found


def find_selected_stack() -> str:
    """Gives the name of the selected stack.

    Raises:
        StackUnreadable: none is.
    """
    found = [each["name"] for each in ask_pulumi_json("stack", "ls", "--json") if each["current"]]
    if not found:
        raise StackUnreadable(
            "No stack is selected. Name one with --stack, or run: pulumi stack select"
        )
    return str(found[0])


def find_project_name() -> str:
    """Gives the name of this folder's project.

    Raises:
        StackUnreadable: there is none.
    """
    try:
        return LocalWorkspace(work_dir=".").project_settings().name
    except (FileNotFoundError, ValueError) as error:
        raise StackUnreadable(
            f"This folder has no Pulumi project that can be read ({error}). Run this where Pulumi.yaml is."
        ) from None


def read_configuration(name: str) -> dict[str, dict[str, Any]]:
    """Reads a stack's configuration with its secrets in clear: `value` and `secret` by key.

    Raises:
        StackUnreadable: Pulumi does not tell.
    """
    found: dict[str, dict[str, Any]] = ask_pulumi_json(
        "config", "--json", "--show-secrets", "--stack", name
    )
    return found


async def _read_settings(
    name: str, config: Mapping[str, Mapping[str, Any]]
) -> tuple[Settings, Access]:
    """Reads a configuration as the Pulumi program would, without Pulumi's engine."""
    short = name.rpartition("/")[2]
    configure(Runtime(project=find_project_name(), stack=short))
    values = {key: str(each["value"]) for key, each in config.items() if "value" in each}
    set_all_config(values, [key for key, each in config.items() if each["secret"]])
    try:
        return load_settings()
    finally:
        set_all_config({}, [])


def read_state(exported: Mapping[str, Any]) -> State:
    """Takes what the commands need from a state that `pulumi stack export` has printed."""
    deployment = exported.get("deployment") or {}
    resources, pending = (deployment.get(key) or [] for key in ("resources", "pending_operations"))
    living = [each for each in resources if not each.get("delete")]

    def list_outputs(type: str) -> list[dict[str, Any]]:
        return [it["outputs"] for it in living if it["type"] == type and "outputs" in it]

    tunnels = list_outputs(TUNNEL)
    manifests = {
        name.removesuffix(_ACTIVATE): str(each["inputs"]["stdin"])
        for each in living
        if (name := each["urn"].rpartition("::")[2]).endswith(_ACTIVATE)
        and "stdin" in each.get("inputs", {})
    }
    return State(
        tunnel=tunnels[0] if tunnels else None,
        records={record["name"]: record for record in list_outputs(RECORD)},
        manifests=manifests,
        access=OwnState(
            applications=index_by_uri(list_outputs(APPLICATION)),
            policies=tuple(list_outputs(POLICY)),
            tokens=tuple(list_outputs(TOKEN)),
        ),
        alert=next(iter(list_outputs(ALERT)), None),
        pending=[
            f"{each['type']} {each['resource']['urn'].rpartition('::')[2]}" for each in pending
        ],
    )


def ask_pulumi_json(*words: str) -> Any:
    """Runs a command of Pulumi's that prints JSON, and gives its value.

    Raises:
        StackUnreadable: it fails.
    """
    return json.loads(ask_pulumi(*words))


def ask_pulumi(*words: str, stdin: str | None = None) -> str:
    """Runs a command of Pulumi's, which asks nothing, and gives its output.

    Raises:
        StackUnreadable: it fails.
    """
    if shutil.which("pulumi") is None:
        raise StackUnreadable(
            "There is no `pulumi` on PATH. Install it: https://www.pulumi.com/docs/install/"
        )
    command: Sequence[str] = ["pulumi", "--non-interactive", *words]
    try:
        done = subprocess.run(
            command,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StackUnreadable(
            f"`pulumi {words[0]}` did not answer within {_SECONDS} s. Check the state's backend: pulumi whoami -v"
        ) from None
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise StackUnreadable(f"`pulumi {' '.join(words)}` failed: {said}")
    return done.stdout
