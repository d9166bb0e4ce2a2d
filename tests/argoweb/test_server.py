"""What is made of the report of a server."""

import pytest

from argoweb.server import ServerSeen, seen
from render import serving
from settings.contract import VERSION
from tests.argoweb.conftest import DEPLOYMENT, stack


def report(*manifest: str) -> ServerSeen:
    """What is seen of a server whose live manifest has these lines."""
    found = stack()
    (server,) = found.settings.servers
    address = "192.0.2.1 0a1b2c3d"
    rows = [
        "system\t/nix/store/x\t26.05\t/nix/store/x\t100",
        "generation\tsystem-7-link\t1790000000",
        f"owner\t{DEPLOYMENT}/web1 {address}\t1790000000",
        *(f"manifest\t{line}" for line in manifest),
        "end",
    ]
    return seen(found, server, "\n".join(rows))


def test_a_server_tells_by_which_version_it_was_deployed() -> None:
    assert report(*serving(stack().settings), "end").deployed_by == VERSION


@pytest.mark.parametrize("manifest", [(), ("config-dir /etc/caddy", "end")])
def test_a_manifest_of_before_there_were_versions_is_read(manifest: tuple[str, ...]) -> None:
    found = report(*manifest)

    assert (found.deployed_by, found.lines) == ("", [])
