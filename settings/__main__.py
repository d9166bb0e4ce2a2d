"""For stack files: `python -m settings check [FILE…]`; docs/commands.md has examples."""

import argparse
import signal
import sys

from settings import check

if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends the reading of the output early
    parser = argparse.ArgumentParser(prog="python -m settings")
    commands = parser.add_subparsers(required=True)
    check.add_arguments(
        commands.add_parser(
            "check",
            help="what a preview would refuse, and warn of",
            description=check.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    sys.exit(check.run(parser.parse_args()))
