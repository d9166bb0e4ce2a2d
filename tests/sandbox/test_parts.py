"""Which parts are real: what the table says, and which Caddy is taken."""

from pathlib import Path

import pytest

from sandbox import caddy, parts
from sandbox.server import machine
from sandbox.state import SandboxError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH with a cloudflared and a plugin in it."""
    for name, text in (
        ("cloudflared", "echo cloudflared version 2026.9.9"),
        ("pulumi-resource-random", "exit 0"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    for name in (
        "SANDBOX_CLOUDFLARED",
        "SANDBOX_TUNNEL_PROTOCOL",
        machine.SWITCH,
        machine.MODULES,
        caddy.CHOICE,
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_what_is_on_path_is_real_and_the_rest_is_not(programs: Path) -> None:
    found = {part: (kind, version) for part, kind, version in parts.rows()}

    assert found["cloudflared"] == ("real", "2026.9.9, over http2")
    assert found["plugin random"] == ("real", str(programs / "pulumi-resource-random"))
    assert found["plugin command"][0] == "imitated"
    assert found["switch-to-configuration"] == ("imitated", f"{machine.SWITCH} is unset")
    assert found["NixOS's lib and modules"] == ("imitated", f"{machine.MODULES} is unset")
    assert found["Caddy"] == ("real", caddy.version_of(caddy.find()))


def test_the_table_has_a_line_for_each(programs: Path) -> None:
    lines = parts.table(parts.rows()).splitlines()

    assert len(lines) == 1 + len(list(parts.rows()))
    assert lines[1].split() == ["cloudflared", "real", "2026.9.9,", "over", "http2"]


def test_a_caddy_is_named_by_its_path(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = programs / "other-caddy"
    other.write_text("#!/bin/sh\necho 'v2.9.0 h1:abc='\n")
    other.chmod(0o755)
    monkeypatch.setenv(caddy.CHOICE, str(other))

    assert (caddy.find(), caddy.version_of(other)) == (other, "2.9.0")


def test_a_caddy_that_is_not_there_is_refused(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(caddy.CHOICE, str(programs / "absent"))

    with pytest.raises(SandboxError, match=f"{caddy.CHOICE} is '{programs / 'absent'}'"):
        caddy.find()


def test_make_real_tries_the_oldest_caddy_that_is_supported() -> None:
    assert f"SANDBOX_CADDY={caddy.OLDEST} " in (ROOT / "Makefile").read_text()


def test_a_switch_that_is_not_there_is_refused(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(machine.SWITCH, str(programs / "absent"))

    with pytest.raises(SandboxError, match=f"{machine.SWITCH} is '{programs / 'absent'}'"):
        list(parts.rows())


def test_a_checkout_of_nixpkgs_is_real_where_it_has_what_is_taken_of_it(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(machine.MODULES, str(programs))
    (programs / "lib").mkdir()
    (programs / "lib/.version").write_text("26.11\n")

    with pytest.raises(SandboxError, match="there is no folder nixos/lib and no nixos/modules"):
        list(parts.rows())

    for folder in ("nixos/lib", "nixos/modules"):
        (programs / folder).mkdir(parents=True)
    found = {part: (kind, version) for part, kind, version in parts.rows()}
    assert found["NixOS's lib and modules"] == ("real", f"26.11, {programs}")
