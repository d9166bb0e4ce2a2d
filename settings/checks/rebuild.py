"""Checks that the words for nixos-rebuild leave it to build the system that argoweb then switches to."""

from collections.abc import Iterator, Sequence

from settings.model.stack import Server, Settings
from values.findings import Findings, Kind

REBUILD_ARG = Kind(
    "rebuild-arg", "A word for nixos-rebuild has it do something else than build the system."
)
_VALUES = {
    **dict.fromkeys((
        "-j", "--max-jobs", "--cores", "--log-format", "--builders", "-I", "--include", "--update-input", "-f", "--file",
        "-A", "--attr", "-p", "--profile-name", "-c", "--specialisation", "--build-host", "--target-host", "--flake",
    ), 1),
    **dict.fromkeys(("--option", "--override-input"), 2),
}  # fmt: skip
"""How many of the next words belong to an option (nixpkgs' nixos-rebuild-ng, `get_parser`)."""
_LETTERS = "vkKLQsh"
"""Options of one letter that take no word, and may stand before others in one."""
_ACTIONS = frozenset((
    "switch", "boot", "test", "build", "edit", "repl", "dry-build", "dry-run", "dry-activate", "build-image", "build-vm",
    "build-vm-with-bootloader", "list-generations",
))  # fmt: skip
_HERE = "argoweb works on the server itself, as root. Leave it out."
_PROFILE = ("-p", "--profile-name")
_REFUSED = {
    "--rollback": "That is an older system, without the new files. Leave it out.",
    "--flake": "Write it as `rebuild.flake`.",
    "--build-host": "Write it as `rebuild.buildHost`.",
    **dict.fromkeys(("--target-host", "--sudo", "--use-remote-sudo", "--ask-sudo-password", "--no-ssh-tty"), _HERE),
    **dict.fromkeys(("--specialisation", "-c"), "The one that runs on the server goes on running. Leave it out."),
    **dict.fromkeys(("--help", "-h", "--version"), "It builds nothing then. Leave it out."),
    **dict.fromkeys(
        ("--install-bootloader", "--install-grub"),
        "It counts for a switch, and argoweb has nixos-rebuild build only. Run it once on the server.",
    ),
}  # fmt: skip


def check(settings: Settings, findings: Findings) -> None:
    """Checks that each server's system is built, and is the one of its flake or configuration."""
    for server in settings.servers:
        for index, problem in _list_problems(server):
            where = f"argoweb:servers.{server.name}.rebuild.args[{index}]"
            findings.add(REBUILD_ARG, where, f"found '{server.rebuild.args[index]}'.", problem)


def _list_problems(server: Server) -> Iterator[tuple[int, str]]:
    words = server.rebuild.args
    for index, option, values in _read(words):
        if " " in option:
            yield index, "Write each word as an item of its own."
        elif option in _REFUSED:
            yield index, _REFUSED[option]
        elif not option and (values[0] in _ACTIONS or not words[max(index - 1, 0)].startswith("-")):
            yield index, "argoweb says what nixos-rebuild does. Leave it out."
        elif len(values) < _VALUES.get(option, 0):
            yield index, f"{option} wants {_VALUES[option]} after it, each an item of its own."
        elif option in _PROFILE and not words[index].startswith("--") and words[index] != "-p":
            yield index, "Write '--profile-name' and the name as two items."
        elif option in _PROFILE and ("/" in values[0] or values[0] in ("", ".", "..")):
            yield index, "A profile has a plain name, such as 'web'."
        elif server.rebuild.flake and option in ("--no-flake", "-f", "--file", "-A", "--attr"):
            yield index, "`rebuild.flake` says what is built. Leave out one of them."


def _read(words: Sequence[str]) -> Iterator[tuple[int, str, Sequence[str]]]:
    """Gives each option with its index and its values, as argparse reads them; a word by itself has the name `""`."""
    index = 0
    while index < len(words):
        word, start = words[index], index
        index += 1
        if not word.startswith("-"):
            yield start, "", [word]
            continue
        while word[1:2] != "-" and len(word) > 2 and word[1] in _LETTERS:
            yield start, word[:2], []
            word = f"-{word[2:]}"
        option, equals, given = word.partition("=")
        if word[1:2] != "-" and len(option) > 2 and " " not in option:
            option, equals, given = word[:2], "=", word[2:]
        count = _VALUES.get(option, 0)
        values = [given] if equals and count else []
        more = count - len(values)
        yield start, option, [*values, *words[index : index + more]]
        index += more
