"""What the command stand-in says of a server that does not answer: the texts of the plugin's `connection.go`."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pulumi  # noqa: F401  (before the plugins, which put an empty one in its place)
import pytest

from sandbox.plugins.base import Log, PluginError
from sandbox.plugins.ssh_connection import connect


@pytest.fixture
def nobody() -> Iterator[dict[str, Any]]:
    """A port that refuses connections."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield {
            "host": "127.0.0.1",
            "port": closed.getsockname()[1],
            "user": "root",
            "perDialTimeout": 10,
            "dialErrorLimit": 1,
        }


def said(connection: dict[str, Any]) -> str:
    with pytest.raises(PluginError) as failed:
        connect(connection, Log(None, ""), threading.Event())
    return str(failed.value)


def test_the_last_try_is_named_by_its_number_from_0(nobody: dict[str, Any]) -> None:
    refused = f"dial tcp 127.0.0.1:{nobody['port']}: connect: connection refused"

    assert said(nobody) == f"after 1 failed attempts: {refused}"
    assert said({**nobody, "dialErrorLimit": 0}) == f"after 0 failed attempts: {refused}"


def test_what_fails_by_way_of_a_bastion_is_said_to_be_the_proxys(nobody: dict[str, Any]) -> None:
    assert said({**nobody, "proxy": nobody}).startswith("proxy: after 1 failed attempts: dial tcp ")
    secret = {**nobody, "privateKey": "no key"}
    assert said({**nobody, "proxy": secret}).startswith("proxy: ssh: no key found")
    assert said({**secret, "proxy": nobody}).startswith("ssh: no key found")
