"""Whatever of the sandbox's own files is missing, half-made or of an older version, it says what it does, and does it."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox import stack
from sandbox.engine import own_language_host, plugins
from sandbox.server.machine import ensure_key, is_key
from tests.conftest import ROOT
from tests.sandbox.kept import CASES, IDS, OLDER_STACK, Kept

NOT_UP = "The sandbox is not up. Start it with: python -m sandbox up\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The sandbox's programs alone, which have kept nothing yet."""
    shutil.copytree(
        ROOT / "sandbox", tmp_path / "sandbox", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path


COMMANDS = """
import contextlib, io, json, os, sys, traceback
from sandbox.__main__ import main
for line in sys.stdin:
    if os.fork():
        os.wait()
        continue
    done = []
    for command in json.loads(line):
        sys.argv = ["sandbox", command]
        with contextlib.redirect_stderr(io.StringIO()) as said:
            try:
                code = main()
            except BaseException:
                code = traceback.print_exc()
        done.append((code, said.getvalue()))
    print(json.dumps(done), flush=True)
    os._exit(0)
"""
"""For each line of commands a process that runs one after another. To start Python for each would take longer than all."""
Done = list[tuple[int | None, str]]
"""The exit code of each command, and what it said as an error."""


def sandbox(checkout: Path, *commands: str) -> Done:
    """Commands of the sandbox in a checkout."""
    with in_checkout(checkout) as run:
        return run(*commands)


@contextmanager
def in_checkout(checkout: Path) -> Iterator[Callable[..., Done]]:
    """What runs commands of the sandbox in a checkout."""
    with subprocess.Popen(
        [sys.executable, "-c", COMMANDS],
        cwd=checkout,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def run(*commands: str) -> Done:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(commands) + "\n")
            process.stdin.flush()
            return [(code, said) for code, said in json.loads(process.stdout.readline())]

        yield run


@pytest.fixture(scope="module")
def emptied(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Path, Callable[..., Done]]]:
    """A checkout that has kept nothing, and what runs commands in it."""
    folder = tmp_path_factory.mktemp("emptied")
    shutil.copytree(ROOT / "sandbox", folder / "sandbox")
    with in_checkout(folder) as run:
        yield folder, run


@pytest.mark.parametrize(("kept", "how"), CASES, ids=IDS)
def test_what_is_broken_while_nothing_runs_is_no_sandbox_and_down_leaves_none(
    emptied: tuple[Path, Callable[..., Done]], kept: Kept, how: str
) -> None:
    checkout, run = emptied
    for path in checkout.iterdir():
        if path.name != "sandbox":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    kept.breakages()[how](checkout)

    (code, shown), down, after = run("status", "down", "status")

    assert code == 1
    assert shown.startswith(("The sandbox is not up.", "The sandbox is neither up nor down: "))
    assert down == (0, "")
    assert after == (1, NOT_UP)
    left = {path.name for path in (checkout / ".sandbox").glob("*")}
    assert left.isdisjoint(
        {"state.json", "processes.json", "cloudflare", "servers", "pulumi-state"}
    )


