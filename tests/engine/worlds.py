"""One sandbox for all tests that leave it as they found it, and worlds of their own for those that do not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sandbox that is up; nothing is deployed by itself."""
    with started(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def deployed(world: World, request: pytest.FixtureRequest) -> Iterator[World]:
    """The example, deployed."""
    world.converge()
    failures = request.session.testsfailed
    yield world
    if request.session.testsfailed != failures:
        world.doubt()


@contextmanager
def started(folder: Path, servers: int = 1, *, protected: bool = False) -> Iterator[World]:
    """A world of its own, on which nothing was ever deployed."""
    world = World(folder)
    try:
        world.start(servers, protected=protected)
        yield world
    finally:
        world.stop()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    """A world of its own, on which nothing was ever deployed."""
    with started(tmp_path) as world:
        yield world


@pytest.fixture
def three(tmp_path: Path) -> Iterator[World]:
    """A world of its own with three servers, on which nothing was ever deployed."""
    with started(tmp_path, servers=3) as world:
        yield world


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[World]:
    """A world of its own with two servers, on which nothing was ever deployed."""
    with started(tmp_path, servers=2) as world:
        yield world
