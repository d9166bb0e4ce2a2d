"""An account of Cloudflare's with Zero Trust set up: the sandbox's, over real sockets."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.cloudflare.server import Ports, Server

ACCOUNT, BARE_ACCOUNT, ZONE = "a" * 32, "d" * 32, "b" * 32
TOKEN, LIMITED = "T" * 40, "L" * 40
TEAM = "team"
PATIENCE = 60
"""Seconds; nothing takes so long."""
SEED = {
    "accounts": [{"id": ACCOUNT, "name": "Example"}, {"id": BARE_ACCOUNT, "name": "Bare"}],
    "zones": [
        {"id": ZONE, "name": "example.com", "account_id": ACCOUNT},
        {"id": "e" * 32, "name": "pending.com", "account_id": ACCOUNT, "status": "pending"},
    ],
    "tokens": [{"value": TOKEN}, {"value": LIMITED, "permissions": ["dns:edit", "access:read"]}],
    "organizations": [{"account_id": ACCOUNT, "team": TEAM}],
}


@dataclass(frozen=True)
class Got:
    """An answer of the API."""

    status: int
    json: Any

    @property
    def result(self) -> Any:
        assert self.status in (200, 201, 202), self.json
        return self.json["result"]

    @property
    def refusal(self) -> tuple[int, int, str]:
        """Status, code and message of the first error."""
        error = self.json["errors"][0]
        return self.status, error["code"], error["message"]


class ZeroTrust:
    """The API below `/accounts/<account>/access`, and the control plane."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        self.addresses = addresses

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        account: str = ACCOUNT,
        token: str = TOKEN,
    ) -> Got:
        base = f"{self.addresses['api_url']}/accounts/{account}/access"
        return asked(method, f"{base}/{path}", body, {"Authorization": f"Bearer {token}"})

    def made(self, kind: str, **body: Any) -> Any:
        """A new object."""
        return self.api("POST", kind, body).result

    def policy(self, *include: Any, decision: str = "allow", **more: Any) -> str:
        """The id of a policy, for everybody where nobody is named."""
        rules = list(include or [{"everyone": {}}])
        body = {"name": "p", "decision": decision, "include": rules, "session_duration": "24h"}
        return str(self.made("policies", **{**body, **more})["id"])

    def app(self, uri: str, *policies: str, **more: Any) -> Any:
        """An application with policies in their order."""
        ordered = [{"id": each, "precedence": n} for n, each in enumerate(policies, 1)]
        return self.made("apps", **app_body(uri, policies=ordered, **more))

    def control(self, method: str, path: str, body: Any = None) -> Any:
        got = asked(method, self.addresses["control_url"] + path, body, {})
        assert got.status == 200, got.json
        return got.json


def app_body(uri: str, **more: Any) -> dict[str, Any]:
    """What the official plugin sends for the least application."""
    return {
        "name": "app",
        "type": "self_hosted",
        "destinations": [{"type": "public", "uri": uri}],
        "policies": [],
        "session_duration": "24h",
        "app_launcher_visible": True,
        "http_only_cookie_attribute": True,
        **more,
    }


def asked(method: str, url: str, body: Any, headers: dict[str, str]) -> Got:
    where = urlsplit(url)
    with closing(http.client.HTTPConnection(str(where.netloc), timeout=PATIENCE)) as connection:
        content = None if body is None else json.dumps(body)
        target = where.path + (f"?{where.query}" if where.query else "")
        connection.request(method, target, content, headers)
        answer = connection.getresponse()
        return Got(answer.status, json.loads(answer.read()))


@contextmanager
def running(folder: Path) -> Iterator[ZeroTrust]:
    """The simulator, with an account and a zone."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = Server(folder, Ports())

    def run(work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE)

    run(server.start())
    try:
        account = ZeroTrust(server.addresses())
        account.control("POST", "/seed", SEED)
        yield account
    finally:
        run(server.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()
