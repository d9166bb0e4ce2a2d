"""The oldest Pulumi that this works with is said in two places, that of its SDK in one."""

import re
from pathlib import Path

import yaml

from sandbox.engine import pulumi_cli

ROOT = Path(__file__).resolve().parent.parent


def test_the_command_line_and_the_sandbox_ask_for_the_same_pulumi() -> None:
    command_line = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["requiredPulumiVersion"]

    assert command_line == f">={'.'.join(map(str, pulumi_cli.OLDEST))}.0"


def test_the_oldest_sdk_is_the_first_with_an_asynchronous_program() -> None:
    """Its changelog has `pulumi.run` under 3.254.0."""
    oldest = re.search(r"^pulumi>=([\d.]+),", (ROOT / "requirements.txt").read_text(), re.MULTILINE)

    assert oldest is not None
    assert oldest[1] == "3.254"
