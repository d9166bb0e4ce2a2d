"""Arguments that several commands take."""

import argparse

from argoweb.errors import StackUnreadable
from settings import Server, Settings


def add_stack(parser: argparse.ArgumentParser) -> None:
    """Adds `--stack NAME`, which names the stack that a command is about."""
    parser.add_argument("--stack", metavar="NAME", help="the stack; the selected one unless given")


def add_edge(parser: argparse.ArgumentParser) -> None:
    """Adds `--edge URL`, the address that is asked for the hostnames in the place of what DNS names."""
    parser.add_argument(
        "--edge",
        metavar="URL",
        help="ask this address for the hostnames, and not the one that DNS names, as in a test without DNS",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds `--json`, which prints the same for programs."""
    parser.add_argument("--json", action="store_true", help="for programs")


def find_server(settings: Settings, name: str) -> Server:
    """Finds the server of a name in a stack.

    Raises:
        StackUnreadable: it has none.
    """
    found = {server.name: server for server in settings.servers}
    if name not in found:
        raise StackUnreadable(f"The stack has no server '{name}'; it has: {', '.join(found)}")
    return found[name]
