"""The whole program under Pulumi's mocks, against the sandbox's Cloudflare."""

import base64
import json
import logging
import runpy
import signal
import warnings
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pulumi.runtime import set_all_config
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack

from tests.components.program import Engine, ask, run_to_the_end
from tests.existing.conftest import ACCOUNT, OTHER_ZONE, TOKEN, ZONE, Cloudflare, cloudflare

__all__ = ["cloudflare"]

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = {
    str(file)
    for folder in ("components", "edge", "existing", "render", "settings", "values")
    for file in (ROOT / folder).rglob("*.py")
} | {str(ROOT / "__main__.py")}
PROJECT, STACK = "argoweb", "prod"
HOST_KEYS = [
    "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes([n] * 32)).decode()
    for n in range(5)
]
_TUNNEL = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
COMMAND = "command:remote:Command"


def _main() -> None:
    runpy.run_path(str(ROOT), run_name="__main__")


def _key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


KEY = _key()


def server(number: int, **more: Any) -> dict[str, Any]:
    """A server's keys in the stack file."""
    return {"address": f"192.0.2.{number}", "hostKey": HOST_KEYS[number], **more}


class _Said(logging.Handler):
    """What the program says, warnings and errors."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Program:
    """The program of a stack."""

    def __init__(self, cloudflare: Cloudflare, monkeypatch: pytest.MonkeyPatch) -> None:
        self._cloudflare = cloudflare
        self._monkeypatch = monkeypatch
        self.state: dict[str, Any] = {}
        """The resources of an earlier update, by URN, as `readStackResourceOutputs` gives them."""
        self.values: dict[str, Any] = {
            "accountId": ACCOUNT,
            "tunnel": {"name": "web"},
            "zones": [
                {"name": "example.com", "id": ZONE},
                {"name": "example.org", "id": OTHER_ZONE},
            ],
            "servers": {"web1": server(1)},
            "sites": [
                {"hostname": "www.example.com", "root": "/srv/www"},
                {"hostname": "git.example.org", "service": "http://127.0.0.1:3001"},
            ],
        }
        """The stack file's keys."""
        self.secrets: dict[str, str] = {}
        """Those that are encrypted, beside the SSH key."""
        self.outputs: dict[str, Any] = {}
        """The stack's outputs after a run."""
        self.of_components: dict[str, Any] = {}
        """The outputs of each component, by its name."""
        self.told: list[str] = []
        """What the last run has warned of or refused."""
        self.when_interrupted: object = None
        """What the program does about SIGINT, which Pulumi sends once a resource has failed."""

    def in_use(self) -> str:
        """Lets the state have a tunnel of an earlier update; its UUID."""
        body = {"name": "web", "config_src": "local", "tunnel_secret": "c2VjcmV0" * 6}
        made = self._cloudflare.api("POST", f"/accounts/{ACCOUNT}/cfd_tunnel", body)
        self.in_the_state(made, tunnelSecret=body["tunnel_secret"])
        return str(made["id"])

    def in_the_state(self, tunnel: dict[str, Any], **more: str) -> None:
        """Lets the state have a tunnel of Cloudflare's; without a secret, as it is after an import."""
        outputs = {"id": tunnel["id"], "name": tunnel["name"], "accountId": ACCOUNT, **more}
        self.state["urn:tunnel"] = {"type": _TUNNEL, "outputs": outputs}

    def preview(self, replaced: Collection[str]) -> dict[str, Any]:
        """The engine's requests in a preview that would replace the resources of these names.

        Raises:
            Exception: what ends the program.
        """
        return self.run(preview=True, replaced=replaced)

    def run(
        self,
        main: Callable[[], None] = _main,
        *,
        preview: bool = False,
        replaced: Collection[str] = (),
    ) -> dict[str, Any]:
        """The engine's requests, by the name of the resource; `main` may be another program of the same stack.

        Raises:
            Exception: what ends the program.
        """
        self._monkeypatch.setenv("CLOUDFLARE_BASE_URL", self._cloudflare.api_url)
        engine = Engine(state=self.state, replaced=replaced)
        said = _Said()
        self.told = said.lines
        log = logging.getLogger("tests.program.said")
        log.handlers = [said]
        ask(engine, project=PROJECT, stack=STACK, preview=preview, logger=log)
        config = {
            f"argoweb:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in self.values.items()
        }
        secrets = {
            "cloudflare:apiToken": TOKEN,
            "argoweb:sshPrivateKey": KEY,
            **{f"argoweb:{key}": value for key, value in self.secrets.items()},
        }
        set_all_config({**config, **secrets}, [*secrets])
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always", RuntimeWarning)
                run_to_the_end(run_in_stack(main))
            ours = [str(it.message) for it in warned if it.filename in _PROGRAM]
            assert ours == [], "Pulumi shows these to the user"
        finally:
            self.when_interrupted = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, before)
            set_all_config({}, [])
            set_root_resource(None)  # type: ignore[arg-type]
        self.outputs = engine.outputs[f"{PROJECT}-{STACK}"]
        self.of_components = engine.outputs
        return engine.requests


@pytest.fixture
def program(cloudflare: Cloudflare, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """A stack of one server and two sites that has not been made yet."""
    yield Program(cloudflare, monkeypatch)
    assert cloudflare.control("/violations") == []
