"""A shell on a server by the stack's own connection: its port, key, bastion and pinned host key.

With a command behind the server's name that is run instead: python -m argoweb ssh web1 systemctl status argoWeb

Exit codes: those of the shell or the command; 255 where there is no connection, as with OpenSSH.
"""

import argparse
import asyncio
import os
import signal
import stat
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import asyncssh

from argoweb.arguments import add_stack, find_server
from argoweb.connection import NoConnection, open_connection
from argoweb.report import as_text, observe
from argoweb.stack import Stack, read_stack
from settings import Server

NO_CONNECTION = 255


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `ssh`."""
    add_stack(parser)
    parser.add_argument("server", metavar="SERVER")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")


def run(given: argparse.Namespace) -> int:
    """Connects this terminal with a shell, or a command, on the server, and gives its exit code."""
    stack = read_stack(given.stack)
    server = find_server(stack.settings, given.server)
    try:
        return asyncio.run(_open_shell(stack, server, " ".join(given.command) or None))
    except NoConnection as error:
        print(as_text(observe(error.code, server.name, str(error))), file=sys.stderr)
    except asyncssh.Error as error:
        print(f"{server.name}: the connection broke: {error}", file=sys.stderr)
    return NO_CONNECTION


async def _open_shell(stack: Stack, server: Server, command: str | None) -> int:
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    asked: dict[str, object] = {"encoding": None}
    if terminal:
        asked |= {"term_type": os.environ.get("TERM", "xterm"), "term_size": _measure()}
    async with open_connection(server, stack.private_key) as connection:
        with (
            _connect_streams() as (stdin, stdout, stderr),
            _make_raw() if terminal else nullcontext(),
        ):
            process = await connection.create_process(
                command, stdin=stdin, stdout=stdout, stderr=stderr, **asked
            )
            if terminal:
                asyncio.get_running_loop().add_signal_handler(
                    signal.SIGWINCH, lambda: process.change_terminal_size(*_measure())
                )
            done = await process.wait(check=False)
    if done.returncode is None:
        print(f"{server.name}: the connection broke", file=sys.stderr)
        return NO_CONNECTION
    return done.returncode % 256


@contextmanager
def _connect_streams() -> Iterator[tuple[object, ...]]:
    """Copies the standard streams for the connection, which closes what it gets and leaves it non-blocking.

    Of devices that nobody can wait for, such as /dev/null, only a terminal is read.
    """
    is_device = stat.S_ISCHR(os.fstat(sys.stdin.fileno()).st_mode)
    copies: list[object] = [
        os.fdopen(os.dup(stream.fileno()), mode, 0)
        for stream, mode in ((sys.stdin, "rb"), (sys.stdout, "wb"), (sys.stderr, "wb"))
    ]
    if is_device and not sys.stdin.isatty():
        copies[0] = asyncssh.DEVNULL
    try:
        yield tuple(copies)
    finally:
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            os.set_blocking(stream.fileno(), True)


def _measure() -> tuple[int, int]:
    size = os.get_terminal_size(sys.stdout.fileno())
    return size.columns, size.lines


@contextmanager
def _make_raw() -> Iterator[None]:
    """Hands each key that is pressed to the server, Ctrl-C too."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin, termios.TCSADRAIN)  # TCSADRAIN keeps what was typed before
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
