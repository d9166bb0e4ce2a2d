"""Which cloudflared the servers run: a real one where it can be had, else the sandbox's imitation."""

import contextlib
import hashlib
import http.client
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.state import CACHE, FOLDER, SandboxError, write

VERSION = "2026.8.2"
"""The release that is fetched where there is none."""
CHOICES = ("SANDBOX_CLOUDFLARED", "SANDBOX_TUNNEL_PROTOCOL")
"""Variables that ask for one."""
_RELEASE = (
    "https://github.com/cloudflare/cloudflared/releases/download/{version}/cloudflared-linux-{arch}"
)
_CHECKSUMS = {
    "amd64": "fcfb02b575a52ca1af2e3267af4e1517bcdeb30ac48c834c69abaed3c0576ad2",
    "arm64": "7747d94570fb390cf47dcb4f9555c193c6355cda9793f0d878d9049e5d6a7790",
}
"""SHA-256 of the release's programs, by Go's name of the architecture."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_CONNECT_SECONDS = 10
_REFUSED = FOLDER / f"no-cloudflared-{VERSION}"
_ADDRESSES = 8
"""cloudflared keeps four connections, each to an entry of its own, and wants a free one after a failure."""


@dataclass(frozen=True, kw_only=True)
class Cloudflared:
    """What a server runs. `program` is None for the imitation, of which `why` says the reason."""

    program: Path | None = None
    version: str = ""
    why: str = ""
    protocol: str = "http2"
    """What carries its connections to the edge: http2, quic, or auto for its own choice."""

    @property
    def protocols(self) -> tuple[str, ...]:
        """What the edge has to speak for it."""
        if self.program is None:
            return ()
        return ("http2",) if self.protocol == "http2" else ("http2", "quic")

    @property
    def described(self) -> str:
        """For people."""
        if self.program is None:
            return f"imitated ({self.why})"
        return f"real, {self.version}, protocol {self.protocol}"


def find(say: Callable[[str], None]) -> Cloudflared:
    """The one that SANDBOX_CLOUDFLARED names, that is on PATH, that was fetched or can be; else the imitation.

    Raises:
        SandboxError: SANDBOX_CLOUDFLARED names what cannot be used, or SANDBOX_TUNNEL_PROTOCOL does.
    """
    protocol = os.environ.get("SANDBOX_TUNNEL_PROTOCOL", "http2")
    if protocol not in ("http2", "quic", "auto"):
        raise SandboxError(
            f"SANDBOX_TUNNEL_PROTOCOL is '{protocol}'; it may be http2, quic or auto."
        )
    chosen = replace(_chosen(say), protocol=protocol)
    if chosen.program is not None and _missing("h2"):
        needed = "the Python package h2 is missing: pip install -r requirements-dev.txt"
        chosen = Cloudflared(why=needed, protocol=protocol)
    if chosen.program is not None and protocol != "http2" and _missing("aioquic"):
        if protocol == "quic":
            raise SandboxError(
                "SANDBOX_TUNNEL_PROTOCOL is quic, which takes the Python package aioquic: pip install aioquic"
            )
        chosen = replace(chosen, protocol="http2")
    if chosen.program is None:
        say(f"NOTE: the server's cloudflared is imitated: {chosen.why}")
    else:
        say(f"the server runs the real cloudflared {chosen.version}, {chosen.program}")
    return chosen


def _missing(package: str) -> bool:
    return importlib.util.find_spec(package) is None


def _chosen(say: Callable[[str], None]) -> Cloudflared:
    named = os.environ.get("SANDBOX_CLOUDFLARED", "")
    if named == "standin":
        return Cloudflared(why="SANDBOX_CLOUDFLARED is standin")
    if named:
        version = _version(Path(named))
        if not version:
            raise SandboxError(
                f"SANDBOX_CLOUDFLARED is '{named}', which is no cloudflared that runs here; it may be the path of one, "
                "standin for the sandbox's imitation, or unset."
            )
        return Cloudflared(program=Path(named).resolve(), version=version)
    on_path = shutil.which("cloudflared")
    if on_path is not None and (version := _version(Path(on_path))):
        return Cloudflared(program=Path(on_path).resolve(), version=version)
    return _fetched(say)


def trusting(authority: str) -> dict[str, str]:
    """What has a cloudflared of either kind take the sandbox's team for Cloudflare's."""
    return {"SSL_CERT_FILE": authority}


def environment(protocol: str, locations: Sequence[int], authority: str) -> dict[str, str]:
    """What points a real cloudflared to the sandbox's edge, at ports of its own loopback."""
    entries = [f"127.0.0.1:{locations[number % len(locations)]}" for number in range(_ADDRESSES)]
    return {
        "TUNNEL_EDGE": ",".join(entries),
        "TUNNEL_CACERT": authority,
        "TUNNEL_TRANSPORT_PROTOCOL": protocol,
        **trusting(authority),
        # Its only key share for QUIC would be one that aioquic does not know.
        **({"GODEBUG": "tlsmlkem=0"} if protocol != "http2" else {}),
    }


def _version(program: Path) -> str:
    """The version a program says it has; empty for one that does not run or is no cloudflared."""
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.match(r"cloudflared version (\S+)", said)
    return found[1] if found else ""


def _fetched(say: Callable[[str], None]) -> Cloudflared:
    """The official release; a refusal is remembered, so that it is asked once only."""
    arch = _ARCHITECTURES.get(platform.machine())
    if arch is None:
        return Cloudflared(why=f"there is none on PATH, and no release for {platform.machine()}")
    program = CACHE / f"cloudflared-{VERSION}"
    if program.exists() and not _version(program):
        say(f"the cloudflared that is kept at {program} does not run; it is fetched anew")
        program.unlink()
        _REFUSED.unlink(missing_ok=True)
    if not program.exists() and not _REFUSED.exists():
        say(f"fetching cloudflared {VERSION}")
        if problem := _fetch(
            _RELEASE.format(version=VERSION, arch=arch), _CHECKSUMS[arch], program
        ):
            write(_REFUSED, problem)
    if not program.exists():
        return Cloudflared(
            why=f"there is none on PATH, and its release cannot be fetched: {_REFUSED.read_text()}"
        )
    return Cloudflared(program=program, version=_version(program))


def _fetch(url: str, checksum: str, program: Path) -> str:
    """Fetches a program; what went wrong, or nothing."""
    try:
        with urllib.request.urlopen(url, timeout=_CONNECT_SECONDS) as response:
            content = response.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{getattr(error, 'reason', error)}"
    if (digest := hashlib.sha256(content).hexdigest()) != checksum:
        return f"its SHA-256 is {digest}, expected {checksum}"
    new = program.with_name(f".{program.name}.{os.getpid()}")
    try:
        program.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(content)
        new.chmod(0o755)
        if not _version(new):
            return f"what was fetched does not run in {program.parent}"
        new.replace(program)
    except OSError as error:
        return f"{program.parent} cannot hold it: {error.strerror}"
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
    return ""
