"""The documents name the permissions as the messages do."""

import re

import pytest

from existing import permissions
from tests.conftest import ROOT


@pytest.mark.parametrize("document", ["README.md", "docs/security.md"])
def test_a_document_names_every_permission_that_the_token_needs(document: str) -> None:
    text = re.sub(r"\s+", " ", (ROOT / document).read_text().replace("*", ""))

    assert [
        name for name in (permissions.TUNNEL, permissions.DNS, permissions.ZONE) if name in text
    ] == [permissions.TUNNEL, permissions.DNS, permissions.ZONE]


def test_the_page_on_access_names_the_permissions_that_it_takes() -> None:
    text = re.sub(r"\s+", " ", (ROOT / "docs/access.md").read_text().replace("*", ""))

    for name in (permissions.ACCESS, permissions.SERVICE_TOKENS, permissions.ORGANIZATION):
        assert name in text
