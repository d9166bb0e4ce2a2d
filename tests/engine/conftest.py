"""One sandbox for all engine tests that leave it as they found it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sandbox that is up; nothing is deployed by itself."""
    world = World(tmp_path_factory.mktemp("world"))
    try:
        world.start()
        yield world
    finally:
        world.stop()


@pytest.fixture
def deployed(world: World) -> World:
    """The example, deployed."""
    world.up()
    return world


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    """A world of its own, on which nothing was ever deployed."""
    world = World(tmp_path)
    try:
        world.start()
        yield world
    finally:
        world.stop()
