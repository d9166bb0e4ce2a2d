"""Registers both Cloudflare resources and prints what was sent and what was imported.

`python -m tests.components.registrations MODULE`: the module that the two classes are taken from.
"""

import json
import sys
from importlib import import_module
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, set_mocks


class _Cloudflare(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", args.inputs

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


def main() -> None:
    """Prints one JSON document."""
    sdk = import_module(sys.argv[1])
    imported = sorted(name for name in sys.modules if name.startswith("pulumi_cloudflare"))
    answers = _Cloudflare()
    monitor = _Monitor(answers)
    set_mocks(answers, monitor=monitor)

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
            comment="c",
            tags=["a:b"],
            opts=pulumi.ResourceOptions(delete_before_replace=True),
        )
        return pulumi.Output.all(tunnel.id, record.id)

    program()
    print(json.dumps({"imported": imported, "requests": monitor.requests}))


if __name__ == "__main__":
    main()
