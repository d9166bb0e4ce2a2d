"""The way to a server, by a real sshd: only with the pinned host key, the stack's own key, within its time."""

import asyncio
import contextlib
import socket
import threading
import time
from pathlib import Path

import asyncssh
import pytest

from argoweb import connection
from argoweb import server as server_module
from argoweb.connection import NoConnection, open_connection
from argoweb.server import ServerSeen, look_at_servers
from tests.argoweb.conftest import HOST_KEY, Door, as_root, new_key, stack
from tests.ports import free_port

SERVERS = 20


def asked(door: Door, private_key: str | None = None, **more: object) -> str:
    """What a server prints, asked by the stack's own way."""
    found = stack(
        servers={"web1": door.server(**more)}, private_key=private_key or door.private_key
    )
    (server,) = found.settings.servers

    async def ask() -> str:
        async with open_connection(server, found.private_key) as there:
            return str((await there.run("echo hello", check=True)).stdout)

    return asyncio.run(ask())


def refused(door: Door, private_key: str | None = None, **more: object) -> NoConnection:
    with pytest.raises(NoConnection) as error:
        asked(door, private_key, **more)
    return error.value


def test_a_server_is_reached_with_the_stacks_key(door: Door) -> None:
    assert asked(door) == "hello\n"


def test_a_server_is_reached_by_way_of_its_bastion(door: Door) -> None:
    assert asked(door, bastion=door.server()) == "hello\n"


def test_another_host_key_than_the_pinned_one_ends_the_connection(door: Door) -> None:
    found = refused(door, hostKey=HOST_KEY)

    assert found.code == "server-host-key"
    assert f"127.0.0.1 port {door.port} shows another host key" in str(found)


def test_another_host_key_of_the_bastion_ends_the_connection(door: Door) -> None:
    found = refused(door, bastion=door.server(hostKey=HOST_KEY))

    assert found.code == "server-host-key"
    assert str(found).startswith("the bastion ")


def test_without_a_host_key_none_is_asked_for_where_the_stack_insists(door: Door) -> None:
    server = {**door.server(), "insecureHostKey": True}
    server.pop("hostKey")
    found = stack(servers={"web1": server}, private_key=door.private_key)

    async def ask() -> str:
        async with open_connection(found.settings.servers[0], found.private_key) as there:
            return str((await there.run("echo hello", check=True)).stdout)

    assert asyncio.run(ask()) == "hello\n"


def test_a_key_that_the_server_does_not_know_is_refused(door: Door, tmp_path: Path) -> None:
    other, _ = new_key(tmp_path / "other_key")

    found = refused(door, other)

    assert found.code == "server-refused"
    assert other.splitlines()[1] not in str(found)


def test_a_port_where_nobody_listens_is_unreachable(door: Door) -> None:
    assert refused(door, port=free_port()).code == "server-unreachable"


def test_what_speaks_no_ssh_is_unreachable(door: Door) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        other = threading.Thread(target=answer)
        other.start()
        found = refused(door, port=listener.getsockname()[1])
        other.join()

    assert found.code == "server-unreachable"


def look(servers: dict[str, dict[str, object]], key: str) -> tuple[list[ServerSeen], float]:
    found, began = stack(servers=servers, private_key=key), time.monotonic()
    return asyncio.run(look_at_servers(found, sites=True)), time.monotonic() - began


def test_twenty_servers_that_accept_and_say_nothing_are_told_within_one_bound(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 2)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(SERVERS)]
    servers = {
        f"web{index}": door.server(port=listener.getsockname()[1])
        for index, listener in enumerate(listeners)
    }

    seen, seconds = look(servers, door.private_key)

    assert [line.code for server in seen for line in server.lines] == ["server-unreachable"] * SERVERS  # fmt: skip
    assert seconds < 10
    for listener in listeners:
        listener.close()


@as_root
def test_a_server_without_a_deployment_is_told_so_by_the_real_program(door: Door) -> None:
    (seen,), _ = look({"web1": door.server()}, door.private_key)

    assert seen.reached
    assert [line.code for line in seen.lines] == ["server-undeployed"]


@pytest.mark.parametrize(
    ("connects", "program", "code"),
    [
        ({"hostKey": HOST_KEY}, "echo end", "server-host-key"),
        ({}, "echo 'sudo: a password is required' >&2", "server-not-root"),
        pytest.param({}, "echo half of it", "server-silent", marks=as_root),
    ],
)
def test_why_a_server_cannot_be_asked_is_told(
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    connects: dict[str, object],
    program: str,
    code: str,
) -> None:
    monkeypatch.setattr(server_module, "write_report_program", lambda: f"{program}\n")

    (seen,), _ = look({"web1": door.server(**connects)}, door.private_key)

    assert not seen.reached
    assert [line.code for line in seen.lines] == [code]


class Refusing(asyncssh.SSHServer):
    """Lets everybody in, and refuses each session."""

    def begin_auth(self, username: str) -> bool:
        return False


def test_a_server_that_refuses_the_session_is_told_without_a_stack_trace() -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def ask() -> list[ServerSeen]:
        listens = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Refusing, server_host_keys=[key]
        )
        web1 = {
            "address": "127.0.0.1",
            "port": listens.get_port(),
            "hostKey": key.export_public_key().decode().strip(),
        }
        with contextlib.closing(listens):
            own = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
            return await look_at_servers(
                stack(servers={"web1": web1}, private_key=own), sites=False
            )

    (seen,) = asyncio.run(ask())

    assert not seen.reached
    assert [(line.code, line.text) for line in seen.lines] == [
        ("server-silent", "the connection broke: Session refused")
    ]


@as_root
def test_a_server_that_takes_the_question_and_never_answers_is_told_within_its_time(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 3)
    monkeypatch.setattr(server_module, "write_report_program", lambda: "sleep 60\n")

    (seen,), seconds = look({"web1": door.server()}, door.private_key)

    assert [line.code for line in seen.lines] == ["server-silent"]
    assert seconds < 10
