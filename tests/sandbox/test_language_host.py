"""Where the sandbox puts a language host, and where it puts nothing."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import language_pb2

from sandbox.engine import own_language_host
from sandbox.engine.language_host import LanguageHost

NAME = "pulumi-language-python"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a cache and a checkout, and nothing on PATH."""
    for name, folder in {"CACHE": "cache", "FOLDER": "state", "BIN": "state/bin"}.items():
        monkeypatch.setattr(own_language_host, name, tmp_path / folder)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    return tmp_path


def test_a_pulumi_of_our_own_build_gets_it_beside_itself(home: Path) -> None:
    built = home / "cache" / "pulumi-1"

    own_language_host.install(built)

    assert (built / NAME).stat().st_mode & 0o111
    assert list((home / "state/bin").iterdir()) == []


def test_nothing_is_written_beside_a_pulumi_of_the_users_own(home: Path) -> None:
    theirs = home / "usr" / "bin"
    theirs.mkdir(parents=True)

    own_language_host.install(theirs)

    assert list(theirs.iterdir()) == []
    assert [path.name for path in (home / "state/bin").iterdir()] == [NAME]


def test_the_official_one_is_left_to_serve(home: Path) -> None:
    official = home / "usr" / "bin"
    official.mkdir(parents=True)
    (official / NAME).touch()

    own_language_host.install(official)

    assert (official / NAME).read_text() == ""
    assert list((home / "state/bin").iterdir()) == []


class Context:
    """What gRPC gives a method beside its request."""

    def __init__(self) -> None:
        self.ended: list[Callable[[], None]] = []

    def add_callback(self, callback: Callable[[], None]) -> None:
        self.ended.append(callback)


def run_plugin(folder: Path, program: str, context: Context) -> Iterator[Any]:
    """The answers to a request for the package with this program."""
    (folder / "__main__.py").write_text(program)
    request = language_pb2.RunPluginRequest(pwd=str(folder.parent), args=["127.0.0.1:1"])
    request.info.program_directory = str(folder)
    request.env.extend(["WORD=here", f"PATH={os.environ['PATH']}"])
    return LanguageHost("").RunPlugin(request, context)


def test_a_package_runs_where_it_is_wanted_and_all_that_it_prints_is_passed_on(
    tmp_path: Path,
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    program = (
        "import os, sys; print(1234); print(os.environ['WORD'], os.getcwd(), *sys.argv[1:]);"
        "print('oh', file=sys.stderr); sys.exit(3)"
    )

    answers = [*run_plugin(package, program, Context())]

    out = b"".join(each.stdout for each in answers)
    assert out.decode().splitlines() == ["1234", f"here {tmp_path} 127.0.0.1:1"]
    assert b"".join(each.stderr for each in answers) == b"oh\n"
    assert answers[-1].exitcode == 3


def test_a_package_ends_when_nobody_wants_it_any_more(tmp_path: Path) -> None:
    context = Context()
    answers = run_plugin(
        tmp_path, "import os, time; os.write(1, b'1234'); time.sleep(600)", context
    )

    assert next(answers).stdout == b"1234"
    for end in context.ended:
        end()
    assert [*answers][-1].exitcode == -signal.SIGTERM


def test_a_program_cannot_have_more_configuration_than_linux_takes_in_a_variable() -> None:
    request = language_pb2.RunRequest(pwd="/", config={"argoweb:sites": "x" * 2**17})

    answer = LanguageHost("").Run(request, Context())

    assert answer.error.startswith("problem executing program (could not run language executor): ")
    assert answer.error.endswith(": argument list too long")
