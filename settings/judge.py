"""Judges a stack file by itself, as a preview would: without Pulumi's engine, the network or any secret."""

import json
from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import TypeGuard

from pulumi.runtime import set_all_config

from cloudflared.go.decode import Decoder
from cloudflared.go.yaml import Node, YamlError, compose
from settings.errors import FindingsError
from settings.reading.api_access import NO_CREDENTIALS, read_access
from settings.reading.build import build
from settings.reading.load import read_keys
from values.findings import Finding, Findings, Kind, Severity
from values.tables import MISSING_KEY

UNREADABLE_STACK = Kind("unreadable-stack", "A stack file is no YAML, or has no `config`.")
_PROJECT = "argoweb"
"""Stands for the project's name, which only shows in comments of records."""
_SECURE = "secure"


def judge(data: bytes, stack: str, folder: Path) -> list[Finding]:
    """Finds what is wrong with the file of the stack of that name, or doubtful, each with its line; `folder` is the project's.

    What only Pulumi can know is left out: secrets, and with an `environment` what that may set.
    """
    decoder = Decoder(findings=Findings())
    try:
        document = compose(data)
        keys = (
            {key.text: value for key, value in document.list_pairs()}
            if _is_mapping(document)
            else {}
        )
        if not _is_mapping(keys.get("config")):
            return [_refuse("found no mapping `config`, in which a stack file has its keys.", 1)]
        given = _read_values(keys["config"], decoder)
    except YamlError as error:
        return [_refuse(f"this is no YAML: {error}", error.line)]
    found = decoder.findings.errors or _judge(given, stack, folder)
    if "environment" in keys:
        found = [each for each in found if each.kind is not MISSING_KEY or "." in each.place]
    return [replace(each, line=_find_line(each.place, decoder.lines)) for each in found]


def _read_values(config: Node, decoder: Decoder) -> dict[str, object]:
    """Gives the value of each key; that of a scalar is its text, whatever YAML would make of it."""
    found = decoder.read_untyped(config, "")
    values = {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}
    for key, value in config.list_pairs():
        if value.kind == "scalar" and values.get(key.text) is not None:
            values[key.text] = value.text
    return values


def _is_mapping(node: Node | None) -> TypeGuard[Node]:
    return node is not None and node.kind == "mapping"


def _refuse(text: str, line: int) -> Finding:
    return Finding(place="", kind=UNREADABLE_STACK, text=text, severity=Severity.ERROR, line=line)


def _judge(given: Mapping[str, object], stack: str, folder: Path) -> list[Finding]:
    """Has the program's own reader judge the configuration."""
    secret = {key for key, value in given.items() if _is_secret(value)}
    # What is encrypted is not known; of a key that takes no secret it is enough that it is one.
    texts = {
        key: _as_pulumi_has_it(value)
        for key, value in given.items()
        if not _is_secret_itself(value)
    }
    context = copy_context()
    context.run(set_all_config, texts, [key for key in secret if key in texts])
    return context.run(_read, f"{_PROJECT}/{stack}", folder)


def _read(deployment: str, folder: Path) -> list[Finding]:
    findings = Findings()
    raw = read_keys(findings)
    try:
        read_access()
    except FindingsError as error:
        # What is missing, or said by a variable, is not the file's.
        of_file = [each for each in error.findings if each.place.startswith("cloudflare:")]
        findings.errors += [each for each in of_file if each.kind is not NO_CREDENTIALS]
    try:
        return list(build(raw, deployment=deployment, before=findings, folder=folder).warnings)
    except FindingsError as error:
        return list(error.findings)


def _is_secret_itself(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {_SECURE}


def _is_secret(value: object) -> bool:
    """Whether a value is encrypted, or has a part that is."""
    if isinstance(value, dict):
        return _is_secret_itself(value) or any(map(_is_secret, value.values()))
    return isinstance(value, list) and any(map(_is_secret, value))


def _as_pulumi_has_it(value: object) -> str:
    """Gives the text of a value that Pulumi hands to a program: JSON of lists and mappings."""
    if isinstance(value, str):
        return value
    return json.dumps(_decrypt(value), default=str)


def _decrypt(value: object) -> object:
    """Gives the value with a text in the place of each encrypted part."""
    if isinstance(value, dict):
        return _SECURE if _is_secret_itself(value) else {k: _decrypt(v) for k, v in value.items()}
    return [_decrypt(item) for item in value] if isinstance(value, list) else value


def _find_line(place: str, lines: Mapping[str, int]) -> int:
    """Gives the line of a place, or of the nearest one above it that has a line; 0 if none has."""
    while place and place not in lines:
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return lines.get(place, 0)
