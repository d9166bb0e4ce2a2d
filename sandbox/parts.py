"""`python -m sandbox.parts`: which parts of the sandbox are real here, before anything is started."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sandbox import caddy, cloudflared
from sandbox.engine import plugins, pulumi_cli
from sandbox.server.machine import MODULES, SWITCH, real_modules, real_switch, version_of_nixpkgs
from sandbox.state import CACHE, FOLDER, SandboxError

Row = tuple[str, str, str]
"""Part, real or imitated, version or reason."""


def rows() -> Iterator[Row]:
    """One for each part.

    Raises:
        SandboxError: what was asked for by name cannot be used.
    """
    tunnel_client = cloudflared.find(lambda _: None)
    if tunnel_client.program is None:
        yield "cloudflared", "imitated", tunnel_client.why
    else:
        yield "cloudflared", "real", f"{tunnel_client.version}, over {tunnel_client.protocol}"
    yield "Caddy", "real", caddy.version_of(caddy.find())
    switch = real_switch()
    yield (
        "switch-to-configuration",
        "real" if switch else "imitated",
        str(switch) if switch else f"{SWITCH} is unset",
    )
    modules = real_modules()
    yield (
        "NixOS's lib and modules",
        "real" if modules else "imitated",
        f"{version_of_nixpkgs(modules)}, {modules}" if modules else f"{MODULES} is unset",
    )
    yield "the rest of NixOS", "imitated", ""
    pulumi = _folder_of_pulumi()
    yield "pulumi", "real", _version(pulumi / "pulumi") if pulumi else "to be had by `up`"
    found = shutil.which("pulumi-language-python", path=_path(pulumi))
    real = found is not None and Path(found).read_bytes()[:4] == b"\x7fELF"
    yield "language host", "real" if real else "imitated", found or ""
    for name in plugins.NAMES:
        program = shutil.which(f"pulumi-resource-{name}")
        kind = "imitated" if os.environ.get("SANDBOX_PLUGINS") == "standin" else "real"
        if program is not None and kind == "real":
            yield f"plugin {name}", "real", program
        else:
            yield f"plugin {name}", "imitated", "where `up` cannot fetch the official one"
    yield "Cloudflare's API and edge", "imitated", ""


def table(given: Iterator[Row]) -> str:
    """The rows, in columns."""
    listed = [("part", "", "version"), *given]
    widths = [max(len(row[column]) for row in listed) for column in range(2)]
    lines = (f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}".rstrip() for row in listed)
    return "\n".join(lines)


def _folder_of_pulumi() -> Path | None:
    on_path = shutil.which("pulumi")
    if on_path is not None:
        return Path(on_path).resolve().parent
    built = CACHE / f"pulumi-{pulumi_cli.VERSION}"
    return built if (built / "pulumi").exists() else None


def _path(first: Path | None) -> str:
    return f"{first}:{os.environ['PATH']}" if first else os.environ["PATH"]


def _version(pulumi: Path) -> str:
    # It writes a log wherever its home is.
    surroundings = {**os.environ, "PULUMI_HOME": str(FOLDER / "pulumi-home")}
    said = subprocess.run(
        [pulumi, "version"], env=surroundings, capture_output=True, text=True, check=False
    )
    return said.stdout.strip()


def main() -> int:
    """Prints the table; 1 when something that was asked for cannot be used."""
    try:
        print(table(rows()))
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
