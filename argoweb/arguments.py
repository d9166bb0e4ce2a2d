"""Arguments that several commands take."""

import argparse

from argoweb.errors import StackUnreadable
from settings import Server, Settings


def add_stack(parser: argparse.ArgumentParser) -> None:
    """`--stack NAME`."""
    parser.add_argument("--stack", metavar="NAME", help="the stack; the selected one unless given")


def add_edge(parser: argparse.ArgumentParser) -> None:
    """`--edge URL`."""
    parser.add_argument(
        "--edge",
        metavar="URL",
        help="ask this address for the hostnames, and not the one that DNS names, as in a test without DNS",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="for programs")


def server_of(settings: Settings, name: str) -> Server:
    """The stack's server of that name.

    Raises:
        StackUnreadable: it has none.
    """
    found = {server.name: server for server in settings.servers}
    if name not in found:
        raise StackUnreadable(f"The stack has no server '{name}'; it has: {', '.join(found)}")
    return found[name]
