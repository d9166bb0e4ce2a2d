"""The module's second cloudflared, which restarts after the first one and never with it."""

from pathlib import Path
from typing import Any

from tests.nixos.test_module import Server, directives, server

__all__ = ["server"]

UNITS = "etc/systemd/system"
DIFFERENT = {
    "Description",
    "After",
    "ExecStart",
    "ExecStartPost",
    "ExecStop",
    "X-RestartIfChanged",
}


def test_it_is_confined_as_the_first_one_and_has_its_own_metrics_address(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push({**prod, "nixos": {"instances": 2}})

    units = server.toplevel() / UNITS

    first, second = (directives(units / f"{name}.service") for name in ("argoWeb", "argoWeb-2"))
    flags = second["ExecStart"].partition("/bin/cloudflared ")[2]
    assert flags == (
        "--config /etc/caddy/argoWeb.yml --no-autoupdate tunnel --metrics 127.0.0.1:20252 run"
    )
    assert second["ExecStop"] == first["ExecStop"].replace("127.0.0.1:20251", "127.0.0.1:20252")
    assert {k: v for k, v in first.items() if k not in DIFFERENT} == {
        k: v for k, v in second.items() if k not in DIFFERENT
    }
    assert (units / "multi-user.target.wants/argoWeb-2.service").is_symlink()


def test_nixos_restarts_the_first_one_which_restarts_the_other_once_it_is_connected(
    server: Server, prod: dict[str, Any]
) -> None:
    server.push({**prod, "nixos": {"instances": 2}})

    units = server.toplevel() / UNITS

    first, second = (directives(units / f"{name}.service") for name in ("argoWeb", "argoWeb-2"))
    assert "X-RestartIfChanged" not in first
    assert second["X-RestartIfChanged"] == "false"
    assert first["ExecStartPost"].endswith("systemctl try-restart --no-block argoWeb-2.service")
    assert first["Type"] == "notify", "or it would not be connected yet"
    assert {*second["After"].split()} == {"network-online.target", "argoWeb.service"}


def test_one_instance_knows_nothing_of_a_second_one(server: Server, prod: dict[str, Any]) -> None:
    server.push({**prod, "nixos": {"instances": 1}})

    units: Path = server.toplevel() / UNITS

    assert not (units / "argoWeb-2.service").exists()
    assert "ExecStartPost" not in directives(units / "argoWeb.service")