@pytest.fixture
def running(checkout: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Cloudflare that an `up` has started which was killed before it could note anything."""
    folder = checkout / ".sandbox/cloudflare"
    folder.mkdir(parents=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.cloudflare", "--state-dir", str(folder)],
        cwd=checkout,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (folder / "cloudflare.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("record", [None, "", "[{", json.dumps([{"name": "x"}])])
def test_what_runs_is_found_by_what_it_is_and_not_by_a_list(
    checkout: Path, running: subprocess.Popen[bytes], record: str | None
) -> None:
    if record is not None:
        (checkout / ".sandbox/processes.json").write_text(record)

    shown, down, after = sandbox(checkout, "status", "down", "status")

    assert shown == (
        1,
        "The sandbox is neither up nor down: of cloudflare something is left. Start it with: python -m sandbox up, which "
        "ends what is left first. To end it only: python -m sandbox down\n",
    )
    assert (down, after) == ((0, ""), (1, NOT_UP))
    assert running.wait(60) is not None


def test_a_copied_checkout_ends_nothing_of_the_one_it_was_copied_from(
    checkout: Path, running: subprocess.Popen[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    record = {"name": "cloudflare", "pid": running.pid, "started": "as in the original"}
    (checkout / ".sandbox/processes.json").write_text(json.dumps([record]))
    copy = tmp_path_factory.mktemp("copy") / "checkout"
    shutil.copytree(checkout, copy)

    assert sandbox(copy, "down") == [(0, "")]

    assert running.poll() is None


def test_a_program_that_only_looks_into_the_folder_is_not_ended(checkout: Path) -> None:
    folder = checkout / ".sandbox/cloudflare"
    folder.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"], cwd=folder, start_new_session=True) as onlooker:
        code = f"import time; time.sleep(60)  # {folder}"
        with subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], start_new_session=True
        ) as other:
            assert sandbox(checkout, "down") == [(0, "")]

            alive = (onlooker.poll(), other.poll())
            other.kill()
        onlooker.kill()
    assert alive == (None, None)


# Keys


def test_a_key_is_made_where_there_is_none_that_can_be_used(tmp_path: Path) -> None:
    key, public = tmp_path / "ssh_key", tmp_path / "ssh_key.pub"
    made = {ensure_key(key)}
    assert ensure_key(key) in made, "a good one stays"

    for path, text in ((key, ""), (key, "no key"), (public, ""), (public, "ssh-ed25519 AAAA")):
        path.write_text(text)
        assert not is_key(key)
        made.add(ensure_key(key))
        assert is_key(key)
    public.unlink()
    made.add(ensure_key(key))

    assert len(made) == 6


# The stack's file


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said; the stack's file and the passphrase are in a folder of the test's."""
    monkeypatch.setattr(stack, "STACK_FILE", tmp_path / "Pulumi.sandbox.yaml")
    monkeypatch.setattr(stack, "UNREADABLE", tmp_path / "unreadable-Pulumi.sandbox.yaml")
    monkeypatch.setattr(stack, "PASSPHRASE", tmp_path / "passphrase")
    return []


TEMPLATE = ROOT / "sandbox/example/stack.yaml"


def test_without_a_stack_file_the_example_is_taken_without_a_word(said: list[str]) -> None:
    stack._document(TEMPLATE, said.append)

    assert stack.STACK_FILE.read_text() == TEMPLATE.read_text()
    assert said == []


@pytest.mark.parametrize("text", ["", "config:\n", "config: [1]\n", "{[", "text"])
def test_a_stack_file_that_cannot_be_read_is_kept_aside(said: list[str], text: str) -> None:
    stack.STACK_FILE.write_text(text)

    document = stack._document(TEMPLATE, said.append)

    assert "argoweb:sites" in document["config"]
    assert stack.UNREADABLE.read_text() == text
    assert said == [
        f"Pulumi.sandbox.yaml cannot be read: it is {stack.UNREADABLE} now, and the example takes its place"
    ]


@pytest.mark.parametrize("text", [None, "", "secret\n", "F" * 32 + "\n"])
def test_a_passphrase_that_was_not_made_here_counts_as_none(
    said: list[str], text: str | None
) -> None:
    if text is not None:
        stack.PASSPHRASE.write_text(text)

    assert not stack.has_passphrase()


def test_what_a_lost_passphrase_had_encrypted_is_named_and_the_rest_stays(said: list[str]) -> None:
    secret = {"secure": "v1:x:y"}
    document: dict[str, Any] = {
        "encryptionsalt": "v1:x",
        "config": {
            "argoweb:sshPrivateKey": secret,
            "cloudflare:apiToken": secret,
            "argoweb:servers": {"web1": {"port": 22, "bastion": {"privateKey": secret}}},
            "argoweb:sites": [{"hostname": "a", "headers": [secret, "plain"]}],
        },
    }

    stack._forget_secrets(document, said.append)

    assert document == {
        "config": {
            "argoweb:servers": {"web1": {"port": 22, "bastion": {}}},
            "argoweb:sites": [{"hostname": "a", "headers": ["plain"]}],
        }
    }
    assert said == [
        "the passphrase of the secrets in Pulumi.sandbox.yaml is gone; the SSH key is put in anew; set them again: "
        "cloudflare:apiToken, argoweb:servers.web1.bastion.privateKey, argoweb:sites[0].headers[0]"
    ]
    stack._forget_secrets(document, said.append)
    assert len(said) == 1, "nothing is left to be forgotten"


def test_the_older_stack_file_of_the_table_has_something_to_forget() -> None:
    assert "encryptionsalt" in OLDER_STACK
    assert "secure" in OLDER_STACK


# Plugins and the language host


def installed(home: Path, said: list[str], monkeypatch: pytest.MonkeyPatch, choice: str) -> str:
    """The kind of the random plugin after an installation; nothing can be fetched."""
    monkeypatch.setenv("SANDBOX_PLUGINS", choice)
    monkeypatch.setattr(plugins, "NAMES", ("random",))
    return plugins.install(home, Path("/nowhere"), said.append)["random"]


@pytest.mark.parametrize("broken", ["kind", "program"])
@pytest.mark.parametrize("how", ["missing", "empty", "garbage"])
def test_a_stand_in_that_is_broken_is_put_in_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, how: str
) -> None:
    assert installed(tmp_path, [], monkeypatch, "standin") == "standin"
    (program,) = tmp_path.glob("plugins/*/pulumi-resource-random")
    good = program.read_text()
    path = program.with_name("kind") if broken == "kind" else program
    path.unlink() if how == "missing" else path.write_text("" if how == "empty" else "nonsense")

    assert installed(tmp_path, [], monkeypatch, "standin") == "standin"

    assert program.read_text() == good
    assert os.access(program, os.X_OK)
    assert program.with_name("kind").read_text() == "standin"


