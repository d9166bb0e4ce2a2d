"""Where the sandbox puts a language host, and where it puts nothing."""

from pathlib import Path

import pytest

from sandbox.engine import own_language_host

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
