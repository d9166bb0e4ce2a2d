"""Which files are changed, and whose tests concern them."""

import subprocess
from fnmatch import fnmatch
from pathlib import Path

PYTHON = (
    "__main__.py",
    "argoweb/*",
    "cloudflared/*",
    "components/*",
    "edge/*",
    "existing/*",
    "importing/*",
    "ingress/*",
    "package/*",
    "render/*",
    "settings/*",
    "values/*",
)
"""Patterns of the product's Python files; a star takes folders too."""
OTHERS = ("edge/*.sh", "remote/*.sh", "nixos/*.nix")
"""Those of what goes to a server as it is."""
_LANGUAGES = (".py", ".sh", ".nix")
_LANGUAGE = ("tests/ingress", "tests/settings", "tests/render", "tests/reports")
TESTS = {
    "__main__.py": ("tests/program",),
    "argoweb": ("tests/argoweb", "tests/told", "tests/settings/test_rejected.py"),
    "cloudflared": _LANGUAGE,
    "components": ("tests/components", "tests/program", "tests/package", "tests/remote"),
    "edge": ("tests/edge", "tests/program"),
    "existing": ("tests/existing", "tests/told", "tests/program"),
    "importing": ("tests/ingress", "tests/reports", "tests/settings/test_rejected.py"),
    "ingress": ("tests/ingress",),
    "package": ("tests/package", "tests/settings/test_rejected.py"),
    "render": ("tests/render", "tests/program"),
    "settings": (
        "tests/settings",
        "tests/told",
        "tests/program",
        "tests/reports",
        "tests/test_names_in_common.py",
    ),
    "values": _LANGUAGE,
    "remote": ("tests/remote", "tests/test_names_in_common.py"),
    "nixos": ("tests/nixos", "tests/test_names_in_common.py"),
}
"""The tests of a room: for what runs only once, when it is imported, and for what runs in no Python."""


def list_files(root: Path, wanted: list[str]) -> list[str]:
    """The files that can be changed: those of these rooms, names and patterns, or all."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *PYTHON, *OTHERS],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [
        it
        for it in listed
        if it.endswith(_LANGUAGES) and (not wanted or any(_is_of(it, each) for each in wanted))
    ]


def room_of(file: str) -> str:
    """The first folder of a path, or the file itself where it lies in none."""
    return file.partition("/")[0]


def _is_of(file: str, wanted: str) -> bool:
    return file == wanted or file.startswith(f"{wanted.rstrip('/')}/") or fnmatch(file, wanted)
