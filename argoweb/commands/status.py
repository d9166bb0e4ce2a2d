"""Shows the whole path of each hostname: its record, Cloudflare's certificate, the tunnel, each server, each site.

Each site is asked through Cloudflare from this machine, and on each server itself. Nothing is changed.

Exit codes: 0 all is well, 1 something is wrong, 2 nothing is wrong of what could be looked at, but not all could.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console, Group
from rich.live import Live

from argoweb.arguments import add_edge, add_json
from argoweb.report import choose_exit_code
from argoweb.stack import Stack, read_stack
from argoweb.status.for_programs import as_json
from argoweb.status.overview import Overview, look_at
from argoweb.status.screen import draw_screen

_EVERY = 5.0
"""Seconds between two looks."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `status`."""
    parser.add_argument(
        "--stack",
        metavar="NAME",
        action="append",
        help="the stack, more than once for several; the selected one unless given",
    )
    parser.add_argument(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=float,
        const=_EVERY,
        help=f"look again every so many seconds ({_EVERY:g} unless given) until interrupted",
    )
    add_edge(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Prints the status of each stack, once or until it is interrupted, and gives the exit code."""
    stacks = [read_stack(name) for name in given.stack or [None]]
    if given.watch is None:
        found = _look(stacks, given.edge)
        if given.json:
            print(json.dumps([as_json(each) for each in found], indent=2))
        else:
            Console(width=None if sys.stdout.isatty() else 160).print(_show(found))
        return _choose_code(found)
    if given.json:
        while True:
            found = _look(stacks, given.edge)
            print(json.dumps([as_json(each) for each in found]), flush=True)
            time.sleep(given.watch)
    try:
        with Live(auto_refresh=False, screen=sys.stdout.isatty()) as live:
            while True:
                found = _look(stacks, given.edge)
                live.update(Group(_show(found), time.strftime("%H:%M:%S")), refresh=True)
                time.sleep(given.watch)
    except KeyboardInterrupt:
        return _choose_code(found)


def _look(stacks: list[Stack], edge_url: str | None) -> list[Overview]:
    with ThreadPoolExecutor(len(stacks)) as pool:
        return list(pool.map(lambda stack: look_at(stack, edge_url=edge_url), stacks))


def _choose_code(found: list[Overview]) -> int:
    return choose_exit_code([line for each in found for line in each.lines])


def _show(found: list[Overview]) -> Group:
    return Group(*(draw_screen(each) for each in found))