def test_an_official_plugin_that_went_away_is_taken_anew_from_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    for folder in ("first", "second"):
        official = tmp_path / folder / "pulumi-resource-random"
        official.parent.mkdir()
        official.write_text(f"#!/bin/sh\n# {folder}\n")
        official.chmod(0o755)
        monkeypatch.setenv("PATH", f"{official.parent}:/usr/bin:/bin")

        assert installed(tmp_path, said, monkeypatch, "auto") == "official"

        (link,) = tmp_path.glob("plugins/*/pulumi-resource-random")
        assert folder in link.read_text()
        official.unlink()
    (broken,) = said
    assert broken.endswith("is broken; it is put in anew")


@pytest.mark.parametrize("how", ["missing", "empty", "garbage"])
def test_the_language_host_is_written_again_wherever_it_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(own_language_host, "FOLDER", tmp_path)
    monkeypatch.setattr(own_language_host, "BIN", tmp_path / "bin")
    monkeypatch.setattr(own_language_host, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    for pulumi, beside in ((tmp_path / "cache/pulumi", True), (tmp_path / "opt", False)):
        own_language_host.install(pulumi)
        program = (pulumi if beside else tmp_path / "bin") / "pulumi-language-python"
        good = program.read_text()
        program.unlink()
        if how != "missing":
            program.write_text("" if how == "empty" else "nonsense")
            program.chmod(0o755)

        own_language_host.install(pulumi)

        assert program.read_text() == good


def test_a_compiled_language_host_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_language_host, "FOLDER", tmp_path)
    monkeypatch.setattr(own_language_host, "BIN", tmp_path / "bin")
    monkeypatch.setattr(own_language_host, "CACHE", tmp_path / "cache")
    official = tmp_path / "cache/pulumi/pulumi-language-python"
    official.parent.mkdir(parents=True)
    official.write_bytes(b"\x7fELF and more")

    own_language_host.install(official.parent)

    assert official.read_bytes() == b"\x7fELF and more"
