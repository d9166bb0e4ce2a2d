"""Registers each Cloudflare resource and prints what was sent and what was imported.

`python -m tests.components.registrations MODULE`: the module that the classes are taken from.
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


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def main() -> None:
    """Prints one JSON document."""
    sdk = import_module(sys.argv[1])
    imported = sorted(name for name in sys.modules if name.startswith("pulumi_cloudflare"))
    ours = not imported

    def keys(**values: Any) -> dict[str, Any]:
        """A table with its keys as the module takes them: ours as the engine does, the SDK's in Python's words."""
        return {_camel(key) if ours else key: value for key, value in values.items()}

    def made(
        kind: str, called: str, /, opts: pulumi.ResourceOptions | None = None, **given: Any
    ) -> Any:
        """A resource with all its properties: ours takes them as a table, the SDK's as arguments."""
        make = getattr(sdk, kind)
        return make(called, keys(**given), opts) if ours else make(called, opts=opts, **given)

    def rule(kind: str, **value: Any) -> dict[str, Any]:
        return keys(**{kind: keys(**value)})

    answers = _Cloudflare()
    monitor = _Monitor(answers)
    set_mocks(answers, monitor=monitor)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def program() -> pulumi.Output[Any]:
        tunnel = made(
            "ZeroTrustTunnelCloudflared",
            "tunnel",
            account_id="0" * 32,
            name="t",
            config_src="local",
            tunnel_secret="c2VjcmV0",
            opts=pulumi.ResourceOptions(protect=True),
        )
        record = made(
            "DnsRecord",
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
        token = made(
            "ZeroTrustAccessServiceToken",
            "token",
            account_id="0" * 32,
            name="k",
            duration="8760h",
            client_secret_version=2,
            previous_client_secret_expires_at="2026-12-24T00:00:00Z",
        )
        policy = made(
            "ZeroTrustAccessPolicy",
            "policy",
            account_id="0" * 32,
            name="p",
            decision="allow",
            includes=[
                rule("email", email="ann@example.com"),
                rule("email_domain", domain="example.com"),
                rule("ip", ip="192.0.2.0/24"),
                rule("geo", country_code="AT"),
                rule("login_method", id="1" * 32),
                rule("group", id="2" * 32),
                rule("service_token", token_id=token.id),
                rule("any_valid_service_token"),
                rule("everyone"),
            ],
            requires=[rule("geo", country_code="AT")],
            excludes=[rule("email", email="eve@example.com")],
            session_duration="12h",
        )
        application = made(
            "ZeroTrustAccessApplication",
            "application",
            account_id="0" * 32,
            name="a",
            type="self_hosted",
            destinations=[{"type": "public", "uri": "www.example.com"}],
            policies=[{"id": policy.id, "precedence": 1}],
            session_duration="12h",
            allowed_idps=["1" * 32],
            auto_redirect_to_identity=True,
            app_launcher_visible=False,
            cors_headers=keys(
                allowed_origins=["https://app.example.com"],
                allow_all_methods=True,
                allowed_headers=["X-One"],
                allow_credentials=True,
                max_age=600,
            ),
            custom_deny_message="no",
            custom_deny_url="https://www.example.com/no",
            enable_binding_cookie=True,
            same_site_cookie_attribute="lax",
        )
        notification = made(
            "NotificationPolicy",
            "notification",
            account_id="0" * 32,
            name="n",
            alert_type="tunnel_health_event",
            mechanisms=keys(
                emails=[{"id": "ann@example.com"}],
                webhooks=[{"id": "1" * 32}],
                pagerduties=[{"id": "2" * 32}],
            ),
            filters=keys(tunnel_ids=[tunnel.id], new_statuses=["TUNNEL_STATUS_TYPE_DOWN"]),
        )
        return pulumi.Output.all(
            notification.id,
            tunnel.id,
            record.id,
            application.id,
            application.aud,
            getattr(token, _camel("client_secret") if ours else "client_secret"),
        )

    program()
    print(json.dumps({"imported": imported, "requests": monitor.requests}))


if __name__ == "__main__":
    main()
