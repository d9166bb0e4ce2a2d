"""Our Cloudflare resources ask the engine for exactly what the SDK's own classes ask for."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = "components.cloudflare"
SDK = "pulumi_cloudflare"


@cache
def registered(module: str) -> dict[str, Any]:
    """What a program that begins without any of our imports registers with the classes of a module."""
    shown = subprocess.run(
        [sys.executable, "-m", "tests.components.registrations", module],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    ).stdout
    result: dict[str, Any] = json.loads(shown)
    return result


def test_the_sdk_which_takes_seconds_is_not_imported() -> None:
    assert registered(OURS)["imported"] == []
    assert SDK in registered(SDK)["imported"]


@pytest.mark.parametrize(
    "resource", ["tunnel", "record", "application", "policy", "token", "notification"]
)
def test_both_register_the_same_resource(resource: str) -> None:
    request = registered(OURS)["requests"][resource]

    assert request == registered(SDK)["requests"][resource]
    former = set() if resource == "notification" else {"aliases"}
    assert {"version", "object", "propertyDependencies", *former} <= set(request)
