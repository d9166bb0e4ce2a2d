"""The Cloudflare stand-in, over real sockets, with a connector written here."""

import asyncio
import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.cloudflare import standin_protocol
from sandbox.cloudflare.server import Ports, Server

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "a" * 32
ZONE = "b" * 32
TOKEN = "T" * 40
SECRET = base64.b64encode(b"s" * 32).decode()
OTHER_SECRET = base64.b64encode(b"o" * 32).decode()
SEED = {
    "accounts": [{"id": ACCOUNT, "name": "Example"}],
    "zones": [{"id": ZONE, "name": "example.localhost", "account_id": ACCOUNT}],
    "tokens": [
        {"value": TOKEN},
        {"value": "R" * 40, "permissions": ["zone:read", "dns:read", "tunnel:read"]},
    ],
}
TUNNELS = f"/accounts/{ACCOUNT}/cfd_tunnel"
RECORDS = f"/zones/{ZONE}/dns_records"

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PATIENCE = 60
"""Seconds; no test takes so long, however slow the machine."""


@dataclass(frozen=True)
class Got:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def result(self) -> Any:
        assert self.status == 200, self.body
        return self.json["result"]

    @property
    def refusal(self) -> tuple[int, int]:
        return self.status, self.json["errors"][0]["code"]


def ask(
    base: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> Got:
    url = urlsplit(base)
    connection = http.client.HTTPConnection(str(url.netloc), timeout=PATIENCE)
    with contextlib.closing(connection):
        content = body if body is None or isinstance(body, bytes) else json.dumps(body)
        connection.request(method, url.path + path, content, headers or {})
        got = connection.getresponse()
        fields = {name.lower(): value for name, value in got.getheaders()}
        return Got(got.status, got.read(), fields)


class Service:
    """The stand-in as a client sees it."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        self.addresses = addresses

    def api(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> Got:
        headers = {"Authorization": f"Bearer {token}"}
        return ask(self.addresses["api_url"], method, path, body, headers)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        got = ask(self.addresses["control_url"], method, path, body)
        assert got.status == 200, got.body
        return got.json

    def visit(self, host: str, method: str = "GET", body: Any = None, **headers: str) -> Got:
        fields = {"Host": host, **headers}
        return ask(self.addresses["edge_url"], method, "/path?q=1", body, fields)

    def new_tunnel(self, name: str = "web", *hosts: str) -> str:
        fields = {"name": name, "config_src": "local", "tunnel_secret": SECRET}
        tunnel_id: str = self.api("POST", TUNNELS, fields).result["id"]
        for host in hosts:
            self.new_record(host, f"{tunnel_id}.cfargotunnel.com")
        return tunnel_id

    def new_record(self, name: str, content: str, **more: Any) -> Any:
        fields = {"name": name, "content": content, "type": "CNAME", "proxied": True, "ttl": 1}
        return self.api("POST", RECORDS, fields | more).result

    def create_record(self, **fields: Any) -> Got:
        return self.api("POST", RECORDS, fields)


class Loop:
    """An event loop in a thread, so that tests and clients can block."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.end()


@pytest.fixture
def times() -> dict[str, Any]:
    """The server's own, unless a test gives others."""
    return {}


@pytest.fixture
def service(loop: Loop, tmp_path: Path, times: dict[str, Any]) -> Iterator[Service]:
    server = Server(tmp_path, Ports(), **times)
    loop.run(server.start())
    service = Service(json.loads((tmp_path / "cloudflare.json").read_text()))
    service.control("POST", "/seed", SEED)
    yield service
    loop.run(server.stop())


class Connector:
    """A connector with one control connection; `answer` serves every stream."""

    def __init__(self, service: Service, tunnel_id: str, answer: Answer, name: str) -> None:
        self._host, _, port = service.addresses["tunnel_address"].rpartition(":")
        self._port = int(port)
        self._tunnel_id = tunnel_id
        self._answer = answer
        self._name = name
        self._tasks: list[asyncio.Task[None]] = []
        self.opens_streams = True
        self.answers_pings = True
        self.reply: Any = None
        self.gone = asyncio.Event()

    async def start(self, secret: str = SECRET) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        await self.send(
            {
                "account_tag": ACCOUNT,
                "tunnel_id": self._tunnel_id,
                "tunnel_secret": secret,
                "connector_id": self._name,
                "conn_index": 0,
            }
        )
        self.reply = json.loads(await self._reader.readline())
        self._begin(self._attend())

    async def send(self, message: Any) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")
        await self._writer.drain()

    async def stop(self) -> None:
        self._writer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def _attend(self) -> None:
        while line := await self._reader.readline():
            message = json.loads(line)
            if "ping" in message and self.answers_pings:
                await self.send({"pong": message["ping"]})
            elif "open" in message and self.opens_streams:
                self._begin(self._stream(message["open"]))
        self.gone.set()

    async def _stream(self, stream_id: str) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write(json.dumps({"stream": stream_id}).encode() + b"\n")
        try:
            await self._answer(reader, writer)
        finally:
            writer.close()


Connect = Callable[..., Connector]


@pytest.fixture
def connect(loop: Loop, service: Service) -> Iterator[Connect]:
    started: list[Connector] = []

    def connect(
        tunnel_id: str, answer: Answer, name: str = "one", secret: str = SECRET
    ) -> Connector:
        async def start() -> Connector:
            connector = Connector(service, tunnel_id, answer, name)
            await connector.start(secret)
            return connector

        connector: Connector = loop.run(start())
        started.append(connector)
        return connector

    yield connect
    for connector in started:
        loop.run(connector.stop())


async def echo_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(head) + head)
    await writer.drain()
    await reader.read()


