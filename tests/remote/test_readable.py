"""Whether the user of a unit may read a file, tried as that user with the unit's groups; one that is not there yet too."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

REMOTE = Path(__file__).resolve().parents[2] / "remote"
PROGRAM = "\n".join((REMOTE / name).read_text() for name in ("common.sh", "readable.sh"))
NOBODY_YET = "argoweb-nobody-yet"


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT CHECKED: another user is taken on, which takes root")  # fmt: skip
@pytest.mark.parametrize(
    ("unit", "more", "mode", "group", "readable"),
    [
        ("", "", 0o600, "root", True),
        ("User=root", "", 0o600, "root", True),
        ("User=daemon", "", 0o600, "root", False),
        ("User=daemon", "", 0o640, "adm", False),
        ("User=daemon", "", 0o604, "root", True),
        ("User=daemon", "", 0o640, "daemon", True),
        ("User=daemon", "adm", 0o640, "adm", True),
        ("User=daemon\nGroup=adm", "", 0o640, "adm", True),
        ("User=daemon\nGroup=bin\nSupplementaryGroups=adm", "", 0o640, "adm", True),
        (f"User={NOBODY_YET}", "", 0o600, "root", False),
        (f"User={NOBODY_YET}", "", 0o604, "root", True),
        (f"User={NOBODY_YET}\nGroup={NOBODY_YET}\nSupplementaryGroups=adm", "", 0o640, "adm", True),
        (f"User={NOBODY_YET}", NOBODY_YET, 0o640, "adm", False),
    ],
)
def test_a_file_is_tried_as_the_units_user(
    folder: Path, unit: str, more: str, mode: int, group: str, readable: bool
) -> None:
    file = folder / "a file"
    file.write_text("x")
    shutil.chown(file, group=group)
    file.chmod(mode)

    said = unreadable(f"[Service]\n{unit}", more, f"Caddy {file}")

    user = unit.partition("\n")[0].removeprefix("User=")
    wrong = f"    {file}, which Caddy reads, is not readable for its user '{user}'.\n"
    assert said == ("" if readable else wrong)


def test_all_files_that_are_not_there_are_said_and_those_of_others_are_not_looked_for(
    tmp_path: Path,
) -> None:
    there, one, two = (tmp_path / name for name in ("there", "one", "two"))
    there.touch()

    said = unreadable("", "", f"cloudflared {tmp_path}/x", f"Caddy {one}", f"Caddy {there}", f"Caddy {two}")  # fmt: skip

    assert said == "".join(f"    {it}, which Caddy reads, is not there.\n" for it in (one, two))


def unreadable(unit: str, more: str, *reads: str) -> str:
    """What is said of the files that the manifest says somebody reads, of which Caddy's are asked for."""
    start = 'READS=("${@:3}")\nunreadable Caddy "$1" "$2"'
    return subprocess.run(
        ["bash", "-c", f"{PROGRAM}\n{start}", "server.sh", unit, more, *reads],
        text=True,
        capture_output=True,
        check=True,
    ).stdout
