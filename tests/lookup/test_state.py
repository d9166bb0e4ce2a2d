"""What the stack's own state has, while the engine writes it."""

import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from pulumi.runtime.proto import provider_pb2, resource_pb2_grpc

from lookup import state
from lookup.state import OwnState, own_state

RESOURCES = {
    "urn:record": {
        "type": "cloudflare:index/dnsRecord:DnsRecord",
        "outputs": {"zoneId": "zone", "name": "www.example.com", "id": "record"},
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


def test_records_and_tunnel_are_those_of_the_last_update(engine: Engine) -> None:
    assert own_state() == OwnState(
        known=True,
        records={("zone", "www.example.com"): "record"},
        tunnel_id="tunnel",
        tunnel_name="web",
    )


def test_before_the_first_update_nothing_is_known_and_no_resource_is_asked_for(
    engine: Engine,
) -> None:
    engine.outputs = {}

    assert own_state() == OwnState()
    assert len(engine.asked) == 1


def test_a_state_that_is_just_being_written_is_read_again(engine: Engine) -> None:
    engine.failures = 3

    assert own_state().tunnel_id == "tunnel"


def test_a_deleted_tunnel_is_known_by_its_date_and_told_with_what_the_update_does(
    engine: Engine,
) -> None:
    engine.resources["urn:tunnel"]["outputs"]["deletedAt"] = DELETED

    first = own_state()
    engine.resources["urn:component"]["outputs"]["letGo"] = DELETED
    second = own_state()

    told = f"The tunnel tunnel was deleted at Cloudflare on {DELETED}."
    assert (first.tunnel_deleted, first.tunnel_let_go) == (DELETED, False)
    assert first.warnings == [
        f"{told} This `pulumi up` lets go of it; the one after it makes a new tunnel in its place."
    ]
    assert (second.tunnel_deleted, second.tunnel_let_go) == (DELETED, True)
    assert second.warnings == [f"{told} This `pulumi up` makes a new one in its place."]


def test_a_tunnel_that_is_there_is_no_news(engine: Engine) -> None:
    engine.resources["urn:component"]["outputs"]["letGo"] = DELETED

    assert own_state().warnings == []
    assert not own_state().tunnel_let_go
