"""What `make` does on a machine where nothing was ever done, and the next time."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYTHON = """#!/bin/sh
echo "$*" >>log
if [ "$1 $2" = "-m venv" ]; then
  mkdir -p "$3/bin"
  cp "$0" "$3/bin/python"
  cp "$0" "$3/bin/pip"
fi
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Our Makefile, and a Python that only writes down what it is asked for."""
    for file in (ROOT / "Makefile", *ROOT.glob("requirements*")):
        shutil.copy(file, tmp_path)
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def make(checkout: Path, target: str) -> subprocess.CompletedProcess[str]:
    """`make`, with that Python."""
    return subprocess.run(
        ["make", target, "PYTHON=./python"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def asked(checkout: Path, target: str) -> list[str]:
    """What Python was asked for, without the one-liners."""
    (checkout / "log").write_text("")
    made = make(checkout, target)
    assert made.returncode == 0, made.stderr
    lines = (checkout / "log").read_text().splitlines()
    return [line for line in lines if not line.startswith("-c ")]


def test_the_systems_packages_come_before_the_virtual_environment_that_may_need_one(
    checkout: Path,
) -> None:
    first, second, third, *rest = asked(checkout, "sandbox")

    assert first == "-m sandbox.packages"
    assert second == "-m venv .venv"
    assert third.startswith("install ")
    assert rest == ["-m sandbox up", "-m sandbox demo"]


@pytest.mark.parametrize(
    "target", ["sandbox", "test", "test-long", "real", "check", "bench", "down"]
)
def test_the_second_time_nothing_is_installed(checkout: Path, target: str) -> None:
    asked(checkout, "down")

    again = asked(checkout, target)

    assert again[0] == "-m sandbox.packages"
    assert not [line for line in again if "venv" in line or line.startswith("install ")]


def test_a_step_of_make_real_that_fails_is_named_and_keeps_no_other_from_running(
    checkout: Path,
) -> None:
    asked(checkout, "down")
    python = checkout / ".venv/bin/python"
    python.write_text(PYTHON + 'case "$*" in *"not engine"*) exit 1 ;; esac\n')
    (checkout / "log").write_text("")

    made = make(checkout, "real")

    steps = [line for line in (checkout / "log").read_text().splitlines() if "pytest" in line]
    assert made.returncode != 0
    assert len(steps) == 4
    cores = len(os.sched_getaffinity(0))
    assert f"FAILED; .venv/bin/python -m pytest -n {cores + 1} -m not engine\n" in made.stdout


def test_what_make_real_runs_again_is_there(checkout: Path) -> None:
    asked(checkout, "down")

    for line in asked(checkout, "real"):
        for word in line.split():
            assert not word.startswith("tests/") or (ROOT / word).exists(), word


def test_a_python_that_is_too_old_is_told_the_version(checkout: Path) -> None:
    (checkout / "python").write_text(
        "#!/bin/sh\nsed 's/sys.version_info/(3, 9)/' <<E | python3\n$2\nE\n"
    )

    made = make(checkout, "sandbox")

    assert made.returncode != 0
    assert "Python 3.10 or newer is needed" in made.stderr
