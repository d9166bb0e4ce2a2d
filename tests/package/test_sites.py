"""The component for a whole deployment, against what a stack file of the same keys asks for."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from package.provider import Package
from package.schema import OUTPUTS, SITES
from tests.existing.conftest import TEAM, Cloudflare, cloudflare
from tests.program.conftest import KEY, Program, program

__all__ = ["cloudflare", "program"]


@pytest.fixture
def with_access(program: Program) -> Program:
    """A stack with a site for whoever has a service token."""
    program.values["access"] = {
        "team": TEAM,
        "groups": {"ci": {"serviceTokens": ["deploy"]}},
        "serviceTokens": {"deploy": {}},
    }
    program.values["sites"][0]["access"] = "ci"
    return program


class Component:
    """A program that makes the component `web` with a stack file's keys as its arguments."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.state: dict[str, Any] = {}
        """Its outputs, as they are told to the program that has it."""
        self.secret: list[str] = []
        """Which of them are."""

    def run(self, change: Callable[[dict[str, Any]], None] = lambda _: None) -> dict[str, Any]:
        """The engine's requests; `change` changes the arguments, inside of the program."""

        async def tell(outputs: Mapping[str, Any]) -> Any:
            self.state = {name: await it.future() for name, it in outputs.items()}
            self.secret = [name for name, it in outputs.items() if await it.is_secret()]

        def main() -> None:
            inputs = {**self._program.values, "sshPrivateKey": KEY}
            change(inputs)
            made = Package().construct("web", SITES, inputs)
            pulumi.Output.from_input(tell(made.state))

        return self._program.run(main)


def test_it_makes_what_a_stack_makes_below_itself_and_by_names_of_its_own(
    with_access: Program,
) -> None:
    alone = {*with_access.run()}

    inside = Component(with_access).run()

    stack = "argoweb-prod"
    assert {*inside} - {stack, "web"} == {f"web-{name}" for name in alone - {stack}}
    of_the_stack = [name for name, it in inside.items() if it.get("parent", "").endswith(stack)]
    assert of_the_stack == ["web"]
    assert inside["web"]["type"] == SITES


def test_it_tells_what_a_stack_exports_the_service_tokens_as_a_secret(with_access: Program) -> None:
    with_access.run()
    exported = with_access.outputs
    component = Component(with_access)

    component.run()

    assert component.state.keys() == with_access.of_components["web"].keys() == OUTPUTS.keys()
    assert component.state == {
        "tunnelId": "web-tunnel-tunnel-id",
        "hostnames": exported["hostnames"],
        "urls": exported["urls"],
        "serviceTokens": {"deploy": {"clientId": "1a2b.access", "clientSecret": "cfast_3c4d"}},
    }
    assert component.secret == ["serviceTokens"]


def test_a_server_is_reached_where_another_resource_says(program: Program) -> None:
    def told(inputs: dict[str, Any]) -> None:
        address = pulumi.Output.from_input("192.0.2.9")
        inputs["servers"] = {"web1": {**inputs["servers"]["web1"], "address": address}}

    requests = Component(program).run(told)

    way = requests["web-web1-activate"]["object"]["connection"]["value"]
    assert way["host"] == "192.0.2.9"


def test_it_warns_in_the_words_of_a_program(program: Program) -> None:
    program.values["sites"][0]["path"] = "/docs"
    component = Component(program)

    component.run()

    assert [text for text in program.told if "path-unanchored" in text and "sites[0].path" in text]
    assert not [text for text in program.told if "argoweb:" in text]


def test_what_is_at_cloudflare_stands_in_its_way(program: Program, cloudflare: Cloudflare) -> None:
    cloudflare.has("www.example.com", "A", "192.0.2.80")

    with pytest.raises(pulumi.InputPropertiesError) as refused:
        Component(program).run()

    assert refused.value.errors is not None
    assert [it["property_path"] for it in refused.value.errors] == ["sites[0].hostname"]
    assert not [it for it in refused.value.errors if "argoweb:" in it["reason"]]
