"""What the doctor says of the machine that it runs on: programs on PATH that answer as Pulumi would, or not at all."""

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from argoweb import connection
from argoweb.commands.doctor import try_all
from argoweb.doctor import here
from argoweb.doctor.here import try_pulumi
from argoweb.doctor.servers import try_servers
from tests.argoweb.conftest import Door, stack
from values.findings import Finding, Severity

VERSION, WHO = "v3.259.0", {"user": "ann", "url": "s3://token:secret@states/argoweb?region=x"}


def pulumi(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    plugins: Any = (),
    who: Any = WHO,
    stacks: Any = (),
) -> None:
    """A program of that name, the only one on PATH, which prints what it is told to."""
    answers = {"version": VERSION, "plugin": json.dumps(plugins), "whoami": json.dumps(who), "stack": json.dumps(stacks)}  # fmt: skip
    for name, text in answers.items():
        (folder / f"{name}.out").write_text(text)
    program = folder / "pulumi"
    program.write_text(
        f'#!/bin/sh\nfile="{folder}/$2.out"\n[ "$(/bin/cat "$file")" != null ] || {{ echo "error: no way to it" >&2; exit 1; }}\n/bin/cat "$file"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def bad(lines: list[Finding]) -> list[str]:
    return [line.code for line in lines if line.severity is not Severity.OK]


def test_a_machine_without_pulumi_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert bad(try_pulumi()) == ["pulumi-missing"]


def test_plugins_that_are_not_here_yet_are_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi(tmp_path, monkeypatch)

    assert bad(try_pulumi()) == ["plugin-missing"] * 3


def test_a_package_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi(tmp_path, monkeypatch)
    monkeypatch.setattr(here, "_PLUGINS", {"cloudflare": "a-package-that-nobody-has"})

    assert bad(try_pulumi()) == ["package-missing"]


def test_a_backend_that_does_not_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi(tmp_path, monkeypatch, who=None)

    lines = try_pulumi()

    assert bad(lines)[-1] == "backend-unreachable"
    assert "no way to it" in lines[-1].text


def test_what_may_be_secret_in_the_backends_address_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi(tmp_path, monkeypatch)

    (line,) = [line for line in try_pulumi() if line.place == "state"]

    assert "s3://states/argoweb for ann" in line.text
    assert "secret" not in line.text


def test_a_stack_that_cannot_be_read_does_not_keep_the_rest_from_being_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi(tmp_path, monkeypatch)

    lines = try_all(None)

    assert bad(lines) == ["plugin-missing"] * 3 + ["stack-unreadable"]
    assert lines[-1].text.startswith("No stack is selected.")


def test_twenty_servers_of_which_most_say_nothing_are_tried_within_one_bound(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 2)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(19)]
    servers = {
        f"web{n}": door.server(port=listener.getsockname()[1])
        for n, listener in enumerate(listeners)
    }
    found = stack(
        servers={**servers, "web19": {**door.server(), "user": "nobody-of-that-name"}},
        private_key=door.private_key,
    )
    began = time.monotonic()

    lines = asyncio.run(try_servers(found))

    assert time.monotonic() - began < 12
    assert [line.code for line in lines] == ["server-unreachable"] * 19 + ["server-refused"]
    for listener in listeners:
        listener.close()
