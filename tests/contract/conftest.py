"""Both kinds of cloudflared."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import cloudflared
from tests.contract.rig import Rig


@pytest.fixture(scope="session")
def real() -> cloudflared.Cloudflared:
    """The real cloudflared, where there is one."""
    return cloudflared.find(print)


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
    real: cloudflared.Cloudflared,
    tmp_path: Path,
    times: dict[str, float],
) -> Iterator[Rig]:
    """The edge, a service, and cloudflared of one kind."""
    if kind == "real" and real.program is None:
        pytest.skip(f"wants the real cloudflared: {real.why}")
    if kind == "real" and protocol == "quic":
        pytest.importorskip("aioquic", reason="wants the package aioquic for QUIC")
    rig = Rig(tmp_path, kind, protocol, real.program if kind == "real" else None, **times)
    yield rig
    rig.close()
