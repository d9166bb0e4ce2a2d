"""How many of the product's mutants the offline tests kill: `make mutants`, `make mutants FILES=components SHARE=1`.

A mutant is the product with one small mistake. One that all tests pass is a hole in the tests, unless
`survivors.yaml` says why it may live.
"""

import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.mutants import lines, python_code
from tests.mutants.bench import Bench
from tests.mutants.mutant import Mutant
from tests.mutants.rooms import TESTS, list_files, room_of
from tests.mutants.survivors import Survivors

_ROOT = Path(__file__).resolve().parents[2]
_TARGET = 0.9
"""The share that has to be killed."""


def main() -> int:
    """The exit code: 1 where one survives that is not listed, or too many do."""
    wanted = os.environ.get("FILES", "").split()
    share, seed = float(os.environ.get("SHARE") or 0.05), int(os.environ.get("SEED") or time.time())
    files = list_files(_ROOT, wanted)
    all_of_them = [make for file in files for make in _makers(file)]
    makers = random.Random(seed).sample(all_of_them, round(share * len(all_of_them)))
    chosen = sorted((make() for make in makers), key=lambda it: (it.file, it.line))
    survivors = Survivors()
    print(
        f"{len(chosen)} of {len(all_of_them)} mutants of {len(files)} files, SEED={seed}",
        flush=True,
    )
    tried, killed, unlisted = Counter[str](), Counter[str](), []
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(
            Bench(
                _ROOT,
                Path(folder),
                _ROOT / ".mutants",
                sorted({tests for file in files for tests in TESTS[room_of(file)]}),
                os.environ.get("TESTS", "").split(),
                stale=bool(os.environ.get("STALE")),
            )
        ) as bench,
    ):
        for file in sorted({it.file for it in chosen}):
            bench.must_pass(file)
        for mutant in chosen:
            tried[room_of(mutant.file)] += 1
            if not bench.survives(mutant):
                killed[room_of(mutant.file)] += 1
            elif not survivors.may_live(mutant):
                unlisted.append(mutant)
                print(f"SURVIVED {mutant}", flush=True)
    for room, count in tried.items():
        print(f"{room:15} {killed[room]:5} of {count:5} killed: {killed[room] / count:.1%}")
    all_killed = killed.total() / max(tried.total(), 1)
    print(f"{killed.total()} of {tried.total()} killed: {all_killed:.1%} (at least {_TARGET:.0%})")
    print(f"{len(unlisted)} survived that are not listed")
    return int(bool(unlisted) or all_killed < _TARGET)


def _makers(file: str) -> list[Callable[[], Mutant]]:
    of_language = python_code.mutants if file.endswith(".py") else lines.mutants
    return of_language(file, (_ROOT / file).read_text())


if __name__ == "__main__":
    sys.exit(main())
