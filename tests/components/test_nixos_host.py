"""A server's resources, as the engine is asked for them."""

from typing import Any

from components import NixosHost, NixosHostArgs
from components.nixos_host import HostFile
from settings.build import build
from tests.components.program import registered


def activation(prod: dict[str, Any], **sent: str) -> str:
    """The command that activates, when the files were sent at these times."""
    settings = build(prod, deployment="argoweb/prod")
    files = [HostFile(name=name, path=f"/etc/caddy/{name}", content=name) for name in ("a", "b")]
    args = NixosHostArgs(
        settings=settings,
        server=settings.servers[0],
        files=files,
    )
    times = {"server.sh": "1", "a": "1", "b": "1", **sent}
    made = {f"web1-{name}": {"stdout": f"{time}\n"} for name, time in times.items()}
    found = registered(lambda: NixosHost("web1", args), made)
    create: str = found["web1-activate"]["object"]["create"]
    return create


def test_it_is_activated_again_whenever_one_of_its_files_was_sent_again(
    prod: dict[str, Any],
) -> None:
    commands = [activation(prod), activation(prod, a="2"), activation(prod, b="2")]

    assert len(set(commands)) == 3
    assert activation(prod, a="2") == commands[1]
