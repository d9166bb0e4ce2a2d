"""What can go wrong in the engine tests' worlds."""

from collections.abc import Iterator

import pytest

from sandbox.world import World
from tests.faults.direct import Direct
from tests.faults.faults import Faults
from tests.faults.steps import Steps


@pytest.fixture
def faults(deployed: World) -> Iterator[Faults]:
    """Faults that end with the test; the stack's file is the old one then, and `up` converges."""
    faults = Faults(deployed)
    yield faults
    faults.clear()
    deployed.up()
    assert deployed.planned() == {}
    assert deployed.get("www.example.localhost")[0] == 200


@pytest.fixture(scope="module")
def stack(world: World) -> Iterator[Direct]:
    """The example, deployed by Pulumi, which still finds all of it at the end."""
    world.converge()
    yield Direct(world)
    world.up("--expect-no-changes")


@pytest.fixture
def steps(stack: Direct) -> Iterator[Steps]:
    """Activations are held nowhere at the end."""
    steps = Steps(stack.world, Faults(stack.world))
    yield steps
    steps.forget()


@pytest.fixture
def direct(stack: Direct, steps: Steps) -> Iterator[Direct]:
    """What was deployed is deployed again at the end."""
    yield stack
    steps.let_go()
    assert "done: the tunnel is connected" in stack.deploy(stack.original)
    assert "this is app" in stack.world.get("app.example.localhost")[1]
