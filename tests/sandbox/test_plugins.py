"""The stand-in plugins."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["cloudflare", "command", "random"])
def test_a_plugin_starts_without_what_it_needs_later_or_never(name: str) -> None:
    """The engine starts plugins one after the other, so every preview would wait for it."""
    code = (
        f"import sandbox.plugins.{name}, sys\n"
        "print(sorted({'paramiko', 'pulumi.resource'} & set(sys.modules)))"
    )

    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert shown == "[]\n"
