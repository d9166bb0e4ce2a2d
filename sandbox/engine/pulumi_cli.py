"""The `pulumi` command: the one on PATH, the official release, or a build from its Go modules."""

import fcntl
import os
import platform
import re
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from sandbox.state import CACHE, SandboxError, write

VERSION = "3.259.0"
"""The release that is fetched or built where there is none."""
OLDEST = (3, 231)
"""What Pulumi.yaml requires."""
_RELEASE = "https://github.com/pulumi/pulumi/releases/download/v{version}/pulumi-v{version}-linux-{arch}.tar.gz"
_CONNECT_SECONDS = 10
_SHOWN = 100
"""After how many packages a build of minutes says that it goes on."""
_GO_MOD = f"""module argoweb.sandbox/pulumi

go 1.24

require (
\tgithub.com/pulumi/pulumi/pkg/v3 v{VERSION}
\tgithub.com/pulumi/pulumi/sdk/v3 v{VERSION}
)
"""
_TOOLS_GO = """//go:build tools

package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
"""


def find(say: Callable[[str], None]) -> Path:
    """A folder that holds `pulumi`, and the official language host where there is one.

    Raises:
        SandboxError: there is none and none can be had.
    """
    on_path = shutil.which("pulumi")
    if on_path is not None and _version(on_path) >= OLDEST:
        program = Path(on_path).resolve()
        # A shim, as version managers have it, is a link to a program of another name.
        return program.parent if program.name == "pulumi" else Path(on_path).parent
    folder = CACHE / f"pulumi-{VERSION}"
    if _version(str(folder / "pulumi")) < OLDEST:
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another checkout may be at it
            if _version(str(folder / "pulumi")) < OLDEST:
                if folder.exists():
                    say(f"the Pulumi that is kept in {folder} does not run; it is put in anew")
                _clear(folder)
                if not _download(folder, say):
                    _build(folder, say)
    return folder


def _clear(folder: Path) -> None:
    """Takes away a Pulumi that does not run, and what a run that was cut off has left beside it."""
    for suffix in ("", ".new", ".tar.gz"):
        path = folder.with_name(folder.name + suffix)
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _version(program: str) -> tuple[int, ...]:
    try:
        text = subprocess.run(
            [program, "version"], capture_output=True, text=True, check=False
        ).stdout
    except OSError:  # there is none, or it is no program
        text = ""
    numbers = re.match(r"v?(\d+)\.(\d+)", text.strip())
    return tuple(map(int, numbers.groups())) if numbers else (0, 0)


def _download(folder: Path, say: Callable[[str], None]) -> bool:
    """Fetches the official release, language hosts included; False where it cannot be reached."""
    arch = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    say(f"fetching Pulumi {VERSION}")
    archive = folder.with_name(folder.name + ".tar.gz")
    archive.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            urllib.request.urlopen(
                _RELEASE.format(version=VERSION, arch=arch), timeout=_CONNECT_SECONDS
            ) as response,
            archive.open("wb") as file,
        ):
            shutil.copyfileobj(response, file)
        new = folder.with_name(folder.name + ".new")
        with tarfile.open(archive) as packed:
            packed.extractall(new)
        (new / "pulumi").rename(folder)
        new.rmdir()
    except (OSError, HTTPException, EOFError, tarfile.TarError) as error:
        say(f"the official release cannot be fetched ({getattr(error, 'reason', error)})")
        _clear(folder)
        return False
    archive.unlink()
    return True


def _build(folder: Path, say: Callable[[str], None]) -> None:
    """Builds the official command line from its published Go modules."""
    go = shutil.which("go")
    if go is None:
        raise SandboxError(
            "There is no Pulumi here: it is not on PATH, its release cannot be fetched, and there is no Go to "
            "build it. Install Pulumi (https://www.pulumi.com/docs/install/) or Go, and run it again."
        )
    source = folder.parent / f"{folder.name}.build"
    write(source / "go.mod", _GO_MOD)
    write(source / "tools.go", _TOOLS_GO)
    linked = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}"
    steps = (
        ("resolving the modules of Pulumi's command line", [go, "mod", "tidy"]),
        (
            f"building Pulumi {VERSION} with Go; once, some minutes",
            [
                go,
                "build",
                "-v",
                "-ldflags",
                linked,
                "-o",
                str(folder.parent / f"{folder.name}.new/pulumi"),
                "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            ],
        ),
    )
    for words, command in steps:
        say(words)
        said: list[str] = []
        with subprocess.Popen(
            command,
            cwd=source,
            env={**os.environ, "GOFLAGS": "-mod=mod"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                said.append(line)
                if len(said) % _SHOWN == 0:
                    say(f"{words.split()[0]}: {len(said)} packages so far")
        if process.returncode != 0:
            raise SandboxError(f"{' '.join(command)} failed:\n{''.join(said)[-3000:]}")
    (folder.parent / f"{folder.name}.new").rename(folder)
    shutil.rmtree(source, ignore_errors=True)
