"""What the tests share."""

import asyncio
import copy
import random
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, settings

from tests.real import WANTED

pytest_plugins = ["tests.codes", "tests.engine.worlds"]

ROOT = Path(__file__).resolve().parent.parent
_PROD = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())
_ON_THE_SANDBOX = {"bench", "engine", "faults"}
"""Folders of tests that run the real command line on a sandbox."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Gives the random tests a seed that can be given again; that a machine is slow is no failure of theirs."""
    settings.register_profile(
        "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("patient")
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(random.randrange(2**32))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the seed of the random tests, and says how many wanted a real part that is not here."""
    seed = terminalreporter.config.option.hypothesis_seed
    terminalreporter.write_line(f"seed of the random tests: --hypothesis-seed={seed}")
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    wanted = Counter(found[1] for text in skipped if (found := WANTED.search(text)))
    for part, tests in wanted.items():
        terminalreporter.write_line(
            f"NOT TRIED WITH {part.upper()}: {tests} tests wanted it. docs/sandbox.md says how to name one.",
            yellow=True,
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that need a sandbox, so that the others can run before it is set up."""
    for item in items:
        if _ON_THE_SANDBOX & set(item.path.relative_to(ROOT).parts):
            item.add_marker(pytest.mark.engine)


@pytest.fixture(autouse=True)
def _event_loop() -> None:
    """Pulumi takes the thread's event loop, which an earlier test may have taken away by `asyncio.run`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asyncio.get_event_loop_policy().get_event_loop()
    except RuntimeError:
        asyncio.set_event_loop(asyncio.new_event_loop())


@pytest.fixture
def prod() -> dict[str, Any]:
    """The keys of Pulumi.prod.yaml, without their namespace."""
    return {
        key.removeprefix("argoweb:"): value
        for key, value in copy.deepcopy(_PROD["config"]).items()
        if key.startswith("argoweb:")
    }
