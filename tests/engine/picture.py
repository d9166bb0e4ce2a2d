"""`python -m tests.engine.picture`: docs/page.png, the page of a sandbox's stack as Chromium draws it."""

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from sandbox.world import World
from tests.contract.chromium import running
from tests.engine.test_commands import argoweb
from tests.engine.worlds import started

FILE = Path(__file__).resolve().parents[2] / "docs" / "page.png"
_HOSTS = ("www.example.localhost", "app.example.localhost", "status.example-two.localhost")


def _counts(config: dict[str, Any]) -> None:
    config["argoweb:metrics"] = {"sites": True}


def _visit(world: World, ended: threading.Event) -> None:
    while not ended.is_set():
        for hostname in _HOSTS:
            world.get(hostname)
        time.sleep(0.1)


def main() -> None:
    """Deploys the example, visits its sites, and takes the picture."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        started(Path(folder)) as world,
    ):
        world.up("--message", "the first deployment")
        world.edit(_counts)
        world.up("--message", "numbers of each site")
        ended = threading.Event()
        visitor = threading.Thread(target=_visit, args=(world, ended))
        visitor.start()
        page = world.root / "page.html"
        argoweb(world, "page", "--edge", world.status["edge_url"], "--out", str(page))
        ended.set()
        visitor.join()
        with running() as browser:
            browser.look(1200, "light")
            browser.visit(f"file://{page}")
            FILE.write_bytes(browser.picture())


if __name__ == "__main__":
    main()
