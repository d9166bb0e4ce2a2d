"""A whole deployment in a program that is not ours."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pulumi

from components import Connection, SshServer, deploy
from components.deploy import Within
from existing import Found, OwnState, TunnelFound
from existing.access.applications import AccessFound
from settings.reading.build import build
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


def test_a_server_with_an_address_of_its_own_for_its_metrics_gets_a_file_of_its_own(
    prod: dict[str, Any],
) -> None:
    prod["metrics"] = {"address": "10.0.0.5:9180"}
    first = prod["servers"]["web1"]
    prod["servers"] |= {
        "web2": {**first, "address": "192.0.2.2", "metricsAddress": "10.0.0.6:9180"},
        "web3": {**first, "address": "192.0.2.3"},
    }
    settings = build(prod, deployment="argoweb/prod")

    requests = registered(
        lambda: deploy(settings, OwnState(), Found(tunnel=TunnelFound(), claims=[]))
    )

    files = {name: requests[f"{name}-argoWeb.caddy"]["object"]["stdin"] for name in prod["servers"]}
    assert files["web1"] == files["web3"] == files["web2"].replace("10.0.0.6", "10.0.0.5")
    assert "bind 10.0.0.6" in files["web2"]
    others = ("argoWeb.yml", "argoWeb.json", "argoWeb.nix")
    for name in others:
        assert len({str(requests[f"{it}-{name}"]["object"]["stdin"]) for it in files}) == 1, name


def test_inside_of_another_program_each_resource_has_a_parent_and_a_name_of_the_components_own(
    prod: dict[str, Any],
) -> None:
    prod["access"] = {"team": "team", "groups": {"staff": {"emails": "ann@example.com"}}}
    prod["sites"][0]["access"] = "staff"
    prod["alerts"] = {"email": "ann@example.com"}
    settings = build(prod, deployment="shop/dev/web")
    assert settings.access is not None
    applications = settings.access.applications

    def program(within: Callable[[], Within]) -> Callable[[], object]:
        access = replace(AccessFound(), applications=applications)
        found = Found(tunnel=TunnelFound(), claims=[], access=access)
        return lambda: deploy(settings, OwnState(), found, within=within())

    alone = registered(program(Within))
    inside = registered(
        program(lambda: Within(component=pulumi.ComponentResource("a:b:C", "web"), prefix="web-"))
    )

    assert {name.removeprefix("web-") for name in inside} - {"web"} == {*alone}
    assert [name for name in inside if not name.startswith("web")] == []
    root = inside["web"].get("parent", "")
    assert [
        name for name, each in inside.items() if name != "web" and each.get("parent", "") == root
    ] == []
