"""Who may import whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = {"settings", "lookup", "ingress", "render", "components"}
ALLOWED = {
    "ingress": {"ingress"},
    "settings": {"settings", "ingress"},
    "render": {"render", "settings", "ingress"},
    "lookup": {"lookup", "settings"},
    "components": {"components", "lookup", "render", "settings"},
    "sandbox": {"sandbox"},
    "bench": {"bench", "render", "settings", "tests"},
}
OURS = {*ALLOWED, "tests"}


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names & OURS


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_stands_below_it(package: str) -> None:
    files = [file for file in (ROOT / package).rglob("*.py") if "example" not in file.parts]

    assert files
    assert set().union(*map(imported, files)) <= ALLOWED[package]


def test_the_program_itself_knows_nothing_of_the_sandbox() -> None:
    assert imported(ROOT / "__main__.py") == {"components", "lookup", "settings"}
    texts = [
        file.read_text()
        for package in (*PRODUCT, "nixos", "remote")
        for file in (ROOT / package).rglob("*")
        if file.suffix in (".py", ".nix", ".sh")
    ]
    assert not [text for text in texts if "sandbox" in text.lower()]


@pytest.mark.parametrize("baseline", ["empty", "flat"])
def test_what_the_measurements_compare_with_uses_nothing_of_ours(baseline: str) -> None:
    assert imported(ROOT / "bench" / baseline / "__main__.py") == set()
