"""Arguments that several commands take."""

import argparse


def add_stack(parser: argparse.ArgumentParser) -> None:
    """`--stack NAME`."""
    parser.add_argument("--stack", metavar="NAME", help="the stack; the selected one unless given")


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="for programs")