def says(text: str) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = text.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return answer


async def no_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


def dial(service: Service) -> socket.socket:
    url = urlsplit(service.addresses["edge_url"])
    return socket.create_connection((url.hostname, url.port), timeout=PATIENCE)


def received(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        more = connection.recv(65536)
        assert more, f"closed after {data!r}, before {end!r}"
        data += more
    return data


def until(happened: Callable[[], Any]) -> Any:
    pause = threading.Event()
    for _ in range(PATIENCE * 40):
        if result := happened():
            return result
        pause.wait(0.025)
    raise AssertionError(f"did not happen within {PATIENCE} seconds")


# Accounts, tokens, paths and names


def test_an_unknown_token_is_an_authentication_error(service: Service) -> None:
    assert service.api("GET", "/zones", token="X" * 40).refusal == (403, 10000)


def test_a_token_does_what_its_permissions_allow_only(service: Service) -> None:
    assert service.api("GET", "/zones", token="R" * 40).status == 200
    assert service.api("POST", TUNNELS, {"name": "n"}, token="R" * 40).refusal == (403, 10000)


def test_a_token_can_be_verified_by_its_holder(service: Service) -> None:
    assert service.api("GET", "/user/tokens/verify").result["status"] == "active"
    assert service.api("GET", "/user/tokens/verify", token="X" * 40).refusal == (401, 1000)


@pytest.mark.parametrize(
    ("headers", "codes"),
    [
        ({}, [6003, 6111]),
        ({"Authorization": "Bearer two words"}, [6003, 6111]),
        ({"X-Auth-Key": "T" * 40, "X-Auth-Email": "me@example.com"}, [6003, 6103]),
        ({"X-Auth-Key": "f" * 40, "X-Auth-Email": "me@example.com"}, [9103]),
        ({"X-Auth-Key": "0" * 40, "X-Auth-Email": "you@example.com"}, [9103]),
        ({"X-Auth-Key": "0" * 40, "X-Auth-Email": "me@example.com"}, []),
        ({"Authorization": f"Bearer {'E' * 40}"}, [9109]),
    ],
)
def test_credentials_are_refused_by_their_form_their_owner_and_their_address(
    service: Service, headers: dict[str, str], codes: list[int]
) -> None:
    tokens = [
        {"value": "0" * 40, "email": "me@example.com"},
        {"value": "E" * 40, "addresses": ["192.0.2.7"]},
    ]
    service.control("POST", "/seed", {"tokens": tokens})

    got = ask(service.addresses["api_url"], "GET", "/zones", headers=headers).json

    first = got["errors"][:1]
    assert [
        e["code"] for e in [*first, *(c for e in first for c in e.get("error_chain", []))]
    ] == codes


def test_a_role_for_some_tunnels_hides_the_others_and_their_names_stay_taken(
    service: Service,
) -> None:
    seen, hidden = service.new_tunnel("seen"), service.new_tunnel("hidden")
    service.control("POST", "/seed", {"tokens": [{"value": "G" * 40, "tunnels": [seen]}]})

    def asked(method: str, path: str = "", body: Any = None) -> Got:
        return service.api(method, TUNNELS + path, body, token="G" * 40)

    assert [tunnel["id"] for tunnel in asked("GET").result] == [seen]
    assert asked("GET", "?name=hidden").result == []
    assert asked("GET", f"/{hidden}").refusal == (403, 10000)
    assert asked("POST", body={"name": "hidden"}).refusal == (409, 1013)


def test_an_account_is_found_by_id_and_in_the_list(service: Service) -> None:
    assert service.api("GET", f"/accounts/{ACCOUNT}").result["name"] == "Example"
    assert [item["id"] for item in service.api("GET", "/accounts").result] == [ACCOUNT]


def test_an_unknown_path_is_refused_and_recorded(service: Service) -> None:
    got = service.api("GET", "/nowhere")

    assert (got.status, [error["code"] for error in got.json["errors"]]) == (404, [7003, 7000])
    assert [item["path"] for item in service.control("GET", "/violations")] == [
        "/client/v4/nowhere"
    ]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", TUNNELS, {"name": "n", "colour": "red"}),
        ("GET", TUNNELS + "?colour=red", None),
        ("PUT", RECORDS + "/x", {"colour": "red"}),
        ("DELETE", RECORDS + "/x", {"id": "x"}),
        ("POST", TUNNELS, b"not json"),
        ("POST", RECORDS, {"name": "a", "type": "A", "content": "192.0.2.1", "settings": {"x": 1}}),
    ],
)
def test_a_name_the_operation_does_not_have_is_refused_and_recorded(
    service: Service, method: str, path: str, body: Any
) -> None:
    assert service.api(method, path, body).status == 400
    assert len(service.control("GET", "/violations")) == 1


