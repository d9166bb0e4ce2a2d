"""The oldest Pulumi that this works with is said in three places."""

import re
from pathlib import Path

import yaml

from sandbox.engine import pulumi_cli

ROOT = Path(__file__).resolve().parent.parent


def test_the_sdk_the_command_line_and_the_sandbox_ask_for_the_same_pulumi() -> None:
    sdk = re.search(r"^pulumi>=([\d.]+),", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    command_line = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["requiredPulumiVersion"]

    assert sdk is not None
    assert command_line == f">={sdk[1]}.0"
    assert sdk[1] == ".".join(map(str, pulumi_cli.OLDEST))
