"""Mounts of a server: an overlay over this machine's root, and a network namespace that outlives its processes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from sandbox.state import SandboxError

_SOURCE = "argoweb-sandbox"
"""What the mounts of every sandbox are called."""


def overlay(folder: Path) -> None:
    """Mounts `folder/root`: this machine's root below, `folder/layers/upper` above."""
    layers, root = folder / "layers", folder / "root"
    layers.mkdir(exist_ok=True)
    root.mkdir(exist_ok=True)
    if _file_system(folder) in ("overlay", "overlayfs"):
        _run("mount", "-t", "tmpfs", "-o", "mode=700", _SOURCE, str(layers))
    for layer in ("upper", "work"):
        (layers / layer).mkdir(exist_ok=True)
    options = f"lowerdir=/,upperdir={layers}/upper,workdir={layers}/work"
    _run("mount", "-t", "overlay", _SOURCE, "-o", options, str(root))


def network_namespace(path: Path) -> None:
    """A new network namespace, held by a mount on an empty file."""
    path.touch()
    _run("unshare", f"--net={path}", "true")


def release(folder: Path) -> None:
    """Unmounts whatever is mounted in the folder, the last first."""
    for target in reversed(below(folder)):
        subprocess.run(["umount", "--lazy", target], check=False, capture_output=True)
    if left := below(folder):
        raise SandboxError(f"These stay mounted: {', '.join(left)}. Unmount them and run it again.")


def below(folder: Path) -> list[str]:
    """Whatever is mounted in a folder."""
    return [target for _, target in _mounted() if Path(target).is_relative_to(folder)]


def overlays() -> list[Path]:
    """The file tree of each server of any sandbox on this machine."""
    return [Path(target) for source, target in _mounted() if source == _SOURCE]


def _mounted() -> Iterator[tuple[str, str]]:
    """What is mounted where."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        source, target, *_ = line.split()
        yield source, target.replace("\\040", " ")


def _file_system(path: Path) -> str:
    result = subprocess.run(
        ["stat", "--file-system", "--format=%T", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


def _run(*words: str) -> None:
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SandboxError(f"{' '.join(words)} failed: {result.stderr.strip()}")
