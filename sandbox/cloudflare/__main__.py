"""Run the stand-in: `python -m sandbox.cloudflare --state-dir D`. SIGTERM ends it."""

import argparse
import asyncio
import signal
from pathlib import Path

from .server import Ports, Server


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.cloudflare", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True, help="folder for its data")
    for name in ("api", "control", "edge", "tunnel"):
        parser.add_argument(f"--{name}-port", type=int, default=0, help="0: any free port")
    parser.add_argument(
        "--protocol", action="append", default=[], help="speak cloudflared's own too: http2, quic"
    )
    return parser.parse_args()


async def run(state_dir: Path, ports: Ports, protocols: list[str]) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    ready_file = state_dir / "cloudflare.json"
    ready_file.unlink(missing_ok=True)
    server = Server(state_dir, ports, protocols=protocols)
    await server.start()
    await ended.wait()
    await server.stop()
    ready_file.unlink(missing_ok=True)


def main() -> None:
    given = arguments()
    ports = Ports(
        api=given.api_port,
        control=given.control_port,
        edge=given.edge_port,
        tunnel=given.tunnel_port,
    )
    asyncio.run(run(given.state_dir, ports, given.protocol))


if __name__ == "__main__":
    main()
