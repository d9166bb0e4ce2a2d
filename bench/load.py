"""A server under load from `wrk`."""

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.rounds import Row, ratio

_SECONDS = 2
_MS = {"us": 1e-3, "ms": 1, "s": 1e3}


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a server did under load."""

    per_second: float
    """Answers."""
    p50_ms: float
    p99_ms: float


def is_measurable(what: str) -> bool:
    """Whether there is a `wrk`; else it is said that this is not measured."""
    if shutil.which("wrk"):
        return True
    print(f"NOT MEASURED: {what}, because wrk is not on PATH (apt-get install wrk)")
    return False


def under_load(url: str, headers: Mapping[str, str], connections: int) -> Load:
    """One of `wrk`'s for some seconds.

    Raises:
        RuntimeError: not every request got a good answer.
    """
    words = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    shown = subprocess.run(
        ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{_SECONDS}s", "--timeout", "30s", *words, url],
        capture_output=True,
        text=True,
        check=True,
        timeout=_SECONDS + 60,
    ).stdout  # fmt: skip
    if "Non-2xx" in shown or "Socket errors" in shown:
        raise RuntimeError(f"the load was not answered well:\n{shown}")
    speed = re.search(r"Requests/sec: +([\d.]+)", shown)
    slow = {share: re.search(rf"{share}% +([\d.]+)(us|ms|s)", shown) for share in ("50", "99")}
    half, most = slow["50"], slow["99"]
    if speed is None or half is None or most is None:
        raise RuntimeError(f"wrk does not say what it measured:\n{shown}")
    return Load(
        per_second=float(speed[1]),
        p50_ms=float(half[1]) * _MS[half[2]],
        p99_ms=float(most[1]) * _MS[most[2]],
    )


def together(runs: Mapping[str, Callable[[], Load]], rounds: int) -> dict[str, list[Load]]:
    """All runs at the same time, since two equal ones that take turns differ by up to a third on a shared machine."""
    found: dict[str, list[Load]] = {name: [] for name in runs}
    with ThreadPoolExecutor(len(runs)) as pool:
        for number in range(-1, rounds):  # the first only warms up
            for name, load in zip(runs, pool.map(lambda run: run(), runs.values()), strict=True):
                if number >= 0:
                    found[name].append(load)
    return found


def compared(
    what: str,
    ours: Sequence[Load],
    other: Sequence[Load],
    *,
    against: str,
    at_least: float,
    latencies: Mapping[str, float],
    unit: str = "requests",
) -> list[Row]:
    """A row for the speed and one for each latency, `p50` or `p99`, with the most that it may be."""
    return [
        ratio(
            f"{what}: {unit} a second, against {against}",
            [it.per_second for it in ours],
            [it.per_second for it in other],
            at_least,
            at_least=True,
            unit=f"{unit}/s",
        ),
        *(
            ratio(
                f"{what}: {name} of latency, against {against}",
                [getattr(it, f"{name}_ms") for it in ours],
                [getattr(it, f"{name}_ms") for it in other],
                at_most,
                unit="ms",
            )
            for name, at_most in latencies.items()
        ),
    ]
