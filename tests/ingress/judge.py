"""The real cloudflared, as the judge of configuration files."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.real import found, real_cloudflared

_TIME_LIMIT = 30
_OTHER_SETTINGS = re.compile(r"\A(?:TUNNEL_|NO_)")


@dataclass(frozen=True)
class Judge:
    """A cloudflared program."""

    program: str

    def validate(self, config: str) -> str:
        """`OK`, or what `ingress validate` has against a file; warnings about unused keys are no objection."""
        ran = self._run(config, "validate")
        return "OK" if ran.returncode == 0 else _message(ran)

    def rule(self, config: str, url: str) -> str | None:
        """What `ingress rule` prints about a request, without the file's name; nothing where it refuses."""
        ran = self._run(config, "rule", url)
        return None if ran.returncode else ran.stdout.partition("\n")[2]

    def _run(self, config: str, *command: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "config.yml")
            file.write_bytes(config.encode())
            return subprocess.run(
                [self.program, "tunnel", "--config", "config.yml", "ingress", *command],
                cwd=folder,
                env={"HOME": folder, "PATH": "/usr/bin:/bin"},
                capture_output=True,
                text=True,
                errors="surrogateescape",
                timeout=_TIME_LIMIT,
                check=False,
            )


def _message(ran: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in ran.stderr.splitlines() if not re.match(r"\d{4}-\d\d-\d\dT", line)]
    return " ".join(" ".join(lines).split()) or f"exit status {ran.returncode}"


def find() -> Judge | None:
    """The real cloudflared, where there is one."""
    program = found().program
    return None if program is None else Judge(str(program))


def required(unchecked: str) -> Judge:
    """The real cloudflared; without it the test says loudly what it did not check."""
    return Judge(str(real_cloudflared(unchecked)))
