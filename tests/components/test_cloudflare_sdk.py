"""The excerpt of the Cloudflare SDK does exactly what the whole SDK does."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXCERPT = "components.cloudflare_sdk"
WHOLE = "pulumi_cloudflare"


def python(*words: str, path: Path = ROOT) -> str:
    """The output of a Python program that begins without any of our imports."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={"PYTHONPATH": f"{path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    ).stdout


@cache
def registered(module: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(python("-m", "tests.components.registrations", module))
    return result


def test_the_installed_sdk_is_laid_out_so_that_an_excerpt_can_be_made() -> None:
    imported = registered(EXCERPT)["imported"]

    assert f"{WHOLE}.excerpt.dns_record" in imported
    assert WHOLE not in imported, "the whole SDK is imported, which takes seconds: look at _excerpt"
    assert len(imported) == 6


@pytest.mark.parametrize("resource", ["tunnel", "record"])
def test_both_register_the_same_resource(resource: str) -> None:
    request = registered(EXCERPT)["requests"][resource]

    assert request == registered(WHOLE)["requests"][resource]
    assert {"version", "aliases", "object", "propertyDependencies"} <= set(request)


@pytest.mark.parametrize("output", ["settings", "data", "connections", "meta", "tags", "ttl", "id"])
def test_both_give_the_same_outputs_with_the_same_nested_types(output: str) -> None:
    found = registered(EXCERPT)["outputs"][output]

    assert found
    assert found == registered(WHOLE)["outputs"][output]


def test_the_whole_sdk_can_be_imported_beside_the_excerpt() -> None:
    shown = python(
        "-c",
        f"import pulumi, {EXCERPT} as excerpt, {WHOLE} as whole\n"
        "print(whole.Ruleset.__module__, whole.DnsRecord.__module__, excerpt.DnsRecord.__module__)",
    )

    assert shown.split() == [
        f"{WHOLE}.ruleset",
        f"{WHOLE}.dns_record",
        f"{WHOLE}.excerpt.dns_record",
    ]


@pytest.mark.parametrize("left", ["", "types", "resources"])
def test_an_sdk_with_another_layout_is_imported_whole(tmp_path: Path, left: str) -> None:
    """One module for everything; with the old modules still there, or only half of what they had."""
    sdk = tmp_path / WHOLE
    sdk.mkdir()
    (sdk / "__init__.py").write_text(
        "class DnsRecord: ...\nclass ZeroTrustTunnelCloudflared: ...\n"
    )
    if left:
        for name in ("dns_record", "zero_trust_tunnel_cloudflared"):
            (sdk / f"{name}.py").write_text("from . import outputs\nx: 'outputs.Nested'\n")
        (sdk / "_utilities.py").write_text("")
    if left == "types":
        for name in ("outputs", "_inputs"):
            (sdk / f"{name}.py").write_text("\n__all__ = []\n\nclass Nested(dict):\n    ...\n")

    shown = python(
        "-c", f"from {EXCERPT} import DnsRecord; print(DnsRecord.__module__)", path=tmp_path
    )

    assert shown.strip() == WHOLE
