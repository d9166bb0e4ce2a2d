"""Prints the journal of cloudflared and Caddy, of one server or of all, without the tunnel's secret.

What visitors send may stand in it, with cloudflared's `loglevel: debug` or Caddy's `log`.

Exit codes: 0 it was printed, 2 a server could not be asked.
"""

import argparse
import asyncio
import json
import sys

import asyncssh

from argoweb.arguments import add_json, add_stack, find_server
from argoweb.connection import NoConnection, open_connection, write_as_root
from argoweb.programs import write_logs_program
from argoweb.report import CANNOT_TELL, WELL, as_text, observe
from argoweb.stack import Stack, read_stack
from settings import Server

_LINES = 100
_UNKNOWN_UNIT = "unknown"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `logs`."""
    parser.add_argument("server", nargs="?", metavar="SERVER", help="one server; all unless given")
    add_stack(parser)
    parser.add_argument(
        "-n", "--lines", type=int, default=_LINES, help=f"the last ones ({_LINES} unless given)"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on until interrupted")
    parser.add_argument(
        "--since", metavar="TIME", help="as journalctl takes it, such as '1 hour ago'"
    )
    parser.add_argument(
        "-u", "--unit", action="append", metavar="UNIT", help="these units instead, as an application's"
    )  # fmt: skip
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Prints the journal of the servers as it comes, and gives the exit code."""
    stack = read_stack(given.stack)
    servers = (
        [find_server(stack.settings, given.server)] if given.server else [*stack.settings.servers]
    )
    return max(asyncio.run(_follow_all(stack, servers, given)))


async def _follow_all(stack: Stack, servers: list[Server], given: argparse.Namespace) -> list[int]:
    width = max(len(server.name) for server in servers) if len(servers) > 1 else 0
    return list(
        await asyncio.gather(*(_follow_one(stack, server, given, width) for server in servers))
    )  # fmt: skip


async def _follow_one(stack: Stack, server: Server, given: argparse.Namespace, width: int) -> int:
    try:
        async with (
            open_connection(server, stack.private_key) as connection,
            connection.create_process(
                write_as_root(server, "bash", "-s"), stderr=asyncssh.STDOUT, errors="replace"
            ) as process,
        ):
            process.stdin.write(write_logs_program(*_choose_words(stack, given)))
            if not given.follow:
                process.stdin.write_eof()
            async for line in process.stdout:
                if line:  # asyncssh gives an empty one where the output ends
                    _print(server.name, str(line), given.json, width)
    except NoConnection as error:
        print(as_text(observe(error.code, server.name, str(error))), file=sys.stderr)
        return CANNOT_TELL
    except asyncssh.Error as error:
        broken = f"the connection broke: {error}"
        print(as_text(observe("server-silent", server.name, broken)), file=sys.stderr)
        return CANNOT_TELL
    return WELL


def _choose_words(stack: Stack, given: argparse.Namespace) -> list[str]:
    settings = stack.settings
    units = given.unit or [
        *(each.unit for each in settings.instances),
        f"{settings.caddy.unit}.service",
    ]
    words = [settings.nixos.data_dir, "yes" if given.follow else "no", f"--lines={given.lines}"]
    words += [f"--unit={unit}" for unit in units]
    if given.since:
        words.append(f"--since={given.since}")
    if given.json:
        return [*words, "--output=json", "--output-fields=MESSAGE,_SYSTEMD_UNIT,UNIT"]
    return [*words, "--output=short-iso"]


def _print(server: str, line: str, as_json: bool, width: int) -> None:
    if not as_json:
        print(f"{f'{server:{width}} | ' if width else ''}{line}", end="", flush=True)
        return
    try:
        entry = json.loads(line)
    except ValueError:
        return  # a message of journalctl itself
    message = entry.get("MESSAGE")
    if isinstance(message, list):  # journalctl gives bytes that are no UTF-8 so
        message = bytes(message).decode(errors="replace")
    told = {
        "server": server,
        "unit": entry.get("UNIT") or entry.get("_SYSTEMD_UNIT") or _UNKNOWN_UNIT,
        "time": int(entry["__REALTIME_TIMESTAMP"]) / 1e6,
        "message": message,
    }
    print(json.dumps(told), flush=True)
