"""A visitor who asks for one page all the time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.world import World

_NEEDED_AT_EACH_END = 3
"""Answers before and after what happens meanwhile."""
_PAUSE = 0.02
"""Seconds between an answer and the next question: the other programs have to get on."""


class Watch:
    """What one visitor saw."""

    def __init__(self, world: World, ask: Callable[[], int]) -> None:
        self.statuses: list[int] = []
        """Each status that differs from the one before; 0 for no answer."""
        self._world, self._ask = world, ask
        self._answered = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._visit)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def go_on(self) -> None:
        """Waits for some more answers."""
        enough = self._answered + _NEEDED_AT_EACH_END
        self._world.wait_for(lambda: self._answered >= enough)

    def begin_anew(self) -> None:
        """What was seen so far counts no more."""
        self.go_on()
        self.statuses.clear()
        self.go_on()

    def _visit(self) -> None:
        while not self._stopped.wait(_PAUSE):
            try:
                status = self._ask()
            except OSError:
                status = 0
            if self.statuses[-1:] != [status]:
                self.statuses.append(status)
            self._answered += 1


@contextmanager
def watch(world: World, ask: Callable[[], int]) -> Iterator[Watch]:
    """Somebody who asks before, during and after what is done meanwhile."""
    with Watch(world, ask) as visitor:
        visitor.go_on()
        yield visitor
        visitor.go_on()