def test_an_object_of_an_unknown_zone_is_not_found_and_no_violation(service: Service) -> None:
    assert service.api("GET", "/zones/" + "9" * 32).refusal == (404, 7003)
    assert service.control("GET", "/violations") == []


def test_every_answer_of_the_api_is_declared_as_json(service: Service) -> None:
    answers = [service.api("GET", "/zones"), service.api("GET", "/nowhere")]

    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}


# Tunnels


def test_a_tunnel_is_created_shown_renamed_and_never_shows_its_secret(service: Service) -> None:
    tunnel_id = service.new_tunnel("web")

    assert service.api("PATCH", f"{TUNNELS}/{tunnel_id}", {"name": "new"}).result["name"] == "new"
    shown = service.api("GET", f"{TUNNELS}/{tunnel_id}")
    assert shown.result["status"] == "inactive"
    assert shown.result["config_src"] == "local"
    assert shown.result.keys().isdisjoint({"remote_config", "connections"})
    assert SECRET not in shown.body.decode()


def test_two_living_tunnels_cannot_have_the_same_name(service: Service) -> None:
    first = service.new_tunnel("web")

    assert service.api("POST", TUNNELS, {"name": "web"}).refusal == (409, 1013)
    service.api("DELETE", f"{TUNNELS}/{first}")
    assert service.api("POST", TUNNELS, {"name": "web"}).status == 200


def test_a_tunnel_cannot_be_renamed_to_a_name_in_use(service: Service) -> None:
    service.new_tunnel("web")
    other = service.new_tunnel("other")

    assert service.api("PATCH", f"{TUNNELS}/{other}", {"name": "web"}).refusal == (409, 1013)
    assert service.api("PATCH", f"{TUNNELS}/{other}", {"name": "other"}).status == 200


@pytest.mark.parametrize("secret", [base64.b64encode(b"s" * 31).decode(), "not base64!", 7])
def test_a_tunnel_secret_must_be_base64_of_32_bytes(service: Service, secret: Any) -> None:
    got = service.api("POST", TUNNELS, {"name": "n", "tunnel_secret": secret})

    assert got.status == 400


def test_a_deleted_tunnel_is_still_shown_with_the_time_of_its_deletion(service: Service) -> None:
    tunnel_id = service.new_tunnel()
    service.api("DELETE", f"{TUNNELS}/{tunnel_id}")

    assert service.api("GET", f"{TUNNELS}/{tunnel_id}").result["deleted_at"]
    assert service.api("DELETE", f"{TUNNELS}/{tunnel_id}").status == 404
    assert service.api("PATCH", f"{TUNNELS}/{tunnel_id}", {}).status == 404


def test_tunnels_are_listed_by_name_id_deletion_and_page(service: Service) -> None:
    ids = [service.new_tunnel(f"t{number}") for number in range(3)]
    service.api("DELETE", f"{TUNNELS}/{ids[0]}")

    def listed(query: str) -> list[str]:
        return [item["id"] for item in service.api("GET", f"{TUNNELS}?{query}").result]

    assert listed("") == listed("is_deleted=false") == ids[1:]
    assert listed("is_deleted=true") == ids[:1]
    assert listed("name=t1&is_deleted=false") == ids[1:2]
    assert listed(f"uuid={ids[2]}") == ids[2:]
    assert listed("page=2&per_page=1") == ids[2:]
    assert listed("page=3&per_page=1") == []


def test_the_token_of_a_tunnel_holds_account_id_and_secret(service: Service) -> None:
    tunnel_id = service.new_tunnel()

    token = service.api("GET", f"{TUNNELS}/{tunnel_id}/token").result

    assert json.loads(base64.b64decode(token)) == {"a": ACCOUNT, "t": tunnel_id, "s": SECRET}


