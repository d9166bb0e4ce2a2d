"""Which files are changed, and whose tests concern them."""

PYTHON = (
    "__main__.py",
    "cloudflared/*",
    "components/*",
    "existing/*",
    "render/*",
    "settings/*",
    "values/*",
)
"""Patterns of the product's Python files; a star takes folders too."""
OTHERS = ("remote/*.sh", "nixos/*.nix")
"""Those of what goes to a server as it is."""
_LANGUAGE = ("tests/ingress", "tests/settings", "tests/render", "tests/reports")
TESTS = {
    "__main__.py": ("tests/program",),
    "cloudflared": _LANGUAGE,
    "components": ("tests/components", "tests/program", "tests/package", "tests/remote"),
    "existing": ("tests/existing", "tests/program"),
    "render": ("tests/render", "tests/program"),
    "settings": ("tests/settings", "tests/program", "tests/reports"),
    "values": _LANGUAGE,
    "remote": ("tests/remote", "tests/test_names_in_common.py"),
    "nixos": ("tests/nixos", "tests/test_names_in_common.py"),
}
"""The tests of a room: for what runs only once, when it is imported, and for what runs in no Python."""


def room_of(file: str) -> str:
    """The first folder of a path, or the file itself where it lies in none."""
    return file.partition("/")[0]
