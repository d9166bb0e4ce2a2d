"""Words for nixos-rebuild: each is refused, or the program reads it as argoweb does."""

import argparse
import runpy
from pathlib import Path
from typing import Any

import pytest

from settings import FindingsError
from settings.reading.build import build

PROGRAM = Path(__file__).resolve().parents[2] / "sandbox/server/bin/nixos-rebuild"
FLAKE = {"flake": "/etc/nixos#web1"}
REFUSED: dict[str, tuple[list[str], int, str]] = {
    "an action behind an option": (["--fast", "dry-activate"], 1, "argoweb says what"),
    "an action behind a letter": (["-v", "list-generations"], 1, "argoweb says what"),
    "an action behind a value": (["-p", "web", "boot"], 2, "argoweb says what"),
    "no action": (["-j", "4", "now"], 2, "argoweb says what"),
    "another host": (["--target-host=root@web2"], 0, "on the server itself"),
    "a flake": (["--flake=.#web1"], 0, "rebuild.flake"),
    "one in a word": (["-cfast"], 0, "goes on running"),
    "one behind others": (["-kLcfast"], 0, "goes on running"),
    "the boot loader": (["--install-bootloader"], 0, "Run it once on the server"),
    "a profile elsewhere": (["-p", "../system"], 0, "a plain name"),
    "an absolute one": (["--profile-name=/tmp/x"], 0, "a plain name"),
    "none": (["--profile-name="], 0, "a plain name"),
    "one in a letter's word": (["-pweb"], 0, "as two items"),
    "one behind a letter": (["-vp", "web"], 0, "as two items"),
    "one behind an equals sign": (["-p=web"], 0, "as two items"),
    "two words in one": (["--option cores 4"], 0, "an item of its own"),
    "a letter and its word in one": (["-I nixpkgs=/srv/nixpkgs"], 0, "an item of its own"),
    "a value too few": (["--option", "cores"], 0, "--option wants 2 after it"),
    "none at all": (["-v", "-A"], 1, "-A wants 1 after it"),
}
OF_NO_USE = {
    "argoweb says what": [
        "switch", "boot", "test", "build", "edit", "repl", "dry-build", "dry-run", "dry-activate", "build-image", "build-vm",
        "build-vm-with-bootloader", "list-generations",
    ],
    "on the server itself": ["--target-host", "--sudo", "--use-remote-sudo", "--ask-sudo-password", "--no-ssh-tty"],
    "rebuild.buildHost": ["--build-host"],
    "rebuild.flake": ["--flake"],
    "goes on running": ["--specialisation", "-c"],
    "builds nothing": ["--help", "-h", "--version"],
    "Run it once on the server": ["--install-bootloader", "--install-grub"],
}  # fmt: skip
TAKEN = [
    [], ["--show-trace"], ["-vvv", "-kL"], ["-j", "4"], ["-j4"], ["--max-jobs=4"], ["--option", "cores", "4"],
    ["-I", "nixpkgs=/srv/nixpkgs"], ["--builders", "ssh://b x86_64-linux"], ["-p", "test"], ["--profile-name", "web"],
    ["--profile-name=web.1"], ["-f", "/srv/default.nix", "-A", "web1"], ["--no-flake"], ["--override-input", "nixpkgs", "/srv/nixpkgs"],
]  # fmt: skip


def built(prod: dict[str, Any], rebuild: dict[str, Any]) -> None:
    prod["servers"]["web1"]["rebuild"] = rebuild
    build(prod, deployment="argoweb/prod")


@pytest.mark.parametrize(("words", "index", "why"), REFUSED.values(), ids=REFUSED)
def test_a_word_that_makes_something_else_of_it_is_refused_however_it_is_spelled(
    prod: dict[str, Any], words: list[str], index: int, why: str
) -> None:
    with pytest.raises(FindingsError) as refused:
        built(prod, {"args": words})

    (found,) = refused.value.findings
    assert found.place == f"argoweb:servers.web1.rebuild.args[{index}]"
    assert found.kind.code == "rebuild-arg"
    assert why in found.message


@pytest.mark.parametrize(
    ("word", "why"), [(word, why) for why, words in OF_NO_USE.items() for word in words]
)
def test_a_word_that_builds_no_system_is_refused_and_it_is_said_what_to_do(
    prod: dict[str, Any], word: str, why: str
) -> None:
    with pytest.raises(FindingsError) as refused:
        built(prod, {"args": ["-v", word]})

    (found,) = refused.value.findings
    assert found.place.endswith("args[1]")
    assert why in found.message


def options() -> list[argparse.Action]:
    """Those of the real program that take words."""
    parser: argparse.ArgumentParser = runpy.run_path(str(PROGRAM))["parser"]()
    return [it for it in parser._actions if it.option_strings and it.nargs != 0]


@pytest.mark.parametrize(
    ("option", "count"),
    [
        (name, it.nargs if it.nargs in (1, 2) else 1)
        for it in options()
        for name in it.option_strings
    ],
)
def test_an_option_has_as_many_words_as_the_program_gives_it(
    prod: dict[str, Any], option: str, count: int
) -> None:
    if any(option in words for words in OF_NO_USE.values()):
        with pytest.raises(FindingsError) as refused:
            built(prod, {"args": [option, *["web"] * count]})
        assert len(refused.value.findings) == 1
    else:
        built(prod, {"args": [option, *["web"] * count]})
        with pytest.raises(FindingsError, match=f"{option} wants {count} after it"):
            built(prod, {"args": [option, *["web"] * (count - 1)]})


@pytest.mark.parametrize("words", TAKEN, ids=" ".join)
def test_what_is_taken_nixos_rebuild_takes_too_and_builds_with(
    prod: dict[str, Any], words: list[str]
) -> None:
    parser = runpy.run_path(str(PROGRAM))["parser"]

    built(prod, {"args": words})

    assert parser().parse_args(["build", *words]).action == "build"


@pytest.mark.parametrize("words", [["--no-flake"], ["-f", "/srv/x.nix"], ["--attr=web1"]])
def test_what_a_flake_leaves_no_place_for_is_refused(
    prod: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(FindingsError, match="says what is built"):
        built(prod, {**FLAKE, "args": words})


def test_an_option_of_tomorrow_may_take_a_word(prod: dict[str, Any]) -> None:
    built(prod, {"args": ["--tomorrow", "web", "--and-more"]})


def test_a_first_word_that_is_no_option_is_refused_whatever_follows(prod: dict[str, Any]) -> None:
    with pytest.raises(FindingsError, match=r"args\[0\].*Leave it out"):
        built(prod, {"args": ["web", "--fast"]})
