"""What a stack is like and what differs from it: `python -m argoweb COMMAND --help`; docs/commands.md has examples.

Exit codes: 0 all is well, 1 something is wrong or differs, 2 it cannot be told.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from argoweb.errors import StackUnreadable
from settings.contract import VERSION

COMMANDS = {
    "check": "what a preview would say of a stack file, without Pulumi",
    "status": "the whole path of each hostname in one screen",
    "page": "the whole path on a page of this machine, or in one file",
    "drift": "what differs from the stack at Cloudflare and on each server",
    "init": "makes a stack by questions with defaults, or by flags",
    "doctor": "what the first `pulumi up` needs, tried one by one",
    "logs": "the journal of the servers' units",
    "ssh": "a shell on a server by the stack's own connection",
}
"""The commands in the order of `--help`; each is the module of its name in `argoweb/commands/`."""
CANNOT_TELL = 2
_INTERRUPTED = 128 + signal.SIGINT
_NEEDED = ("asyncssh", "rich", "questionary")
"""Packages of requirements-cli.txt, which `pulumi install` does not install."""


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command that the words name, and gives its exit code."""
    given_words = sys.argv[1:] if words is None else list(words)
    parser = argparse.ArgumentParser(
        prog="python -m argoweb",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"argoweb {VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    try:
        for name, line in COMMANDS.items():
            command = commands.add_parser(
                name, help=line, formatter_class=argparse.RawDescriptionHelpFormatter
            )
            # Only the module of the command that is asked for is imported, since others need packages of their own.
            if name in given_words:
                module = import_module(f"argoweb.commands.{name}")
                command.description = module.__doc__
                command.set_defaults(run=module.run)
                module.add_arguments(command)
        given = parser.parse_args(given_words)
        code: int = given.run(given)
    except StackUnreadable as error:
        print(error, file=sys.stderr)
        return CANNOT_TELL
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        print(
            f"This command needs {error.name}: .venv/bin/pip install -r requirements-cli.txt",
            file=sys.stderr,
        )
        return CANNOT_TELL
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends the reading of the output early
    sys.exit(main())
