"""Which `pulumi` the sandbox takes."""

from pathlib import Path

import pytest

from sandbox.engine import pulumi_cli


@pytest.fixture(autouse=True)
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi_cli, "CACHE", tmp_path / "cache")
    built = tmp_path / f"cache/pulumi-{pulumi_cli.VERSION}/pulumi"
    built.parent.mkdir(parents=True)
    built.touch()


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
