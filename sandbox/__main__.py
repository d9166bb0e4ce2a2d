"""`python -m sandbox up|down|status|env|reset|demo`"""

import argparse
import json
import signal
import sys

from sandbox import demo, lifecycle, stack, state
from sandbox.state import SandboxError


def main() -> int:
    """Runs one command; 1 when it could not be done, with the reason."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A Cloudflare and a NixOS server on loopback."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start it and prepare the stack 'sandbox'")
    up.add_argument(
        "--servers", type=int, default=1, metavar="N", help="how many servers (default 1)"
    )
    up.add_argument(
        "--for", type=int, dest="pid", metavar="PID", help="end it when this process has ended"
    )
    commands.add_parser("down", help="end what was started")
    status = commands.add_parser("status", help="show what runs and where")
    status.add_argument("--json", action="store_true", help="for programs")
    commands.add_parser(
        "env", help='print what makes plain pulumi work: eval "$(python -m sandbox env)"'
    )
    commands.add_parser("reset", help="down, and forget everything")
    commands.add_parser("demo", help="deploy the example and look at its sites")
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        match given.command:
            case "up":
                lifecycle.up(given.servers, given.pid)
            case "down":
                lifecycle.down()
            case "status":
                shown = lifecycle.status()
                print(json.dumps(shown, indent=2) if given.json else _text(shown))
            case "env":
                lifecycle.status()
                print(stack.exports(state.load()))
            case "reset":
                lifecycle.reset()
            case "demo":
                return demo.run(state.load())
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _text(shown: dict[str, object]) -> str:
    return "\n".join(f"{key:12} {value}" for key, value in shown.items())


if __name__ == "__main__":
    sys.exit(main())
