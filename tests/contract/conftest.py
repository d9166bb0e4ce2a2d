"""Both kinds of cloudflared."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.rig import Rig
from tests.real import real_cloudflared


@pytest.fixture(params=["real", "imitation"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which of the two."""
    return str(request.param)


@pytest.fixture(params=["http2", pytest.param("quic", marks=pytest.mark.long)])
def protocol(request: pytest.FixtureRequest) -> str:
    """What carries the connections."""
    return str(request.param)


@pytest.fixture
def times() -> dict[str, float]:
    """The edge's patience: its own, unless a test gives another."""
    return {}


@pytest.fixture
def rig(
    kind: str,
    protocol: str,
    tmp_path: Path,
    times: dict[str, float],
) -> Iterator[Rig]:
    """The edge, a service, and cloudflared of one kind."""
    program = (
        real_cloudflared("what it has in common with the imitation") if kind == "real" else None
    )
    if kind == "real" and protocol == "quic":
        pytest.importorskip("aioquic", reason="wants the package aioquic for QUIC")
    rig = Rig(tmp_path, kind, protocol, program, **times)
    yield rig
    rig.close()
