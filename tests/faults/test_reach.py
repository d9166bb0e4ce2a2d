"""Servers that cannot be reached as the stack says."""

import socket
from typing import Any

import pytest

from sandbox.world import World
from tests.faults.faults import Faults
from tests.faults.test_health import refused

pytestmark = pytest.mark.long


def test_a_server_that_does_not_answer_is_named_after_a_bounded_number_of_attempts(
    deployed: World, faults: Faults
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

        def moved_away(config: dict[str, Any]) -> None:
            config["argoweb:servers"]["web1"] |= {"port": port, "dialAttempts": 2}

        with deployed.changed(moved_away):
            said = refused(deployed)

    assert "after 1 failed attempts: dial tcp" in said
    assert f"127.0.0.1:{port}" in said
    assert deployed.get("www.example.localhost")[0] == 200


def test_another_host_key_than_the_stacks_is_refused(deployed: World, faults: Faults) -> None:
    def another(config: dict[str, Any]) -> None:
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcpm+wG0MPDzKqqLNt1DMHBYtRMDGlWDQVjFMQfNEJf"
        config["argoweb:servers"]["web1"] |= {"hostKey": key, "dialAttempts": 1, "redeploy": 3}

    with deployed.changed(another):
        said = refused(deployed)

    assert "after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch" in said
    assert deployed.get("www.example.localhost")[0] == 200
