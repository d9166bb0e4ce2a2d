"""Which `pulumi` the sandbox takes."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.engine import pulumi_cli
from sandbox.state import SandboxError


@pytest.fixture(autouse=True)
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi_cli, "CACHE", tmp_path / "cache")
    program(tmp_path / f"cache/pulumi-{pulumi_cli.VERSION}/pulumi", "v3.259.0")


def program(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


def quietly(_: str) -> None: ...


@pytest.mark.parametrize(
    ("version", "taken"), [("v3.231.0", True), ("v4.0.1-dev.3", True), ("v3.230.9", False)]
)
def test_the_one_on_path_is_taken_unless_pulumi_yaml_refuses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, taken: bool
) -> None:
    there = program(tmp_path / "bin/pulumi", version)
    monkeypatch.setenv("PATH", f"{there.parent}:/usr/bin:/bin")

    assert (pulumi_cli.find(quietly) == there.parent) == taken


def test_a_link_is_followed_to_where_the_language_host_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = program(tmp_path / "opt/pulumi", "v3.259.0")
    links = tmp_path / "bin"
    links.mkdir()
    (links / "pulumi").symlink_to(real)
    monkeypatch.setenv("PATH", f"{links}:/usr/bin:/bin")

    assert pulumi_cli.find(quietly) == real.parent


def test_a_shim_of_a_version_manager_stays_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = program(tmp_path / "opt/mise", "v3.259.0")
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "pulumi").symlink_to(manager)
    monkeypatch.setenv("PATH", f"{shims}:/usr/bin:/bin")

    assert pulumi_cli.find(quietly) == shims


KEPT = f"pulumi-{pulumi_cli.VERSION}"
PROGRAM = b"#!/bin/sh\necho v3.259.0\n"


def release(folder: Path) -> str:
    """An archive as the official one; its address."""
    with tarfile.open(folder / "release.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("pulumi/pulumi")
        entry.size, entry.mode = len(PROGRAM), 0o755
        archive.addfile(entry, io.BytesIO(PROGRAM))
    return f"file://{folder}/release.tar.gz"


def empty(cache: Path) -> None:
    (cache / KEPT / "pulumi").write_text("")


def garbage(cache: Path) -> None:
    (cache / KEPT / "pulumi").write_bytes(b"\x7fELF not really")


def older(cache: Path) -> None:
    (cache / KEPT / "pulumi").write_text("#!/bin/sh\necho v3.100.0\n")


def half_unpacked(cache: Path) -> None:
    (cache / KEPT / "pulumi").unlink()
    (cache / f"{KEPT}.new/pulumi").mkdir(parents=True)
    (cache / f"{KEPT}.new/pulumi/pulumi").write_text("half")
    (cache / f"{KEPT}.tar.gz").write_text("half")


@pytest.mark.parametrize("broken", [empty, garbage, older, half_unpacked])
def test_a_kept_one_that_does_not_run_is_put_in_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Callable[[Path], None]
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(pulumi_cli, "_RELEASE", release(tmp_path))
    cache = tmp_path / "cache"
    broken(cache)
    said: list[str] = []

    assert pulumi_cli.find(said.append) == cache / KEPT

    assert (cache / KEPT / "pulumi").read_bytes() == PROGRAM
    assert said[0] == f"the Pulumi that is kept in {cache / KEPT} does not run; it is put in anew"
    assert {path.name for path in cache.iterdir()} == {KEPT, "lock"}


GO = """#!/bin/sh
if [ "$1" = build ]; then
  for each in $(seq 250); do echo "example.com/package$each" >&2; done
  [ "$3" = -ldflags ] && mkdir -p "${6%/*}" && printf '#!/bin/sh\\necho v3.259.0\\n' >"$6" && chmod +x "$6"
fi
"""


def test_a_build_of_minutes_says_that_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = program(tmp_path / "bin/go", "")
    go.write_text(GO)
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    monkeypatch.setattr(pulumi_cli, "_RELEASE", f"file://{tmp_path}/nothing")
    empty(tmp_path / "cache")
    said: list[str] = []

    assert pulumi_cli.find(said.append) == tmp_path / "cache" / KEPT

    assert said[-2:] == ["building: 100 packages so far", "building: 200 packages so far"]


def test_an_archive_that_breaks_off_counts_as_none_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pulumi_cli, "_RELEASE", release(tmp_path))
    archive = tmp_path / "release.tar.gz"
    archive.write_bytes(archive.read_bytes()[:60])
    empty(tmp_path / "cache")

    with pytest.raises(SandboxError, match="There is no Pulumi here"):
        pulumi_cli.find(quietly)

    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"lock"}