def test_a_configuration_is_kept_with_a_growing_version(service: Service) -> None:
    path = f"{TUNNELS}/{service.new_tunnel()}/configurations"
    config = {
        "ingress": [{"hostname": "a.b", "service": "http://x"}, {"service": "http_status:404"}]
    }

    assert service.api("GET", path).result["config"] is None
    assert service.api("PUT", path, {"config": config}).result["version"] == 1
    assert service.api("PUT", path, {"config": config}).result["version"] == 2
    assert service.api("GET", path).result["config"] == config


def test_a_configuration_must_end_with_a_rule_for_everything(service: Service) -> None:
    path = f"{TUNNELS}/{service.new_tunnel()}/configurations"
    config = {"ingress": [{"hostname": "a.b", "service": "http://x"}]}

    assert service.api("PUT", path, {"config": config}).refusal == (400, 1056)


# DNS records


def test_a_record_name_comes_back_lower_case_and_full(service: Service) -> None:
    names = [
        service.new_record(given, "target.example")["name"]
        for given in ("App", "WWW.Example.Localhost", "@")
    ]

    assert names == ["app.example.localhost", "www.example.localhost", "example.localhost"]


def test_a_proxied_record_has_automatic_ttl(service: Service) -> None:
    assert service.new_record("app", "target.example", ttl=300)["ttl"] == 1
    assert service.new_record("dns", "target.example", ttl=300, proxied=False)["ttl"] == 300


CNAME = {"name": "app", "type": "CNAME", "content": "x.example", "ttl": 300, "proxied": False}
ADDRESS = {"name": "app", "type": "A", "content": "192.0.2.1", "ttl": 300, "proxied": False}


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (CNAME, CNAME, 81058),
        (CNAME, CNAME | {"content": "X.example", "name": "APP"}, 81058),
        (CNAME, CNAME | {"ttl": 600}, 81057),
        (CNAME, CNAME | {"content": "y.example"}, 81053),
        (ADDRESS, CNAME, 81053),
        (CNAME, ADDRESS, 81054),
        (ADDRESS, ADDRESS, 81058),
    ],
)
def test_a_record_that_repeats_or_excludes_another_is_refused(
    service: Service, first: dict[str, Any], second: dict[str, Any], code: int
) -> None:
    service.create_record(**first)

    assert service.create_record(**second).refusal == (400, code)


def test_a_record_of_a_free_zone_takes_no_tags(service: Service) -> None:
    refused = service.create_record(**CNAME, tags=["team:web"])

    assert refused.refusal == (400, 1004)
    assert refused.json["errors"][0]["error_chain"] == [
        {"code": 9300, "message": "DNS record has 1 tags, exceeding the quota of 0."}
    ]


def test_a_zone_takes_as_many_records_as_its_plan_has(service: Service) -> None:
    zone = {"id": ZONE, "name": "example.localhost", "account_id": ACCOUNT, "record_quota": 1}
    service.control("POST", "/seed", {"zones": [zone]})
    service.new_record("app", "target.example")

    assert service.create_record(**{**ADDRESS, "name": "other"}).refusal == (400, 81045)
    assert service.api("GET", f"/zones/{ZONE}").result["plan"]["legacy_id"] == "free"


def test_records_below_a_delegation_are_shadowed_and_not_served(
    service: Service, connect: Connect
) -> None:
    """The example of Cloudflare's page on shadowed records."""
    tunnel_id = service.new_tunnel("web", "www.sub", "www.other")
    connect(tunnel_id, says("here"))
    for name, type, content in (
        ("sub", "NS", "ns1.sub.example.localhost."),
        ("ns1.sub", "A", "192.0.2.1"),
    ):
        service.create_record(name=name, type=type, content=content)
    asked = f"{RECORDS}?include_shadow_metadata=true"

    found = {
        record["name"].partition(".example")[0]: record
        for record in service.api("GET", asked).result
    }
    shadowed_by = {"shadowed_by": [found["sub"]["id"]]}

    assert {name: record["meta"] for name, record in found.items()} == {
        "sub": {"shadowed_records_count": 2},
        "ns1.sub": {**shadowed_by, "is_glue": True},
        "www.sub": shadowed_by,
        "www.other": {},
    }
    assert not any(record["meta"] for record in service.api("GET", RECORDS).result)
    www = found["www.sub"]
    assert service.api("GET", f"{RECORDS}/{www['id']}?include_shadow_metadata=true").result == www
    below = service.api("GET", f"{asked}&shadowed_by_name=sub.example.localhost").result
    assert [record["id"] for record in below] == [www["id"], found["ns1.sub"]["id"]]
    above = service.api("GET", f"{RECORDS}?shadowing_name=a.www.sub.example.localhost").result
    assert [record["id"] for record in above] == [found["sub"]["id"]]
    assert service.visit("www.other.example.localhost").body == b"here"
    assert service.visit("www.sub.example.localhost").status == 404


