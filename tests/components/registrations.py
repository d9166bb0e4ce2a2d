"""Registers both Cloudflare resources and prints what was sent, what came back, and what was imported.

`python -m tests.components.registrations MODULE`: the module that the two classes are taken from.
"""

import json
import sys
from importlib import import_module
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, set_mocks

_STATES: dict[str, dict[str, Any]] = {
    "cloudflare:index/dnsRecord:DnsRecord": {
        "data": {"keyTag": 7, "longDegrees": 1.5},
        "settings": {"flattenCname": True, "ipv4Only": False},
        "meta": '{"a": 1}',
        "tags": ["a:b"],
    },
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": {
        "tunnelSecret": "c2VjcmV0",
        "connections": [{"clientId": "c", "isPendingReconnect": True, "uuid": "u"}],
        "metadata": "{}",
    },
}


class _Cloudflare(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", {**args.inputs, **_STATES[args.typ]}

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise NotImplementedError


class _Monitor(mocks.MockMonitor):
    """Keeps each request as it came."""

    def __init__(self, answers: mocks.Mocks) -> None:
        super().__init__(answers)
        self.requests: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        self.requests[request.name] = MessageToDict(request)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def _plain(value: Any) -> Any:
    """A value with the names of its types and the properties that its type translates."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        typed = {
            name: getattr(value, name)
            for name, kind in vars(type(value)).items()
            if isinstance(kind, property)
        }
        return {"type": type(value).__name__, "keys": dict(value), "properties": typed}
    return value


def main() -> None:
    """Prints one JSON document."""
    sdk = import_module(sys.argv[1])
    imported = sorted(name for name in sys.modules if name.startswith("pulumi_cloudflare"))
    answers = _Cloudflare()
    monitor = _Monitor(answers)
    set_mocks(answers, monitor=monitor)
    shown: dict[str, Any] = {}

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def program() -> pulumi.Output[Any]:
        tunnel = sdk.ZeroTrustTunnelCloudflared(
            "tunnel",
            account_id="0" * 32,
            name="t",
            config_src="local",
            tunnel_secret="c2VjcmV0",
            opts=pulumi.ResourceOptions(protect=True),
        )
        record = sdk.DnsRecord(
            "record",
            zone_id="1" * 32,
            name="www.example.com",
            type="CNAME",
            content=pulumi.Output.format("{0}.cfargotunnel.com", tunnel.id),
            proxied=True,
            ttl=1,
            data={"key_tag": 7, "long_degrees": 1.5},
            settings={"ipv4_only": True, "flattenCname": True},
            tags=["a:b"],
            opts=pulumi.ResourceOptions(delete_before_replace=True),
        )
        outputs = {
            "data": record.data,
            "settings": record.settings,
            "meta": record.meta,
            "tags": record.tags,
            "content": record.content,
            "ttl": record.ttl,
            "connections": tunnel.connections,
            "metadata": tunnel.metadata,
            "id": tunnel.id,
        }
        for name, output in outputs.items():
            output.apply(lambda value, name=name: shown.update({name: _plain(value)}))
        return pulumi.Output.all(*outputs.values())

    program()
    print(json.dumps({"imported": imported, "requests": monitor.requests, "outputs": shown}))


if __name__ == "__main__":
    main()
