"""A Cloudflare to look things up in: the sandbox's, over real sockets."""

import asyncio
import base64
import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.cloudflare.server import Ports, Server
from settings import Access

ACCOUNT, ZONE, OTHER_ZONE = "a" * 32, "b" * 32, "c" * 32
OTHER_ACCOUNT = "9" * 32
TEAM = "example"
TOKEN = "T" * 40
SECRET = base64.b64encode(b"s" * 32).decode()
_SEED = {
    "accounts": [
        {"id": ACCOUNT, "name": "Example"},
        {"id": OTHER_ACCOUNT, "name": "Another"},
    ],
    "zones": [
        {"id": ZONE, "name": "example.com", "account_id": ACCOUNT, "tag_quota": 20},
        {"id": OTHER_ZONE, "name": "example.org", "account_id": ACCOUNT},
    ],
    "tokens": [{"value": TOKEN}, {"value": "N" * 40, "permissions": []}],
    "organizations": [{"account_id": ACCOUNT, "team": TEAM}],
}


class Cloudflare:
    """The API and its control plane."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self._control_url = addresses["control_url"]
        self.api_url = addresses["api_url"]
        self._tunnel_address = addresses["tunnel_address"]

    def access(self, token: str = TOKEN) -> Access:
        """The way to it."""
        return Access(url=self.api_url, headers={"Authorization": f"Bearer {token}"})

    def has(self, name: str, type: str, content: str, **more: Any) -> None:
        """Puts a record there."""
        record = {"zone_id": ZONE, "name": name, "type": type, "content": content, **more}
        self.control("/seed", {"records": [record]})

    def has_tunnel(self, name: str, secret: str = SECRET, **more: str) -> dict[str, Any]:
        """A tunnel that somebody made; its secret is base64."""
        account = more.pop("account", ACCOUNT)
        body = {"name": name, "config_src": "local", "tunnel_secret": secret, **more}
        tunnel: dict[str, Any] = self.api("POST", f"/accounts/{account}/cfd_tunnel", body)
        return tunnel

    def connects(self, tunnel: str, secret: str = SECRET) -> None:
        """Somebody's cloudflared connects, and ends."""
        host, _, port = self._tunnel_address.rpartition(":")
        connector = {"connector_id": "somebody", "conn_index": 0}
        tunnelled = {"account_tag": ACCOUNT, "tunnel_id": tunnel, "tunnel_secret": secret}
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(json.dumps({**tunnelled, **connector}).encode() + b"\n")
            connection.recv(1000)
        path = f"/accounts/{ACCOUNT}/cfd_tunnel/{tunnel}"
        assert self.api("GET", path)["conns_active_at"] is not None

    def id_of(self, name: str) -> str:
        """The id of the one record of a name."""
        (record,) = [r for r in self.control("/dump")["records"] if r["name"] == name]
        return str(record["id"])

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """The result of a call of the API by the token."""
        request = urllib.request.Request(
            self.api_url + path,
            None if body is None else json.dumps(body).encode(),
            {**self.access().headers, "Content-Type": "application/json", "User-Agent": "tests"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())["result"]

    def asked(self) -> list[str]:
        """Method, path and query of each request so far."""
        return [
            f"{r['method']} {r['path'].removeprefix('/client/v4')}?{urlencode(r['query'])}"
            for r in self.control("/requests")
        ]

    def control(self, path: str, body: Any = None) -> Any:
        """The control plane's answer."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self._control_url + path, data, timeout=30) as response:
            return json.loads(response.read())


@pytest.fixture
def cloudflare(tmp_path: Path) -> Iterator[Cloudflare]:
    """An account with two zones and no record."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = Server(tmp_path, Ports())
    asyncio.run_coroutine_threadsafe(server.start(), loop).result()
    try:
        cloudflare = Cloudflare(json.loads((tmp_path / "cloudflare.json").read_text()))
        cloudflare.control("/seed", _SEED)
        yield cloudflare
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
