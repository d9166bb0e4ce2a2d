"""The only reader of Pulumi's configuration."""

import os
import re

import pulumi
from pulumi.runtime.config import CONFIG, is_config_secret

from settings import ssh_key
from settings.api_access import access
from settings.build import NAMESPACE, build
from settings.errors import SettingsError
from settings.keys import SECRETS, STACK
from settings.model import Settings
from values.kinds import Choice, Text, nearest

_CREDENTIALS = ("cloudflare:apiKey", "cloudflare:apiToken")

_OF_CADDY = ("sites", "caddy")
"""The keys that may have lines of Caddy's configuration."""
_CADDY_READS = ", or let Caddy read it there: '{env.NAME}', with services.caddy.environmentFile"


def load() -> Settings:
    """The settings of the stack that is being run.

    Raises:
        SettingsError: they cannot work; it names everything that is wrong.
    """
    config = pulumi.Config(NAMESPACE)
    problems: list[str] = []
    raw: dict[str, object] = {}
    for key, about in STACK.keys.items():
        text = config.get(key)
        if not text:
            continue
        if is_config_secret(f"{NAMESPACE}:{key}"):
            problems.append(
                f"{NAMESPACE}:{key}: holds an encrypted value, which would be plain in the state and on the servers. "
                f"Write it in clear{_CADDY_READS if key in _OF_CADDY else ''}."
            )
        raw[key] = text if isinstance(about.shape, Text | Choice) else _value(config, key, text)
    # Keys that the schema of Pulumi.yaml gives an empty default are not there.
    raw = {key: value for key, value in raw.items() if value not in (None, "", [], {})}
    try:
        access()
    except SettingsError as error:
        problems += error.problems
    problems += [
        f"{key}: found it in clear, expected it encrypted. Set it again: pulumi config set --secret {key}"
        for key in (*(f"{NAMESPACE}:{name}" for name in SECRETS), *_CREDENTIALS)
        if CONFIG.get().get(key) and not is_config_secret(key)
    ]
    private_key = config.get_secret("sshPrivateKey")
    if private_key is None and not os.environ.get("SSH_AUTH_SOCK"):
        problems.append(
            "argoweb:sshPrivateKey: missing, and there is no SSH agent (SSH_AUTH_SOCK). "
            "Set it with: pulumi config set --secret argoweb:sshPrivateKey < ~/.ssh/id_ed25519"
        )
    key_problem = private_key is not None and ssh_key.problem(config.get("sshPrivateKey") or "")
    if key_problem:
        problems.append(f"argoweb:sshPrivateKey: {key_problem}")
    problems += _unknown_keys()
    return build(
        raw,
        deployment=f"{pulumi.get_project()}/{pulumi.get_stack()}",
        ssh_private_key=private_key,
        tunnel_secret=config.get("tunnelSecret"),
        problems=problems,
    )


def _value(config: pulumi.Config, key: str, text: str) -> object:
    """The list or table of a key; a text that is none is refused by its shape, together with all else."""
    try:
        return config.get_object(key)
    except pulumi.ConfigTypeError:
        return text


def _unknown_keys() -> list[str]:
    known = {*STACK.keys, *SECRETS}
    found = [
        key.removeprefix(f"{NAMESPACE}:") for key in CONFIG.get() if key.startswith(f"{NAMESPACE}:")
    ]
    return [f"{NAMESPACE}:{key}: {_unknown(key, known)}" for key in found if key not in known]


def _unknown(key: str, known: set[str]) -> str:
    beginning = re.match(r"(\w+)[.\[]", key)
    if beginning is None or beginning[1] not in known:
        return f"unknown key. {nearest(key, known, STACK.words)}"
    place = f"'{NAMESPACE}:{key}'"
    return (
        f"was set without --path. Run: pulumi config rm {place}, "
        f"then: pulumi config set --path {place} <value>"
    )
