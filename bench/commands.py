"""What a command takes, and how that of ours compares with another one's."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.rounds import Row, ratio


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a command took. What else runs on the machine changes the first far more than the second."""

    seconds: float
    processor: float
    """Seconds of processor time, of the command and all that it starts on this side of the connections."""


def taken(run: Callable[[], object]) -> Taken:
    """What a command takes that `run` waits for."""
    before, began = os.times(), time.monotonic()
    run()
    seconds, after = time.monotonic() - began, os.times()
    return Taken(
        seconds=seconds,
        processor=after.children_user
        + after.children_system
        - before.children_user
        - before.children_system,
    )


def compared(
    what: str, ours: Sequence[Taken], other: Sequence[Taken], target: float | None
) -> list[Row]:
    """One row for the time, one for the processor time."""
    return [
        ratio(what, [each.seconds for each in ours], [each.seconds for each in other], target),
        ratio(
            f"{what}, processor time",
            [each.processor for each in ours],
            [each.processor for each in other],
            target,
        ),
    ]
