"""The ports of tests: two things of a run are never given one."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_DRAW = "import json; from tests.ports import free_port; print(json.dumps([free_port() for _ in range(500)]))"


def test_no_port_is_given_twice_in_no_process_of_a_run() -> None:
    count = {"PYTEST_XDIST_WORKER_COUNT": "2"}

    drawn = [
        port
        for worker in ("gw0", "gw1")
        for port in json.loads(
            subprocess.run(
                [sys.executable, "-c", _DRAW],
                cwd=ROOT,
                env={**os.environ, **count, "PYTEST_XDIST_WORKER": worker},
                stdout=subprocess.PIPE,
                timeout=120,
                check=True,
            ).stdout
        )
    ]

    assert len(set(drawn)) == len(drawn) == 1000
