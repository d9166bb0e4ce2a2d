"""Reads the stack's settings from Pulumi's configuration, which nothing else reads."""

import os
import re
from pathlib import Path

import pulumi
from pulumi.runtime.config import CONFIG, is_config_secret

from settings.errors import FindingsError
from settings.keys.stack import SECRETS, STACK
from settings.model.stack import Settings
from settings.reading import ssh_key
from settings.reading.api_access import Access, read_access
from settings.reading.build import NAMESPACE, build
from values.findings import Findings, Kind, make_warning
from values.kinds import Choice, Text
from values.remedies import RemoveKey, SetKey
from values.tables import UNKNOWN_KEY, name_nearest

ENCRYPTED = Kind("encrypted", "An encrypted value would be plain in the state and on the servers.")
IN_CLEAR = Kind("in-clear", "A secret is not encrypted in the stack file.")
NO_SSH_KEY = Kind(
    "no-ssh-key", "Neither an SSH key nor an agent is there to reach the servers with."
)
UNUSABLE_SSH_KEY = Kind("unusable-ssh-key", "The SSH key cannot be used as it is.")
WITHOUT_PATH = Kind(
    "without-path",
    "A key was set without `--path`, so Pulumi took its dots for a part of its name.",
)
NEARLY_TOO_LARGE = make_warning(
    "nearly-too-large", "The stack file has nearly more than Pulumi can hand to a program."
)
_HANDED = "PULUMI_CONFIG"
_MOST_BYTES = 131_072
"""Bytes of a variable with its name, as Linux takes it (`MAX_ARG_STRLEN`); with more Pulumi's host cannot start the program."""
_CREDENTIALS = ("cloudflare:apiKey", "cloudflare:apiToken")

_OF_CADDY = ("sites", "caddy")
"""The keys that may have lines of Caddy's configuration."""
_CADDY_READS = ", or let Caddy read it there: '{env.NAME}', with services.caddy.environmentFile"


def load_settings() -> tuple[Settings, Access]:
    """Reads the settings of the stack that is being run, and how Cloudflare's API is reached.

    Raises:
        FindingsError: they cannot work; it names everything that is wrong.
    """
    config = pulumi.Config(NAMESPACE)
    findings = Findings()
    raw = read_keys(findings)
    _check_size(findings)
    try:
        access = read_access()
    except FindingsError as error:
        findings.errors += error.findings
    # Pulumi.yaml declares both with an empty default, since Pulumi insists on any key without one.
    private_key = config.get("sshPrivateKey") or None
    check_ssh_key(private_key, findings)
    settings = build(  # which raises what was found about the API, too
        raw,
        deployment=f"{pulumi.get_project()}/{pulumi.get_stack()}",
        ssh_private_key=config.get_secret("sshPrivateKey") if private_key else None,
        tunnel_secret=config.get("tunnelSecret") or None,
        before=findings,
        folder=Path(),
    )
    return settings, access


def _check_size(findings: Findings) -> None:
    handed = len(os.environ.get(_HANDED, "").encode())
    if handed > _MOST_BYTES * 3 // 4:
        findings.add(
            NEARLY_TOO_LARGE,
            f"{NAMESPACE}:sites",
            f"the stack's configuration takes {handed} bytes, and Pulumi can hand over some {_MOST_BYTES}: with more it ends "
            "with 'argument list too long'.",
            "Write them into a file of their own (argoweb:sitesFile), or those that differ in their hostname alone as one: "
            "hostname: [a.example.com, b.example.com].",
        )


def check_ssh_key(text: str | None, findings: Findings) -> None:
    """Checks that there is a usable private key, or an SSH agent in its place."""
    if text is None and not os.environ.get("SSH_AUTH_SOCK"):
        findings.add(
            NO_SSH_KEY,
            "argoweb:sshPrivateKey",
            "missing, and there is no SSH agent (SSH_AUTH_SOCK).",
            ("Set it with: ", ssh_key.SET_KEY),
        )
    problem = None if text is None else ssh_key.find_problem(text)
    if problem is not None:
        findings.add(UNUSABLE_SSH_KEY, "argoweb:sshPrivateKey", *problem)


def read_keys(findings: Findings) -> dict[str, object]:
    """Reads the keys of the stack file that are no secrets, and finds what is wrong with how they were set."""
    config = pulumi.Config(NAMESPACE)
    raw: dict[str, object] = {}
    for key, about in STACK.keys.items():
        text = config.get(key)
        if not text:
            continue
        if is_config_secret(f"{NAMESPACE}:{key}"):
            findings.add(
                ENCRYPTED,
                f"{NAMESPACE}:{key}",
                "holds an encrypted value, which would be plain in the state and on the servers.",
                f"Write it in clear{_CADDY_READS if key in _OF_CADDY else ''}.",
            )
        raw[key] = (
            text if isinstance(about.shape, Text | Choice) else _read_value(config, key, text)
        )
    # Keys that the schema of Pulumi.yaml gives an empty default are not there.
    raw = {key: value for key, value in raw.items() if value not in (None, "", [], {})}
    for key in (*(f"{NAMESPACE}:{name}" for name in SECRETS), *_CREDENTIALS):
        if CONFIG.get().get(key) and not is_config_secret(key):
            findings.add(
                IN_CLEAR,
                key,
                "found it in clear, expected it encrypted.",
                ("Set it again: ", SetKey(key, secret=True)),
            )
    _check_names(findings)
    return raw


def _read_value(config: pulumi.Config, key: str, text: str) -> object:
    """Gives the list or table of a key; a text that is none is refused by its shape, together with all else."""
    try:
        return config.get_object(key)
    except pulumi.ConfigTypeError:
        return text


def _check_names(findings: Findings) -> None:
    """Checks that each key of the namespace is one that is known."""
    known = {*STACK.keys, *SECRETS}
    for place in CONFIG.get():
        namespace, _, key = place.partition(":")
        if namespace != NAMESPACE or key in known:
            continue
        beginning = re.match(r"(\w+)[.\[]", key)
        if beginning is None or beginning[1] not in known:
            findings.add(UNKNOWN_KEY, place, "unknown key.", name_nearest(key, known, STACK.words))
        else:
            findings.add(
                WITHOUT_PATH,
                place,
                "was set without --path.",
                ("Run: ", RemoveKey(place), ", then: ", SetKey(place, "<value>")),
            )
