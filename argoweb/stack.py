"""A stack as Pulumi's command line tells of it: its configuration, its state and its last update."""

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
from settings import Access, FindingsError, Settings, load_settings, read_access

_SECONDS = 60
"""How long one question to Pulumi may take."""
_KEY = "argoweb:sshPrivateKey"
_TUNNEL = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
_RECORD = "cloudflare:index/dnsRecord:DnsRecord"
_APPLICATION = "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication"
_POLICY = "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy"
_ACTIVATE = "-activate"
Resource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class State:
    """What the stack's last update left."""

    tunnel: Resource | None
    """Outputs of the tunnel."""
    records: Mapping[str, Resource]
    """Outputs of each DNS record, by hostname."""
    manifests: Mapping[str, str]
    """What each server was told last, by its name."""
    access: OwnState = field(default_factory=OwnState)
    """The Access applications and policies."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack, checked and complete."""

    name: str
    settings: Settings
    access: Access
    private_key: str | None = field(repr=False)
    """The SSH key, `None` for the agent's."""
    state: State
    last_update: Mapping[str, Any] | None


def read(name: str | None = None) -> Stack:
    """The stack of that name in this folder's project, or the one that is selected.

    Raises:
        StackUnreadable: Pulumi does not tell, or what it tells cannot work.
    """
    name = name or selected()
    with ThreadPoolExecutor(3) as pool:
        config = pool.submit(configuration, name)
        exported = pool.submit(pulumi_json, "stack", "export", "--stack", name)
        history = pool.submit(updates_of, name, 1)
    try:
        settings, used = asyncio.run(_settings(name, config.result()))
    except FindingsError as error:
        raise StackUnreadable(str(error)) from None
    updates = history.result()
    return Stack(
        name=name,
        settings=settings,
        access=used,
        private_key=config.result().get(_KEY, {}).get("value") or None,
        state=state_of(exported.result()),
        last_update=updates[0] if updates else None,
    )


def updates_of(name: str, count: int = 20) -> list[Mapping[str, Any]]:
    """The last updates of a stack, the newest first.

    Raises:
        StackUnreadable: Pulumi does not tell.
    """
    found: list[Mapping[str, Any]] = pulumi_json(
        "stack", "history", "--json", "--page-size", str(count), "--stack", name
    )
    return found


def selected() -> str:
    """The name of the selected stack.

    Raises:
        StackUnreadable: none is.
    """
    found = [each["name"] for each in pulumi_json("stack", "ls", "--json") if each["current"]]
    if not found:
        raise StackUnreadable(
            "No stack is selected. Name one with --stack, or run: pulumi stack select"
        )
    return str(found[0])


def project() -> str:
    """The name of this folder's project.

    Raises:
        StackUnreadable: there is none.
    """
    try:
        return LocalWorkspace(work_dir=".").project_settings().name
    except (FileNotFoundError, ValueError) as error:
        raise StackUnreadable(
            f"This folder has no Pulumi project that can be read ({error}). Run this where Pulumi.yaml is."
        ) from None


def configuration(name: str) -> dict[str, dict[str, Any]]:
    """The configuration with its secrets in clear: `value` and `secret` by key.

    Raises:
        StackUnreadable: Pulumi does not tell.
    """
    found: dict[str, dict[str, Any]] = pulumi_json(
        "config", "--json", "--show-secrets", "--stack", name
    )
    return found


async def _settings(name: str, config: Mapping[str, Mapping[str, Any]]) -> tuple[Settings, Access]:
    """What the program makes of the configuration: its own reader reads it, with no engine behind."""
    short = name.rpartition("/")[2]
    configure(Runtime(project=project(), stack=short))
    values = {key: str(each["value"]) for key, each in config.items() if "value" in each}
    set_all_config(values, [key for key, each in config.items() if each["secret"]])
    try:
        return load_settings(), read_access()
    finally:
        set_all_config({}, [])


def state_of(exported: Mapping[str, Any]) -> State:
    """What matters of a state, as `pulumi stack export` prints it."""
    resources = (exported.get("deployment") or {}).get("resources") or []
    living = [each for each in resources if not each.get("delete")]

    def outputs(type: str) -> list[dict[str, Any]]:
        return [it["outputs"] for it in living if it["type"] == type and "outputs" in it]

    tunnels, applications = outputs(_TUNNEL), outputs(_APPLICATION)
    manifests = {
        name.removesuffix(_ACTIVATE): str(each["inputs"]["stdin"])
        for each in living
        if (name := each["urn"].rpartition("::")[2]).endswith(_ACTIVATE)
        and "stdin" in each.get("inputs", {})
    }
    return State(
        tunnel=tunnels[0] if tunnels else None,
        records={record["name"]: record for record in outputs(_RECORD)},
        manifests=manifests,
        access=OwnState(
            applications={
                each["destinations"][0]["uri"]: each
                for each in applications
                if each.get("destinations")
            },
            policies=tuple(outputs(_POLICY)),
        ),
    )


def pulumi_json(*words: str) -> Any:
    """What a command of Pulumi's prints.

    Raises:
        StackUnreadable: it fails.
    """
    return json.loads(pulumi_says(*words))


def pulumi_says(*words: str, stdin: str | None = None) -> str:
    """The output of a command of Pulumi's, which asks nothing.

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
