"""Who may import whom."""

import ast
import gc
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {
    "argoweb": {"argoweb", "edge", "existing", "settings", "values"},
    "values": {"values"},
    "cloudflared/go": {"cloudflared.go", "values"},
    "cloudflared": {"cloudflared", "values"},
    "importing": {"importing", "cloudflared", "values"},
    "ingress": {"importing", "cloudflared.go", "values"},
    "settings": {"settings", "cloudflared", "values"},
    "settings/caddyfile": {"settings.caddyfile"},
    "settings/model": {"settings.model", "settings.caddyfile", "settings.contract", "cloudflared", "values"},
    "settings/keys": {"settings.keys", "settings.model", "settings.contract", "cloudflared", "values"},
    "settings/checks": {
        "settings.model", "settings.caddyfile", "settings.contract", "settings.looked_up", "settings.on_servers",
        "cloudflared", "values",
    },
    "settings/reading": {
        "settings.reading", "settings.keys", "settings.model", "settings.caddyfile", "settings.checks",
        "settings.contract", "settings.errors", "settings.telling", "cloudflared", "values",
    },
    "render": {"render", "settings", "cloudflared", "values"},
    "edge": {"edge", "settings"},
    "existing": {"existing", "settings", "values"},
    "components": {"components", "edge", "existing", "render", "settings", "values"},
    "package": {"package", "components", "edge", "render", "settings", "values"},
    "sandbox": {"sandbox"},
    "bench": {"bench", "render", "sandbox", "settings"},
}  # fmt: skip
"""Each room, a folder, and the beginnings of what its files import."""
ROOMS = [room for room in ALLOWED if not room.startswith("settings/")]
"""Without the folders of `settings/`, which have a picture of their own."""
PRODUCT = {room.partition("/")[0] for room in ALLOWED} - {"sandbox", "bench"}
OURS = {*PRODUCT, "sandbox", "bench", "tests"}


def parsed(file: Path) -> ast.Module:
    """A file's tree. Without the collector of garbage: where it ends a task of another test in the middle, Python 3.11 loses
    count of its depth (SystemError)."""
    gc.disable()
    try:
        return ast.parse(file.read_text())
    finally:
        gc.enable()


def imported(file: Path) -> set[str]:
    """The modules of ours that a file imports, each by its full name."""
    names: set[str] = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            folder = ROOT / node.module.replace(".", "/")
            names |= {
                f"{node.module}.{alias.name}"
                if (folder / f"{alias.name}.py").exists()
                else node.module
                for alias in node.names
            }
    return {name for name in names if name.split(".")[0] in OURS}


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_what_stands_below_it(room: str) -> None:
    files = [file for file in (ROOT / room).rglob("*.py") if "example" not in file.parts]
    beginnings = tuple(f"{allowed}." for allowed in ALLOWED[room])

    assert files
    names = set().union(*map(imported, files))
    assert not [name for name in names if not f"{name}.".startswith(beginnings)]


def arrows_of_the_picture() -> set[tuple[str, str]]:
    """The arrows between rooms in docs/architecture.md: of `a/ ─▶ b/, c/` those from a to b and to c."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    picture = text.partition("## Rooms\n")[2].partition("```\n")[2].partition("```")[0]
    chains = [
        [re.findall(r"[\w/.]+", part) for part in line.split("─▶")] for line in picture.splitlines()
    ]
    return {
        (one.strip("/"), other.strip("/"))
        for chain in chains
        for before, after in pairwise(chain)
        for one in before
        for other in after
    }


def rooms_imported(room: str) -> set[str]:
    folder = ROOT / room
    inner = [each for each in ROOMS if each.startswith(f"{room}/")]
    files = [folder] if folder.is_file() else folder.rglob("*.py")
    names = set().union(
        *(
            imported(file)
            for file in files
            if "example" not in file.parts
            and not any(file.is_relative_to(ROOT / it) for it in inner)
        )
    )
    found = (
        max((it for it in ROOMS if f"{name}.".startswith(f"{it.replace('/', '.')}.")), key=len)
        for name in names
    )
    return {*found} - {room}


@pytest.mark.parametrize("room", sorted({"__main__.py", *ROOMS}))
def test_the_picture_of_the_rooms_has_each_import_and_no_other_arrow(room: str) -> None:
    arrows = arrows_of_the_picture()
    reached, ahead = set[str](), [room]
    while ahead:
        following = {to for start, to in arrows if start == ahead[-1]} - reached
        ahead.pop()
        reached |= following
        ahead += following

    imports = rooms_imported(room)
    assert imports <= reached
    assert {to for start, to in arrows if start == room} <= imports


def test_each_room_is_described() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert [room for room in ROOMS if f"`{room}/`" not in text] == []


def test_a_check_relies_on_no_other_one() -> None:
    checks = [*(ROOT / "settings" / "checks").glob("[!_]*.py")]

    assert checks
    names = set().union(*map(imported, checks))
    assert not [name for name in names if name.startswith("settings.checks")]


def test_the_program_itself_knows_nothing_of_the_sandbox() -> None:
    rooms = {name.split(".")[0] for name in imported(ROOT / "__main__.py")}
    assert rooms == {"components", "edge", "settings"}
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
