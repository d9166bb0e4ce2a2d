"""A whole deployment in a program that is not ours."""

from dataclasses import replace
from typing import Any

import pulumi

from components import Connection, SshServer, deploy
from existing import Found, OwnState, TunnelFound
from settings.build import build
from tests.components.program import registered


def test_a_server_that_another_resource_makes_is_reached_where_that_one_says(
    prod: dict[str, Any],
) -> None:
    settings = build(prod, deployment="argoweb/prod")
    first = settings.servers[0]
    settings = replace(settings, servers=[first, replace(first, name="made")])

    def program() -> None:
        machine = SshServer(
            address=pulumi.Output.from_input("192.0.2.7"),
            host_key=pulumi.Output.from_input("ssh-ed25519 BBBB"),
        )
        deploy(
            settings,
            OwnState(),
            Found(tunnel=TunnelFound(), claims=[]),
            connections={"made": Connection(server=machine)},
        )

    requests = registered(program)

    reached = {
        name: request["object"]["connection"]["value"]["host"]
        for name, request in requests.items()
        if name.endswith("-activate")
    }
    assert reached == {f"{first.name}-activate": first.address, "made-activate": "192.0.2.7"}
