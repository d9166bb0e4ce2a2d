"""A server's resources, as the engine is asked for them."""

from typing import Any

import pulumi

from components import NixosHost, NixosHostArgs
from components.nixos_host import HostFile
from settings.build import build
from tests.components.program import registered


def resources(stack: dict[str, Any], **sent: str) -> dict[str, Any]:
    """The server's resources, when the files were sent at these times."""
    settings = build(stack, deployment="argoweb/prod")
    files = [HostFile(name=name, path=f"/etc/caddy/{name}", content=name) for name in ("a", "b")]
    times = {"server.sh": "1", "a": "1", "b": "1", **sent}
    made = {f"web1-{name}": {"stdout": f"{time}\n"} for name, time in times.items()}

    def program() -> None:
        tunnel = pulumi.ComponentResource("test:index:Tunnel", "tunnel")
        NixosHost(
            "web1",
            NixosHostArgs(
                settings=settings, server=settings.servers[0], tunnel=tunnel, files=files
            ),
        )

    return registered(program, made)


def activation(prod: dict[str, Any], **sent: str) -> str:
    """The command that activates, when the files were sent at these times."""
    create: str = resources(prod, **sent)["web1-activate"]["object"]["create"]
    return create


def test_it_is_activated_again_whenever_one_of_its_files_was_sent_again(
    prod: dict[str, Any],
) -> None:
    commands = [activation(prod), activation(prod, a="2"), activation(prod, b="2")]

    assert len(set(commands)) == 3
    assert activation(prod, a="2") == commands[1]


def test_a_server_that_was_let_go_is_not_connected_to_for_what_is_not_in_the_state(
    prod: dict[str, Any],
) -> None:
    (server,) = prod["servers"].values()
    server["letGo"] = True

    commands = {
        name: request["object"]
        for name, request in resources(prod).items()
        if request["type"] == "command:remote:Command"
    }

    assert len(commands) == 5
    assert [name for name, inputs in commands.items() if "create" in inputs] == []


def test_the_teardown_is_known_before_the_first_file_is_sent(prod: dict[str, Any]) -> None:
    made = resources(prod)

    for name in ("web1-a", "web1-b"):
        assert any("web1-teardown" in urn for urn in made[name]["dependencies"])
