"""Serves the stack on a page: the path of a request with its state, numbers, data centres, deployments and drift.

It listens on this machine's loopback until it is interrupted; with --out it writes one file instead, which needs no
other one. Numbers come over SSH. Nothing is changed, and nothing is opened on a server.

Exit codes: 0 the page was served or written, 2 the stack cannot be read.
"""

import argparse
import json
import os
from pathlib import Path

from argoweb.arguments import add_edge, add_json, add_stack
from argoweb.errors import StackUnreadable
from argoweb.page.document import LOOPBACK, Server, look, render_page
from argoweb.stack import read_stack

_PORT = 8300
_EVERY = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `page`."""
    add_stack(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, help="write the page there, and end")
    parser.add_argument(
        "--port", type=int, default=_PORT, help=f"the port on {LOOPBACK}; 0: any ({_PORT})"
    )
    add_edge(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Serves the page until it is interrupted, or writes it to a file."""
    stack = read_stack(given.stack)
    if given.json:
        print(json.dumps(look(stack, edge_url=given.edge), indent=2))
        return 0
    if given.out is not None:
        text = render_page(look(stack, edge_url=given.edge))
        new = given.out.with_name(f".{given.out.name}.new")
        try:
            new.write_text(text, encoding="utf-8")
            os.replace(new, given.out)
        except OSError as error:
            raise StackUnreadable(f"{given.out} cannot be written: {error.strerror}") from None
        print(f"{given.out} is written; it needs no other file.")
        return 0
    try:
        server = Server(
            given.port, lambda: look(stack, edge_url=given.edge, every=_EVERY), every=_EVERY
        )
    except OSError as error:
        raise StackUnreadable(
            f"port {given.port} of {LOOPBACK} cannot be had ({error.strerror}): take another --port"
        ) from None
    with server:
        print(f"http://{LOOPBACK}:{server.server_port}/ until you interrupt this.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0
