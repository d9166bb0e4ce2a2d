"""A state that version 0.1 wrote, as of commit a1a151d: every resource of it is the same one now.

`state.txt` has what that commit asked for: the types and the name that make a URN, and what replaces the resource when it
differs.
"""

import json
from pathlib import Path
from typing import Any

from tests.program.conftest import Program, server

STATE = Path(__file__).with_name("state.txt")


def identities(requests: dict[str, Any]) -> list[str]:
    """A line for each resource of a program."""
    return sorted(map(_identity, requests.values()))


def _identity(request: dict[str, Any]) -> str:
    # A mock names the stack among the types of the parents, which the engine does not.
    parents = request.get("parent", "::::").split("::")[2].replace("pulumi:pulumi:Stack", "")
    qualified = f"{parents.lstrip('$')}${request['type']}".lstrip("$")
    inputs = request.get("object", {})
    replacing = {key: inputs[key] for key in ("keepers", "triggers", "zoneId") if key in inputs}
    return f"{qualified}::{request['name']} {json.dumps(replacing)}"


def test_every_resource_of_a_state_of_an_earlier_version_is_the_same_one(program: Program) -> None:
    program.values["servers"] |= {"web2": server(2, user="deploy", port=2222, bastion=server(3))}
    program.values["sites"].append({"hostname": "app.example.com", "proxy": "127.0.0.1:3000"})

    found = identities(program.run())

    assert set(STATE.read_text().splitlines()) <= set(found)
