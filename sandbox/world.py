"""A checkout of its own with its own sandbox, driven from outside by the real command line."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".sandbox", ".bench", "Pulumi.sandbox.yaml", ".*_cache", "__pycache__"
)
_COMMAND_SECONDS = 600
_NOT_A_USERS = (
    "SSH_AUTH_SOCK",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "PYTHONDONTWRITEBYTECODE",
)
"""Variables of this machine, and of the `make test` that may run these tests, that a newcomer's shell lacks."""


def _open_to_all(config: dict[str, Any]) -> None:
    config.pop("argoweb:access", None)
    sites = config["argoweb:sites"]
    config["argoweb:sites"] = [site for site in sites if "access" not in site]


def _unasked(config: dict[str, Any]) -> None:
    config["argoweb:health"]["edge"] = False


class World:
    """One sandbox and the stack in it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        shutil.copytree(ROOT, self.root, ignore=_LEFT_OUT)
        (self.root / ".venv").symlink_to(Path(sys.prefix))
        self.stack_file = self.root / "Pulumi.sandbox.yaml"
        self.status: dict[str, Any] = {}
        self.variables: dict[str, str] = {}
        self._deployed = ""

    def own_environment(self) -> None:
        """Lets `.venv` be a folder, as `pulumi install` wants it, that has the packages of this one."""
        path = self.root / ".venv"
        path.unlink()
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
        (site,) = path.glob("lib/python*/site-packages")
        (site / "all.pth").write_text(sysconfig.get_path("purelib"))
        for program in Path(sys.prefix, "bin").iterdir():
            link = path / "bin" / program.name
            if not link.exists():
                link.symlink_to(program)

    def environment(self) -> dict[str, str]:
        """The variables of the process, with the sandbox's once it is up."""
        surroundings = {**os.environ, **self.variables}
        for name in _NOT_A_USERS:
            surroundings.pop(name, None)
        return surroundings

    def run(
        self, *words: str, check: bool = True, folder: str = "."
    ) -> subprocess.CompletedProcess[str]:
        """A command in the checkout, or in a folder of it."""
        result = subprocess.run(
            words,
            cwd=self.root / folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if check and result.returncode != 0:
            raise AssertionError(
                f"{' '.join(words)} gave {result.returncode}\n{result.stdout}\n{result.stderr}"
            )
        return result

    def sandbox(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`python -m sandbox …`"""
        return self.run(".venv/bin/python", "-m", "sandbox", *words, check=check)

    def start(self, servers: int = 1, *, protected: bool = False) -> None:
        """Brings the sandbox up and learns its variables as a user's shell does.

        The example's site behind Access is left out unless it is asked for; what a test makes of a site is its own
        affair, so `pulumi up` does not ask for it at the edge.
        """
        self.sandbox("up", "--servers", str(servers), "--for", str(os.getpid()))
        self.status = json.loads(self.sandbox("status", "--json").stdout)
        shown = self.run("bash", "-c", 'eval "$(.venv/bin/python -m sandbox env)" && env -0').stdout
        self.variables = dict(entry.split("=", 1) for entry in shown.split("\0") if "=" in entry)
        self.edit(_unasked)
        if not protected:
            self.edit(_open_to_all)

    def pulumi(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`pulumi …` without questions."""
        if words[0] in ("up", "destroy"):
            self._deployed = ""
        return self.run("pulumi", "--non-interactive", *words, check=check)

    def up(self, *words: str) -> str:
        """`pulumi up`; its output."""
        output = self.pulumi("up", "--yes", "--skip-preview", *words).stdout
        self._deployed = self.stack_file.read_text()
        return output

    def converge(self) -> None:
        """`pulumi up`, unless the stack's file is what was deployed last."""
        if self._deployed != self.stack_file.read_text():
            self.up()

    def doubt(self) -> None:
        """Forgets what was deployed last: a test has broken off."""
        self._deployed = ""

    def planned(self) -> dict[str, str]:
        """What a preview would do: the operation of each resource that does not stay the same."""
        steps = json.loads(self.pulumi("preview", "--json").stdout)["steps"]
        return {
            step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"
        }

    def edit(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """Changes the stack file for good."""
        document = yaml.safe_load(self.stack_file.read_text())
        change(document["config"])
        self.stack_file.write_text(yaml.safe_dump(document, sort_keys=False, width=1000))

    @contextmanager
    def changed(self, change: Callable[[dict[str, Any]], Any]) -> Iterator[None]:
        """The stack file with a change, and as it was afterwards."""
        before = self.stack_file.read_text()
        self.edit(change)
        try:
            yield
        finally:
            self.stack_file.write_text(before)

    def get(self, hostname: str, path: str = "/") -> tuple[int, str]:
        """Status and body of a page, through the edge."""
        request = urllib.request.Request(self.status["edge_url"] + path, headers={"Host": hostname})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ssh(self, command: str, server: str = "web1", *, check: bool = True) -> str:
        """The output of a command on a server, by root."""
        return self.run(*self.ssh_words(server), command, check=check).stdout

    @contextmanager
    def service(self, name: str, *words: str) -> Iterator[None]:
        """A unit that runs on the server meanwhile."""
        quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
        self.ssh(f"systemd-run --quiet --collect --unit={name} --description={name} -- {quoted}")
        try:
            yield
        finally:
            self.ssh(f"systemctl stop {name}", check=False)

    def ssh_words(self, server: str = "web1") -> list[str]:
        """The command line that reaches a server as root; the remote command comes after it."""
        door = self.status["servers"][server]["ssh"]
        return [
            "ssh", "-o", "ConnectTimeout=5", "-i", door["private_key_file"], "-p", str(door["port"]), "-o", "LogLevel=ERROR",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", f"root@{door['host']}",
        ]  # fmt: skip

    def host_root(self, server: str = "web1") -> Path:
        """The server's file tree."""
        return Path(self.status["servers"][server]["host_root"])

    def control(self, path: str, body: object = None, method: str | None = None) -> Any:
        """The control plane of the sandbox's Cloudflare."""
        request = urllib.request.Request(
            self.status["control_url"] + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def api(self, method: str, path: str, body: object = None) -> Any:
        """What Cloudflare's API answers to the sandbox's token."""
        request = urllib.request.Request(
            self.status["api_url"] + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.variables['CLOUDFLARE_API_TOKEN']}",
                "Content-Type": "application/json",
                "User-Agent": "tests",
            },
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())["result"]

    def api_requests(self) -> list[dict[str, Any]]:
        """What reached Cloudflare's API since the last `forget_requests`."""
        found: list[dict[str, Any]] = self.control("/requests")
        return found

    def forget_requests(self) -> None:
        """Empties the request log."""
        self.control("/requests", method="DELETE")

    def logins(self, server: str = "web1") -> int:
        """How many SSH connections the server has accepted."""
        return len(self.login_times(server))

    def login_times(self, server: str = "web1") -> list[float]:
        """When the server accepted each SSH connection, in seconds since 1970.

        sshd says it up to OpenSSH 9.7, its process for the session from 9.8 on.
        """
        journal = self.host_root(server) / "var/log/journal"
        lines = subprocess.run(
            ["journalctl", "--directory", str(journal), "-q", "-o", "short-unix", "-t", "sshd", "-t", "sshd-session"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()  # fmt: skip
        return [float(line.split()[0]) for line in lines if "Accepted publickey" in line]

    def wait_for(self, good: Callable[[], bool], seconds: float = 180) -> None:
        """Polls until it holds."""
        deadline = time.monotonic() + seconds
        while not good():
            assert time.monotonic() < deadline, "it did not become true in time"
            time.sleep(0.1)

    def processes(self) -> dict[str, int]:
        """The id of each process of the sandbox that runs, by the part that it is."""
        code = (
            "import json; from sandbox import processes; "
            "print(json.dumps({each.part: each.pid for each in processes.running()}))"
        )
        found: dict[str, int] = json.loads(self.run(".venv/bin/python", "-c", code).stdout)
        return found

    def stop(self) -> None:
        """Ends the sandbox."""
        self.sandbox("down", check=False)
