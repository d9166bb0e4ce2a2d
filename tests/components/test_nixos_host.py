"""A server's resources, as the engine is asked for them."""

from typing import Any

import pulumi
import pytest

from components import Connection, HostFile, NixosHost, NixosHostArgs, SshServer
from components.remote_programs import WHERE_TO_READ
from tests.components.program import registered

SERVER = SshServer(address="192.0.2.1", host_key="ssh-ed25519 AAAA")
FILES = [HostFile(name=name, path=f"/etc/caddy/{name}", content=name) for name in ("a", "b")]


class Machine(pulumi.CustomResource):
    """One that the same program makes."""

    ip: pulumi.Output[str]
    host_key: pulumi.Output[str]

    def __init__(self) -> None:
        super().__init__("test:index:Machine", "machine", {"ip": None, "host_key": None})


def host(server: SshServer = SERVER, **more: Any) -> None:
    """Registers a server with two files."""
    NixosHost(
        "web1",
        NixosHostArgs(
            deployment="argoweb/prod",
            connection=Connection(server=server),
            tunnel=[pulumi.ComponentResource("test:index:Tunnel", "tunnel")],
            files=FILES,
            serving=["caddy-unit caddy"],
            **more,
        ),
    )


def resources(**sent: str) -> dict[str, Any]:
    """The server's resources, when the files were sent at these times."""
    times = {"server.sh": "1", "a": "1", "b": "1", **sent}
    made = {f"web1-{name}": {"stdout": f"{time}\n"} for name, time in times.items()}
    return registered(host, made)


def commands(requests: dict[str, Any]) -> dict[str, Any]:
    """The inputs of each command."""
    return {
        name: request["object"]
        for name, request in requests.items()
        if request["type"] == "command:remote:Command"
    }


def activation(**sent: str) -> str:
    """The command that activates, when the files were sent at these times."""
    create: str = resources(**sent)["web1-activate"]["object"]["create"]
    return create


def test_it_is_activated_again_whenever_one_of_its_files_was_sent_again() -> None:
    found = [activation(), activation(a="2"), activation(b="2")]

    assert len(set(found)) == 3
    assert activation(a="2") == found[1]


def test_a_server_that_was_let_go_is_not_connected_to_for_what_is_not_in_the_state() -> None:
    found = commands(registered(lambda: host(let_go=True)))

    assert len(found) == 5
    assert [name for name, inputs in found.items() if "create" in inputs] == []


def test_the_teardown_is_known_before_the_first_file_is_sent() -> None:
    made = resources()

    for name in ("web1-a", "web1-b"):
        assert any("web1-teardown" in urn for urn in made[name]["dependencies"])


def test_the_activation_is_told_whose_the_server_is_what_serves_and_which_files_there_are() -> None:
    lines = resources()["web1-activate"]["object"]["stdin"].splitlines()

    assert lines[:2] == [
        "owner argoweb/prod/web1 root@192.0.2.1:22 0a1b2c3d",
        "caddy-unit caddy",
    ]
    assert [line.split()[:4] for line in lines[2:-1]] == [
        ["file", name, "644", "root:root"] for name in ("a", "b")
    ]


@pytest.mark.parametrize(("user", "sudo"), [("root", False), ("deploy", True)])
def test_a_machine_of_the_same_program_tells_where_it_is_and_which_key_it_has(
    user: str, sudo: bool
) -> None:
    key = "ssh-ed25519 BBBB"

    def program() -> None:
        machine = Machine()
        whoever = machine.ip.apply(lambda _: user)
        host(SshServer(address=machine.ip, host_key=machine.host_key, user=whoever))

    found = registered(program, {"machine": {"ip": "192.0.2.7", "host_key": key}})

    for name, inputs in commands(found).items():
        connection = inputs["connection"]["value"]
        assert (connection["host"], connection["hostKey"]) == ("192.0.2.7", key)
        assert inputs["triggers"] == [f"{user}@192.0.2.7:22"]
        assert any("machine" in urn for urn in found[name]["dependencies"])
        command = inputs.get("create") or inputs["delete"]
        assert command.removeprefix(WHERE_TO_READ).startswith("sudo -n ") == sudo
    assert found["web1-id"]["object"]["keepers"] == {"address": f"{user}@192.0.2.7:22"}
