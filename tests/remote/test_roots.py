"""Folders of sites that are not on the server, or that Caddy's user may not read."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from argoweb.programs import read_source

UNIT = "User=nobody"


def missing(*roots: str, unit: str = UNIT) -> list[str]:
    """What is told of these, each a hostname and a folder."""
    program = f'{read_source(("common.sh", "readable.sh"))}\nROOTS=("$@")\nmissing_roots "{unit}"\n'
    done = subprocess.run(
        ["bash", "-c", program, "roots", *roots], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_a_folder_that_is_not_there_and_a_file_in_its_place_are_told(tmp_path: Path) -> None:
    (tmp_path / "my site").mkdir()
    (tmp_path / "page").touch()

    found = missing(
        f"a.example.com {tmp_path}/my site",
        f"b.example.com {tmp_path}/gone",
        f"c.example.com {tmp_path}/page",
        "d.example.com relative",
        unit="",
    )

    assert found == [
        f"b.example.com\t{tmp_path}/gone\tis not there",
        f"c.example.com\t{tmp_path}/page\tis no folder",
    ]


needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT CHECKED: another user is taken, which takes root"
)


@needs_root
def test_a_folder_that_caddys_user_may_not_enter_is_told() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "open").mkdir(mode=0o755)
        (folder / "shut").mkdir(mode=0o700)

        found = missing(f"a.example.com {name}/open", f"b.example.com {name}/shut")

    assert found == [f"b.example.com\t{name}/shut\tis not readable for Caddy's user 'nobody'"]


@needs_root
def test_hundreds_of_folders_are_tried_in_a_moment() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        roots = [f"s{number}.example.com {name}/{number}" for number in range(500)]
        for root in roots[1:]:
            Path(root.partition(" ")[2]).mkdir(mode=0o755)
        before = os.times()

        found = missing(*roots)

        after = os.times()
    assert found == [f"s0.example.com\t{name}/0\tis not there"]
    assert after.children_user - before.children_user < 2
