"""What the stack's own state has, while the engine writes it."""

import asyncio
import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pulumi
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from pulumi.runtime.proto import provider_pb2, resource_pb2_grpc

from existing import state
from existing.state import KeptSecret, OwnState, read_own_state

RECORD = {"zoneId": "zone", "name": "www.example.com", "id": "record"}
SECRET_KEY = "4dabf18193072939515e22adb298388d"
"""The key by which the engine marks a secret."""
RESOURCES = {
    "urn:record": {
        "type": "cloudflare:index/dnsRecord:DnsRecord",
        "outputs": RECORD,
    },
    "urn:tunnel": {
        "type": "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared",
        "outputs": {"id": "tunnel", "name": "web"},
    },
    "urn:component": {"type": "argoweb:index:Tunnel", "outputs": {"tunnelId": "tunnel"}},
}
DELETED = "2026-11-26T01:00:00Z"


class Engine(resource_pb2_grpc.ResourceMonitorServicer):
    """The engine's functions that read a state; the first calls fail as they do while it is written."""

    def __init__(self) -> None:
        self.failures = 0
        self.outputs: dict[str, Any] = {"tunnelId": "tunnel"}
        self.resources: dict[str, Any] = copy.deepcopy(RESOURCES)
        self.asked: list[dict[str, Any]] = []

    def Invoke(self, request: Any, context: Any) -> Any:
        if self.failures:
            self.failures -= 1
            context.abort(grpc.StatusCode.UNKNOWN, "failed to load checkpoint: EOF")
        self.asked.append(MessageToDict(request.args))
        found = self.outputs if request.tok.endswith(":readStackOutputs") else self.resources
        return ParseDict({"return": {"outputs": found}}, provider_pb2.InvokeResponse())


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine behind the monitor's own protocol."""
    engine = Engine()
    server = grpc.server(ThreadPoolExecutor(1))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        monkeypatch.setattr(
            state, "get_monitor", lambda: resource_pb2_grpc.ResourceMonitorStub(channel)
        )
        monkeypatch.setattr(state, "_PAUSE", 0.0)
        yield engine
    server.stop(None)


def secret(value: Any) -> dict[str, Any]:
    """A secret as the engine answers it."""
    return {SECRET_KEY: "1b47061264138c4ac30d75fd1eb44270", "value": value}


def read(*, begun: bool = True, among_others: str | None = None) -> OwnState:
    """The state, when `begun` is the first resource of an update that has come so far."""

    async def known() -> bool:
        return begun

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(read_own_state(known, among_others=among_others))
    finally:
        loop.close()


@pytest.mark.parametrize("outputs", [{}, {"tunnelId": "tunnel"}])
def test_records_and_tunnel_are_those_of_the_last_update_whether_it_ended_or_broke_off(
    engine: Engine, outputs: dict[str, str]
) -> None:
    engine.outputs = outputs

    assert read() == OwnState(
        records={("zone", "www.example.com"): RECORD}, tunnel_id="tunnel", tunnel_name="web"
    )


def test_the_engine_loads_the_state_once(engine: Engine) -> None:
    read()

    assert len(engine.asked) == 1


def test_a_stack_that_was_deployed_before_there_was_a_first_resource_is_read_too(
    engine: Engine,
) -> None:
    assert read(begun=False).tunnel_id == "tunnel"


def test_before_the_first_update_there_is_nothing_and_no_resource_is_asked_for(
    engine: Engine,
) -> None:
    engine.outputs = {}

    assert read(begun=False) == OwnState()
    assert len(engine.asked) == 1


def test_a_state_that_is_just_being_written_is_read_again(engine: Engine) -> None:
    engine.failures = 3

    assert read().tunnel_id == "tunnel"


def test_secrets_are_read_and_never_shown(engine: Engine) -> None:
    engine.resources["urn:secret"] = {
        "type": "random:index/randomPassword:RandomPassword",
        "outputs": {"result": secret("made")},
    }
    engine.resources["urn:component"]["outputs"]["keptSecret"] = secret(
        {"text": secret("a2VwdA=="), "version": 3}
    )
    engine.resources["urn:tunnel"]["outputs"]["tunnelSecret"] = secret("bWFkZQ==")

    own = read()

    assert own.made_secret == "bWFkZQ=="
    assert own.kept_secret == KeptSecret(text="a2VwdA==", version=3)
    assert own.secret_sent
    assert "bWFkZQ" not in repr(own)
    assert "a2VwdA" not in repr(own)


def test_that_the_tunnel_was_deleted_and_let_go_is_known_by_its_date(engine: Engine) -> None:
    engine.resources["urn:tunnel"]["outputs"]["deletedAt"] = DELETED
    engine.resources["urn:component"]["outputs"]["letGo"] = DELETED

    assert (read().tunnel_deleted, read().tunnel_let_go) == (DELETED, DELETED)


def test_the_state_of_another_stack_is_known_by_its_urns(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi, "get_project", lambda: "shop")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    record = "argoweb:index:Records$cloudflare:index/dnsRecord:DnsRecord::records-www.example.com"
    for stack in ("prod::shop", "old::argoweb"):
        engine.resources[f"urn:pulumi:{stack}::argoweb:index:Tunnel::tunnel"] = {
            "type": "",
            "outputs": {},
        }
    urn = f"urn:pulumi:old::argoweb::{record}"
    engine.resources[urn] = engine.resources.pop("urn:record")

    own = read()

    assert own.imported_from == "argoweb/old"
    assert own.elsewhere == {
        ("argoweb:index:Tunnel", "tunnel"): "urn:pulumi:old::argoweb::argoweb:index:Tunnel::tunnel",
        ("cloudflare:index/dnsRecord:DnsRecord", "records-www.example.com"): urn,
    }
    assert ("zone", "www.example.com") in own.records


def test_a_resource_that_has_lost_its_parent_is_known_by_its_urn(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi, "get_project", lambda: "shop")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    type = "cloudflare:index/dnsRecord:DnsRecord"
    urn = f"urn:pulumi:prod::shop::{type}::records-www.example.com"
    engine.resources[urn] = engine.resources.pop("urn:record")

    own = read()

    assert own.imported_from is None
    assert own.elsewhere == {(type, "records-www.example.com"): urn}


def test_among_others_only_what_has_a_name_of_ours_is_ours(engine: Engine) -> None:
    tunnel, record = engine.resources["urn:tunnel"], engine.resources["urn:record"]
    engine.resources = {
        f"urn:pulumi:dev::shop::{type}::{name}": {"type": type, "outputs": outputs}
        for type, name, outputs in [
            (tunnel["type"], "theirs", {"id": "theirs", "name": "theirs"}),
            (tunnel["type"], "web-b-tunnel-tunnel", {"id": "other", "name": "b"}),
            (tunnel["type"], "web-tunnel-tunnel", tunnel["outputs"]),
            (record["type"], "web-b-records-b.example.com", {**RECORD, "name": "b.example.com"}),
            (record["type"], "web-records-www.example.com", RECORD),
            (record["type"], "records-c.example.com", {**RECORD, "name": "c.example.com"}),
        ]
    }

    found = read(among_others="web-")

    assert (found.tunnel_id, found.tunnel_name) == ("tunnel", "web")
    assert found.records == {("zone", "www.example.com"): RECORD}
