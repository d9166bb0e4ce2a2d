"""Visitors who never stop."""

import http.client
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.world import World

_VISITORS_A_SITE = 2
_PATIENCE_SECONDS = 180
_NEEDED_AT_EACH_END = 5
"""Answers before and after what happens meanwhile."""


class Load:
    """What the visitors saw."""

    def __init__(self, world: World, hostnames: tuple[str, ...]) -> None:
        self.failed: list[str] = []
        self.answered = 0
        self._world = world
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._visit, args=(hostname,))
            for hostname in hostnames
            for _ in range(_VISITORS_A_SITE)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def go_on(self) -> None:
        """Waits for some more answers."""
        enough = self.answered + _NEEDED_AT_EACH_END
        self._world.wait_for(lambda: self.answered >= enough)

    def _visit(self, hostname: str) -> None:
        while not self._stopped.is_set():
            edge = self._world.status["edge_url"]
            request = urllib.request.Request(edge, headers={"Host": hostname})
            problem = ""
            try:
                urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS).read()
            except urllib.error.HTTPError as error:
                problem = f"{hostname}: {error!r}: {error.read()!r}"
            except (OSError, http.client.HTTPException) as error:
                problem = f"{hostname}: {error!r}"
            with self._lock:
                self.answered += 1
                if problem:
                    self.failed.append(problem)


@contextmanager
def load(world: World, *hostnames: str) -> Iterator[Load]:
    """Visitors before, during and after what is done meanwhile."""
    with Load(world, hostnames) as visitors:
        visitors.go_on()
        yield visitors
        visitors.go_on()
