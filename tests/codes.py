"""Which codes of findings the tests have seen: a run of all that needs no sandbox fails for one that none has raised."""

import os
import re
from typing import Any

import pytest

from values.findings import KINDS, Finding

_SEEN = set[str]()
_KEY = "codes"
_OFFLINE = "not engine"


def pytest_configure() -> None:
    """Lets each finding that is made say its code."""
    made = Finding.__init__

    def noted(self: Finding, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        _SEEN.add(self.code)

    setattr(Finding, "__init__", noted)  # noqa: B010 since mypy lets nobody assign to a method


def note_warnings(said: str) -> str:
    """Notes the codes of the warnings that a server's program has said, which are no findings of Python's."""
    _SEEN.update(re.findall(r"^warning: .* \[([a-z-]+)\]$", said, re.MULTILINE))
    return said


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes over what a worker of pytest-xdist has seen, if that is in use."""
    _SEEN.update(getattr(node, "workeroutput", {}).get(_KEY, ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands a worker's codes on, or judges those of all."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput[_KEY] = sorted(_SEEN)
    elif (
        os.geteuid() == 0  # some are of tests that take root
        and config.args_source is config.ArgsSource.TESTPATHS
        and config.option.markexpr.startswith(_OFFLINE)
        and not config.option.keyword
        and (missing := sorted(every_code() - _SEEN))
    ):
        print(f"\nNO TEST HAS RAISED: {', '.join(missing)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def every_code() -> set[str]:
    """The codes that docs/findings.md has."""
    from tests.settings.messages import page

    page()
    return set(KINDS)
