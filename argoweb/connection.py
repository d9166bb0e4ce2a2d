"""Connects by SSH to a stack's servers with the stack's own port, key, bastion and pinned host key; keys stay in memory."""

import asyncio
import os
import shlex
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import asyncssh

from argoweb.errors import say_why
from settings.model.stack import Bastion, Server

ANSWER_SECONDS = 45
"""How long a server may take to answer, the time to connect included."""
CONNECT_SECONDS = 10
"""How long one connection may take to be ready, the bastion's and the server's each."""
_Known = tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]]
"""Keys of hosts that are trusted, of authorities that are, and those that were revoked."""
_MOST_OUTPUT = 10_000_000
"""Characters that are taken of one answer."""


class NoConnection(Exception):
    """A server cannot be asked; `code` is that of the finding which says so."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@asynccontextmanager
async def open_connection(
    server: Server, private_key: str | None
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Opens a connection to a server, by way of its bastion if it has one.

    Raises:
        NoConnection: there is none in time.
    """
    if server.bastion is None:
        async with await _connect(server, private_key, None) as connection:
            yield connection
        return
    async with (
        await _connect(server.bastion, private_key, None, "the bastion ") as bastion,
        await _connect(server, private_key, bastion) as connection,
    ):
        yield connection


async def _connect(
    end: Server | Bastion,
    private_key: str | None,
    tunnel: asyncssh.SSHClientConnection | None,
    named: str = "",
) -> asyncssh.SSHClientConnection:
    at = f"{named}{end.address} port {end.port}"
    known: _Known | None = None
    if end.host_key is not None:
        what = f"the host key of {at}"
        key = _read_key(asyncssh.import_public_key, end.host_key, "server-host-key", what)
        known = [key], [], []
    # Only the stack's own key is offered; the agent's keys if it has none. asyncssh takes a tuple for a key with its certificate.
    keys: Sequence[asyncssh.SSHKey] = ()
    if private_key is not None:
        what = "argoweb:sshPrivateKey"
        keys = [_read_key(asyncssh.import_private_key, private_key, "server-refused", what)]
    try:
        return await asyncssh.connect(
            end.address,
            end.port,
            username=end.user,
            tunnel=tunnel,
            config=None,
            known_hosts=known,
            client_keys=keys,
            agent_path=os.environ.get("SSH_AUTH_SOCK", "") if private_key is None else None,
            preferred_auth="publickey",
            connect_timeout=CONNECT_SECONDS,
            login_timeout=CONNECT_SECONDS,
            keepalive_interval=15,
        )
    except asyncssh.HostKeyNotVerifiable:
        raise NoConnection(
            "server-host-key", f"{at} shows another host key than the stack has"
        ) from None
    except asyncssh.PermissionDenied:
        raise NoConnection(
            "server-refused",
            f"{at} does not accept {'any key of the SSH agent' if private_key is None else 'the key'} for the user {end.user}",
        ) from None
    except (
        OSError,
        asyncssh.Error,
        asyncio.TimeoutError,
    ) as error:  # Python 3.10 has two classes of TimeoutError
        said = say_why(error) or f"no answer within {CONNECT_SECONDS} s"
        raise NoConnection("server-unreachable", f"{at}: {said}") from None


def _read_key(
    read: Callable[[str], asyncssh.SSHKey], text: str, code: str, what: str
) -> asyncssh.SSHKey:
    """Reads a key; `code` is that of the finding if `what` it is cannot be read."""
    try:
        return read(text)
    except asyncssh.KeyImportError as error:
        raise NoConnection(code, f"{what} cannot be read: {error}") from None


def write_as_root(server: Server, *words: str) -> str:
    """Gives the shell command that runs the words as root."""
    return shlex.join([*(() if server.user == "root" else ("sudo", "-n")), *words])


async def run_program(
    server: Server, private_key: str | None, program: str, data: str = ""
) -> tuple[str, tuple[float, float]]:
    """Runs a shell program as root on a server; the program, and then the data, go in on stdin.

    Gives what it prints, and when it was begun and had ended, by the clock of this machine.

    Raises:
        NoConnection: there is none, or no answer in time, or it did not run.
    """

    async def run() -> tuple[asyncssh.SSHCompletedProcess, tuple[float, float]]:
        async with open_connection(server, private_key) as connection:
            began = time.time()
            done = await connection.run(
                write_as_root(server, "bash", "-s"),
                input=program + data,
                check=False,
                errors="replace",
            )
            return done, (began, time.time())

    try:
        done, times = await asyncio.wait_for(run(), ANSWER_SECONDS)
    except asyncio.TimeoutError:
        raise NoConnection("server-silent", f"no answer within {ANSWER_SECONDS} s") from None
    except asyncssh.Error as error:
        raise NoConnection("server-silent", f"the connection broke: {error}") from None
    output, said = str(done.stdout or "")[:_MOST_OUTPUT], str(done.stderr or "").strip()
    if not output.endswith("end\n"):
        code = "server-not-root" if "sudo" in said else "server-silent"
        raise NoConnection(code, said.splitlines()[-1] if said else "the connection broke")
    return output, times
