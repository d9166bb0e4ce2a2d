"""What is installed before there is anything but Python itself."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_ENSUREPIP = """
import importlib.util, os, shutil, sys
found, which = importlib.util.find_spec, shutil.which
importlib.util.find_spec = lambda name, *more: None if name == "ensurepip" else found(name, *more)
shutil.which = lambda name, **more: None if name == "apt-get" else which(name, **more)
sys.argv[1:] = ["python3", "python3=nobody-asks", "nowhere", "nowhere-to-be-found=its-package"]
from sandbox import packages
sys.exit(packages.main())
"""


def test_packages_are_named_that_are_missing() -> None:
    """In isolation from site-packages, so this also says that the standard library is enough."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{WITHOUT_ENSUREPIP}"

    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )

    assert said.returncode == 1
    words = said.stderr.split(": ")[-1].split()
    assert {"python3-venv", "nowhere", "its-package"} <= set(words)
    assert not {"python3", "nobody-asks", "nowhere-to-be-found"} & set(words)