def test_several_addresses_and_a_text_share_a_name(service: Service) -> None:
    bodies = [ADDRESS, ADDRESS | {"content": "192.0.2.2"}, ADDRESS | {"type": "TXT"}]

    assert [service.create_record(**body).status for body in bodies] == [200, 200, 200]


@pytest.mark.parametrize(
    "change",
    [{"type": "A"}, {"type": "NOPE"}, {"ttl": 5}, {"proxied": "yes"}, {"content": ""}],
)
def test_a_record_with_a_wrong_value_is_refused(service: Service, change: dict[str, Any]) -> None:
    assert service.create_record(**CNAME | change).status == 400


def test_a_record_is_replaced_changed_and_deleted(service: Service) -> None:
    record = service.new_record("app", "target.example", comment="first")
    path = f"{RECORDS}/{record['id']}"

    replaced = service.api("PUT", path, CNAME | {"settings": {"flatten_cname": True}}).result
    assert (replaced["id"], replaced["comment"]) == (record["id"], None)
    assert (replaced["content"], replaced["settings"]) == ("x.example", {"flatten_cname": True})
    assert service.api("PATCH", path, {"content": "y.example"}).result["ttl"] == 300
    assert service.api("DELETE", path).result == {"id": record["id"]}
    assert service.api("GET", path).refusal == (404, 81044)
    assert service.api("DELETE", path).refusal == (404, 81044)


def test_a_record_cannot_be_changed_into_a_clash(service: Service) -> None:
    service.new_record("app", "target.example")
    other = service.new_record("other", "target.example")

    got = service.api("PATCH", f"{RECORDS}/{other['id']}", {"name": "app", "content": "z.example"})

    assert got.refusal == (400, 81053)


def test_records_are_listed_by_filters_and_page(service: Service) -> None:
    for number in range(3):
        service.new_record(f"app{number}", f"target{number}.example")

    def listed(query: str) -> list[str]:
        found = service.api("GET", f"{RECORDS}?{query}").result
        return [item["name"].partition(".")[0] for item in found]

    assert listed("name.exact=APP1.example.localhost") == ["app1"]
    assert listed("name=app2.example.localhost&type=CNAME") == ["app2"]
    assert listed("name=app2.example.localhost&type=A") == []
    assert listed("name=app2.example.localhost&type=A&match=any") == ["app2"]
    assert listed("content=target0.example") == ["app0"]
    assert listed("per_page=2&page=2") == ["app2"]
    assert listed("page=2") == []


def test_a_zone_is_found_by_filter_once_and_the_next_page_is_empty(service: Service) -> None:
    query = f"/zones?name=Example.localhost&account.id={ACCOUNT}&status=active"

    assert [zone["id"] for zone in service.api("GET", query).result] == [ZONE]
    assert service.api("GET", query + "&page=2").result == []
    assert service.api("GET", "/zones?name=other.localhost").result == []
    assert service.api("GET", f"/zones/{ZONE}").result["account"]["id"] == ACCOUNT


# Control plane


def test_requests_are_logged_with_query_body_and_status(service: Service) -> None:
    service.api("POST", TUNNELS, {"name": "n"})
    service.api("GET", TUNNELS + "?name=n")

    first, second = service.control("GET", "/requests")
    assert (first["method"], first["body"], first["status"]) == ("POST", {"name": "n"}, 200)
    assert (second["path"], second["query"]) == ("/client/v4" + TUNNELS, {"name": "n"})
    service.control("DELETE", "/requests")
    assert service.control("GET", "/requests") == []


