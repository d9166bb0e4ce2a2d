"""A laboratory."""

from collections.abc import Iterator

import pytest

from bench.lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two servers and the three programs; nothing is deployed by itself."""
    lab = Lab(tmp_path_factory.mktemp("lab"), 2)
    yield lab
    lab.close()
