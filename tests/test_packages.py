"""A Python that lacks the program's packages is told so, and which one has them."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    "words", [["argoweb", "doctor"], ["argoweb", "--help"], ["settings", "check"]]
)
def test_a_python_without_the_packages_says_what_to_do(words: list[str]) -> None:
    # With -S it has no folder of installed packages.
    done = subprocess.run(
        [sys.executable, "-S", "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"This Python ({sys.executable}) has no package pulumi, yaml. Use .venv/bin/python in the folder of Pulumi.yaml; "
        "if there is none, `pulumi install` makes it.\n"
    )


def test_a_reader_of_cloudflareds_files_needs_less(tmp_path: str) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "ingress", "check", "config.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "has no package yaml. Use .venv/bin/python" in done.stderr