def test_a_fault_hits_as_often_as_asked_and_performs_nothing(service: Service) -> None:
    fault = {
        "method": "POST",
        "path_regex": "cfd_tunnel$",
        "times": 2,
        "status": 503,
        "body": {"errors": [{"code": 1, "message": "down"}]},
        "headers": {"Retry-After-Ms": "10"},
    }
    service.control("POST", "/faults", fault)

    answers = [service.api("POST", TUNNELS, {"name": "n"}) for _ in range(3)]

    assert [answer.status for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after-ms"] == "10"


def test_a_fault_can_be_an_error_of_the_api_by_its_code(service: Service) -> None:
    service.control("POST", "/faults", {"code": 971, "headers": {"Retry-After": "240"}})

    refused = service.api("GET", "/zones")

    assert (refused.refusal, refused.headers["retry-after"]) == ((429, 971), "240")
    assert ask(service.addresses["control_url"], "POST", "/faults", {"code": 12}).status == 400


def test_a_fault_after_the_commit_loses_the_answer_only(service: Service) -> None:
    service.control("POST", "/faults", {"method": "POST", "drop": True, "after_commit": True})

    with pytest.raises((http.client.HTTPException, ConnectionError)):
        service.api("POST", TUNNELS, {"name": "n"})

    assert [item["name"] for item in service.api("GET", TUNNELS).result] == ["n"]


def test_a_fault_without_a_status_delays_the_real_answer(service: Service) -> None:
    service.control("POST", "/faults", {"method": "GET", "delay_ms": 200})

    before = time.monotonic()
    answer = service.api("GET", "/zones")

    assert (answer.status, time.monotonic() - before >= 0.2) == (200, True)


def test_faults_can_be_taken_back(service: Service) -> None:
    service.control("POST", "/faults", {"times": None, "status": 500})
    assert [service.api("GET", "/zones").status for _ in range(3)] == [500] * 3

    service.control("DELETE", "/faults")

    assert service.api("GET", "/zones").status == 200


def test_seeding_twice_changes_nothing_and_a_reset_forgets_all(service: Service) -> None:
    record = CNAME | {"zone_id": ZONE}
    service.control("POST", "/seed", SEED | {"records": [record]})
    before = service.control("GET", "/dump")["records"]
    service.control("POST", "/seed", {"records": [record]})
    assert service.control("GET", "/dump")["records"] == before

    service.control("POST", "/reset")

    assert not any(service.control("GET", "/dump").values())


# Tunnel wire


def test_a_registered_connector_makes_the_tunnel_healthy_until_it_goes(
    service: Service, connect: Connect, loop: Loop
) -> None:
    path = f"{TUNNELS}/{(tunnel_id := service.new_tunnel())}"

    connector = connect(tunnel_id, echo_head)

    assert connector.reply == {"ok": True, "location": "sbx01"}
    assert service.api("GET", path).result["status"] == "healthy"
    clients = service.api("GET", path + "/connections").result
    assert [(client["id"], len(client["conns"])) for client in clients] == [("one", 1)]
    loop.run(connector.stop())
    assert until(lambda: service.api("GET", path).result["status"] == "down")


def test_a_wrong_secret_is_refused(service: Service, connect: Connect) -> None:
    connector = connect(service.new_tunnel(), echo_head, secret=OTHER_SECRET)

    assert connector.reply == {"ok": False, "error": "Unauthorized: Invalid tunnel secret"}


def test_a_deleted_tunnel_takes_no_connectors(service: Service, connect: Connect) -> None:
    tunnel_id = service.new_tunnel()
    service.api("DELETE", f"{TUNNELS}/{tunnel_id}")

    assert connect(tunnel_id, echo_head).reply["ok"] is False


def test_a_new_secret_is_asked_of_new_connections_only(service: Service, connect: Connect) -> None:
    tunnel_id = service.new_tunnel("web", "app")
    connect(tunnel_id, says("old"))

    service.api("PATCH", f"{TUNNELS}/{tunnel_id}", {"tunnel_secret": OTHER_SECRET})

    assert service.visit("app.example.localhost").body == b"old"
    assert connect(tunnel_id, says("x"), "two").reply["ok"] is False
    assert connect(tunnel_id, says("x"), "two", OTHER_SECRET).reply["ok"] is True


def test_a_tunnel_with_connections_is_deleted_only_after_they_are_closed(
    service: Service, connect: Connect, loop: Loop
) -> None:
    path = f"{TUNNELS}/{(tunnel_id := service.new_tunnel())}"
    connector = connect(tunnel_id, echo_head)

    assert service.api("DELETE", path).refusal == (400, 1022)
    assert service.api("DELETE", path + "/connections").status == 200
    loop.run(asyncio.wait_for(connector.gone.wait(), PATIENCE))
    assert service.api("DELETE", path).status == 200


def test_the_control_plane_can_cut_a_tunnel(service: Service, connect: Connect, loop: Loop) -> None:
    tunnel_id = service.new_tunnel()
    connector = connect(tunnel_id, echo_head)

    answer = service.control("POST", f"/tunnels/{tunnel_id}/disconnect")

    assert answer == {"disconnected": 1}
    loop.run(asyncio.wait_for(connector.gone.wait(), PATIENCE))


@pytest.mark.parametrize("times", [{"ping_seconds": 0.2, "dead_seconds": 5}])
def test_a_silent_connector_counts_as_gone_and_one_that_answers_pings_does_not(
    service: Service, connect: Connect, loop: Loop
) -> None:
    tunnel_id = service.new_tunnel()
    connect(tunnel_id, echo_head, "alive")
    silent = connect(tunnel_id, echo_head, "silent")

    silent.answers_pings = False

    loop.run(asyncio.wait_for(silent.gone.wait(), PATIENCE))
    live = service.api("GET", f"{TUNNELS}/{tunnel_id}/connections").result
    assert [client["id"] for client in live] == ["alive"]


# Edge


def test_a_request_goes_down_the_tunnel_with_the_headers_of_the_edge(
    service: Service, connect: Connect
) -> None:
    connect(service.new_tunnel("web", "app"), echo_head)

    got = service.visit(
        "App.Example.Localhost:8080",
        **{"X-Forwarded-For": "203.0.113.9", "CF-Connecting-IP": "203.0.113.9", "X-Own": "kept"},
    )

    lines = got.body.decode().split("\r\n")
    assert lines[0] == "GET /path?q=1 HTTP/1.1"
    assert {
        "Host: App.Example.Localhost:8080",
        "X-Own: kept",
        "CF-Connecting-IP: 127.0.0.1",
        "X-Forwarded-For: 203.0.113.9, 127.0.0.1",
        "X-Forwarded-Proto: http",
        'CF-Visitor: {"scheme":"http"}',
        f"CF-Ray: {got.headers['cf-ray']}",
    } <= set(lines)


def test_an_unknown_host_is_a_resolution_error(service: Service) -> None:
    service.new_record("plain", "target.example", proxied=False)

    for host in ("other.example.localhost", "elsewhere.test", "plain.example.localhost"):
        got = service.visit(host)
        assert (got.status, b"1001" in got.body) == (404, True)


def test_a_tunnel_without_connections_answers_1033(service: Service) -> None:
    service.new_tunnel("web", "app")

    got = service.visit("app.example.localhost", "POST", b"x" * 2_000_000)

    assert (got.status, b"error code: 1033" in got.body) == (530, True)


def test_a_connector_that_closes_without_an_answer_is_a_bad_gateway(
    service: Service, connect: Connect
) -> None:
    connect(service.new_tunnel("web", "app"), no_answer)

    assert service.visit("app.example.localhost").status == 502


def test_a_wildcard_answers_below_its_closest_existing_name_only(
    service: Service, connect: Connect
) -> None:
    connect(service.new_tunnel("wide", "*"), says("wide"))
    connect(service.new_tunnel("deep", "*.deep"), says("deep"))
    connect(service.new_tunnel("exact", "app", "x.empty"), says("exact"))

    expected = {
        "app": b"exact",
        "any": b"wide",
        "a.b.any": b"wide",
        "x.deep": b"deep",
        "a.x.deep": b"deep",
        "x.empty": b"exact",
    }
    got = {name: service.visit(f"{name}.example.localhost").body for name in expected}
    assert got == expected
    for name in ("deep", "empty", "y.empty", "below.app"):
        assert service.visit(f"{name}.example.localhost").status == 404


def test_connectors_take_turns(service: Service, connect: Connect) -> None:
    tunnel_id = service.new_tunnel("web", "app")
    connect(tunnel_id, says("one"), "one")
    connect(tunnel_id, says("two"), "two")

    bodies = [service.visit("app.example.localhost").body for _ in range(4)]

    assert sorted(bodies[:2]) == sorted(bodies[2:]) == [b"one", b"two"]


def test_a_connector_that_unregistered_finishes_its_streams_and_gets_no_new_ones(
    service: Service, connect: Connect, loop: Loop
) -> None:
    tunnel_id = service.new_tunnel("web", "app")
    started, finish = threading.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started.set()
        await finish.wait()
        await says("old")(reader, writer)

    old = connect(tunnel_id, slow, "old")
    answers: list[Got] = []
    visit = threading.Thread(target=lambda: answers.append(service.visit("app.example.localhost")))
    visit.start()
    assert started.wait(PATIENCE)
    connect(tunnel_id, says("new"), "new")

    loop.run(old.send({"unregister": True}))

    path = f"{TUNNELS}/{tunnel_id}/connections"
    until(lambda: len(service.api("GET", path).result) == 1)
    bodies = {service.visit("app.example.localhost").body for _ in range(3)}
    loop.loop.call_soon_threadsafe(finish.set)
    visit.join(PATIENCE)
    assert bodies == {b"new"}
    assert [answer.body for answer in answers] == [b"old"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The edge waits half a second for a stream."""
    monkeypatch.setattr(standin_protocol, "OPEN_SECONDS", 0.5)


@pytest.mark.usefixtures("impatient")
def test_a_connection_that_opens_no_stream_is_passed_over(
    service: Service, connect: Connect
) -> None:
    tunnel_id = service.new_tunnel("web", "app")
    connect(tunnel_id, says("deaf"), "deaf").opens_streams = False
    connect(tunnel_id, says("well"), "well")

    assert {service.visit("app.example.localhost").body for _ in range(2)} == {b"well"}


@pytest.mark.usefixtures("impatient")
def test_a_tunnel_of_which_no_connection_opens_a_stream_is_a_bad_gateway(
    service: Service, connect: Connect
) -> None:
    connect(service.new_tunnel("web", "app"), says("deaf")).opens_streams = False

    assert service.visit("app.example.localhost").status == 502


def test_bodies_stream_both_ways_as_they_are_sent(service: Service, connect: Connect) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (line := await reader.readline()) != b"0\r\n":
            data = await reader.readexactly(int(line, 16) + 2)
            writer.write(line + data.upper())
        writer.write(b"0\r\n\r\n")
        await reader.read()

    connect(service.new_tunnel("web", "app"), answer)

    with dial(service) as visitor:
        visitor.sendall(
            b"POST / HTTP/1.1\r\nHost: app.example.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        head = received(visitor, b"\r\n\r\n")
        visitor.sendall(b"3\r\none\r\n")
        first = received(visitor, b"ONE\r\n")
        visitor.sendall(b"3\r\ntwo\r\n0\r\n\r\n")
        rest = received(visitor, b"0\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert (first, rest) == (b"3\r\nONE\r\n", b"3\r\nTWO\r\n0\r\n\r\n")
        assert visitor.recv(1) == b""


def test_an_answer_cut_short_does_not_look_whole(service: Service, connect: Connect) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    connect(service.new_tunnel("web", "app"), answer)

    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        service.visit("app.example.localhost")


def test_the_connector_learns_that_the_visitor_went_away(
    service: Service, connect: Connect
) -> None:
    told = threading.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n")
        await reader.read()
        told.set()

    connect(service.new_tunnel("web", "app"), answer)

    with dial(service) as visitor:
        visitor.sendall(b"GET / HTTP/1.1\r\nHost: app.example.localhost\r\n\r\n")
        received(visitor, b"data: 1\n\n")

    assert told.wait(PATIENCE)


def test_an_upgraded_connection_carries_bytes_both_ways(service: Service, connect: Connect) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Connection: Upgrade\r\n" in head
        assert b"Upgrade: websocket\r\n" in head
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\n\r\nhello"
        )
        while data := await reader.read(100):
            writer.write(data[::-1])

    connect(service.new_tunnel("web", "app"), answer)

    with dial(service) as visitor:
        visitor.sendall(
            b"GET /ws HTTP/1.1\r\nHost: app.example.localhost\r\n"
            b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        assert received(visitor, b"hello").startswith(b"HTTP/1.1 101 ")
        visitor.sendall(b"\x81abc")
        assert received(visitor, b"\x81") == b"cba\x81"


def test_interim_answers_reach_the_visitor(service: Service, connect: Connect) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(4)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + body)

    connect(service.new_tunnel("web", "app"), answer)

    with dial(service) as visitor:
        visitor.sendall(
            b"PUT / HTTP/1.1\r\nHost: app.example.localhost\r\nContent-Length: 4\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert received(visitor, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        visitor.sendall(b"body")
        assert received(visitor, b"body").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\nY: 2\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_a_request_with_two_readings_is_refused(service: Service, request_bytes: bytes) -> None:
    with dial(service) as visitor:
        visitor.sendall(request_bytes)

        assert visitor.recv(100).startswith(b"HTTP/1.1 400 ")


# The process


@contextlib.contextmanager
def process(state_dir: Path) -> Iterator[Service]:
    command = [sys.executable, "-m", "sandbox.cloudflare", "--state-dir", str(state_dir)]
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    ready = state_dir / "cloudflare.json"
    try:
        until(ready.exists)
        addresses = json.loads(ready.read_text())
        assert addresses["pid"] == running.pid
        yield Service(addresses)
    finally:
        os.kill(running.pid, signal.SIGTERM)
        _, errors = running.communicate(timeout=PATIENCE)
    assert (running.returncode, errors, ready.exists()) == (0, "", False)


def test_the_process_ends_on_sigterm_and_keeps_its_data_for_the_next_one(tmp_path: Path) -> None:
    with process(tmp_path) as service:
        service.control("POST", "/seed", SEED)
        tunnel_id = service.new_tunnel("web", "app")

    assert (tmp_path / "store.json").stat().st_mode & 0o077 == 0
    with process(tmp_path) as service:
        assert service.api("GET", f"{TUNNELS}/{tunnel_id}").result["name"] == "web"
        assert [item["name"] for item in service.api("GET", RECORDS).result] == [
            "app.example.localhost"
        ]
        assert service.visit("app.example.localhost").status == 530
