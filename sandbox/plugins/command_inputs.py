"""The inputs of a remote command: what a connection is filled up with, and what is refused at once."""

from typing import Any

from sandbox.plugins.base import Failure
from sandbox.plugins.values import UNKNOWN, Properties, Secret

DEFAULTS: Properties = {"port": 22, "user": "root", "dialErrorLimit": 10, "perDialTimeout": 15}
"""What a connection has unless it says otherwise; the timeout is in seconds."""

FIELDS = frozenset(DEFAULTS) | {
    "host",
    "password",
    "privateKey",
    "privateKeyPassword",
    "agentSocketPath",
    "hostKey",
}
"""Every field of a connection; `proxy` has the same."""

LOGGED = {
    "stdout": ("stdout",),
    "stderr": ("stderr",),
    "stdoutAndStderr": ("stdout", "stderr"),
    "none": (),
}
"""Which streams each `logging` value shows line by line."""

_TEXTS = ("create", "update", "delete", "stdin")
_INPUTS = frozenset(_TEXTS) | {
    "connection",
    "triggers",
    "environment",
    "logging",
    "addPreviousOutputInEnv",
}


def with_defaults(connection: Any) -> Any:
    """The connection and its jump host with every default; what is no object stays as it is."""
    if isinstance(connection, Secret):
        return Secret(with_defaults(connection.value))
    if not isinstance(connection, dict):
        return connection
    complete = {**DEFAULTS, **{k: v for k, v in connection.items() if v is not None}}
    if "proxy" in complete:
        complete["proxy"] = with_defaults(complete["proxy"])
    return complete


def failures(inputs: Properties) -> list[Failure]:
    """What is wrong with the inputs of a command."""
    found = [
        Failure(property=name, reason=f"{name} is no input of a remote command")
        for name in inputs.keys() - _INPUTS
    ]
    found += [
        Failure(property=name, reason=f"{name} must be a string")
        for name in _TEXTS
        if not _is(inputs.get(name), str)
    ]
    if not _is(inputs.get("triggers"), list):
        found.append(Failure(property="triggers", reason="triggers must be a list"))
    environment = inputs.get("environment")
    if not _is(environment, dict) or (
        isinstance(environment, dict) and not all(_is(v, str) for v in environment.values())
    ):
        found.append(
            Failure(property="environment", reason="environment must be an object of strings")
        )
    logging = inputs.get("logging")
    if logging is not None and logging is not UNKNOWN and logging not in LOGGED:
        known = ", ".join(LOGGED)
        found.append(Failure(property="logging", reason=f"logging must be one of {known}"))
    return found + _connection_failures("connection", inputs.get("connection"), {"proxy"})


def _connection_failures(path: str, connection: Any, more: set[str]) -> list[Failure]:
    """Names fields only: the values are secret."""
    if connection is UNKNOWN:
        return []
    if not isinstance(connection, dict):
        return [Failure(property=path, reason=f"{path} is missing or no object")]
    found = [
        Failure(property=f"{path}.{name}", reason=f"{name} is no field of a connection")
        for name in connection.keys() - FIELDS - more
    ]
    if not _is(connection.get("host", 0), str):
        found.append(Failure(property=f"{path}.host", reason="host is missing or no string"))
    if "proxy" in connection and more:
        found += _connection_failures(f"{path}.proxy", connection["proxy"], set())
    return found


def _is(value: Any, kind: type) -> bool:
    return value is None or value is UNKNOWN or isinstance(value, kind)
