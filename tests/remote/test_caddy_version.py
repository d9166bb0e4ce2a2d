"""Which versions of Caddy the server program takes."""

import subprocess
from pathlib import Path

import pytest

from tests.render.caddy import OLD_VERSIONS, program_of

REMOTE = Path(__file__).resolve().parents[2] / "remote"


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        ("v2.8.4 h1:q3pe0wpBj1OcHFZ3n/1nl4V4bxBrYoSoab7rL9BMYNk=", True),
        ("2.10.2", True),
        ("v2.11.7", True),
        ("v3.0.0-beta.1", True),
        ("(devel)", True),
        ("", True),
        ("v2.8.3 h1:x", False),
        ("v2.7.6", False),
        ("2.0.0", False),
    ],
)
def test_a_caddy_older_than_the_oldest_tested_one_is_refused(
    tmp_path: Path, told: str, taken: bool
) -> None:
    caddy = tmp_path / "caddy"
    caddy.write_text(f"#!/bin/sh\n[ \"$1\" = version ] && echo '{told}'\n")
    caddy.chmod(0o755)

    result = checked(caddy)

    assert (result.returncode == 0) is taken
    expected = f"Caddy {told.removeprefix('v').partition(' ')[0]} is too old: this needs {OLD_VERSIONS[0]} or newer."
    assert (result.stdout == "") if taken else result.stdout.startswith(expected)


@pytest.mark.parametrize("version", [OLD_VERSIONS[0], None])
def test_a_caddy_that_the_sites_are_tested_with_is_taken(version: str | None) -> None:
    assert checked(program_of(version)).returncode == 0


def checked(caddy: Path) -> subprocess.CompletedProcess[str]:
    """What the server program says of a Caddy's version."""
    program = (REMOTE / "caddy.sh").read_text() + '\ncheck_caddy_version "$1"\n'
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", program, "caddy.sh", str(caddy)],
        capture_output=True,
        text=True,
        check=False,
    )
