"""Words for nixos-rebuild: each is refused, or the program reads it as argoweb does."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from settings import FindingsError
from settings.reading.build import build

PROGRAM = Path(__file__).resolve().parents[2] / "sandbox/server/bin/nixos-rebuild"
FLAKE = {"flake": "/etc/nixos#web1"}
REFUSED: dict[str, tuple[list[str], int, str]] = {
    "an action": (["switch"], 0, "argoweb says what"),
    "an action behind an option": (["--fast", "dry-activate"], 1, "argoweb says what"),
    "an action behind a letter": (["-v", "list-generations"], 1, "argoweb says what"),
    "an action behind a value": (["-p", "web", "boot"], 2, "argoweb says what"),
    "an old name of one": (["dry-run"], 0, "argoweb says what"),
    "no action": (["-j", "4", "now"], 2, "argoweb says what"),
    "an older system": (["-v", "--rollback"], 1, "an older system"),
    "another host": (["--target-host=root@web2"], 0, "on the server itself"),
    "sudo": (["--use-remote-sudo"], 0, "on the server itself"),
    "today's sudo": (["--ask-sudo-password"], 0, "on the server itself"),
    "a builder": (["--build-host", "b"], 0, "rebuild.buildHost"),
    "a flake": (["--flake=.#web1"], 0, "rebuild.flake"),
    "a specialisation": (["-c", "fast"], 0, "goes on running"),
    "one in a word": (["-cfast"], 0, "goes on running"),
    "one behind others": (["-kLcfast"], 0, "goes on running"),
    "its manual": (["-h"], 0, "builds nothing"),
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
