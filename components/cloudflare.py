"""The Cloudflare resources of this program, registered without importing their SDK.

`import pulumi_cloudflare` takes 2.6 s of processor time and 120 MB (6.23.1 on Python 3.11), and its typed classes cost a
program of 500 records a seventh of its preview. The engine needs of it the plugin's version alone. A test holds each
request to the one that the SDK's own class sends.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path

import pulumi

_SDK = "pulumi-cloudflare"


def _plugin_version() -> str:
    described = distribution(_SDK).locate_file("pulumi_cloudflare/pulumi-plugin.json")
    return str(json.loads(Path(str(described)).read_text())["version"])


_VERSION = _plugin_version()


class DnsRecord(pulumi.CustomResource):
    """A DNS record of a zone (`cloudflare_dns_record` of the Terraform provider)."""

    def __init__(
        self,
        resource_name: str,
        *,
        zone_id: pulumi.Input[str],
        name: pulumi.Input[str],
        type: pulumi.Input[str],
        content: pulumi.Input[str],
        proxied: pulumi.Input[bool],
        ttl: pulumi.Input[int],
        comment: pulumi.Input[str] | None = None,
        tags: pulumi.Input[list[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "cloudflare:index/dnsRecord:DnsRecord",
            resource_name,
            {
                "zoneId": zone_id,
                "name": name,
                "type": type,
                "content": content,
                "proxied": proxied,
                "ttl": ttl,
                "comment": comment,
                "tags": tags,
            },
            _with_defaults("cloudflare:index/record:Record", opts),
        )


class ZeroTrustTunnelCloudflared(pulumi.CustomResource):
    """A Cloudflare Tunnel (`cloudflare_zero_trust_tunnel_cloudflared`); its secret is encrypted in the state."""

    def __init__(
        self,
        resource_name: str,
        *,
        account_id: pulumi.Input[str],
        name: pulumi.Input[str],
        config_src: pulumi.Input[str] | None = None,
        tunnel_secret: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["tunnelSecret"])
        super().__init__(
            "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared",
            resource_name,
            {
                "accountId": account_id,
                "name": name,
                "configSrc": config_src,
                "tunnelSecret": None
                if tunnel_secret is None
                else pulumi.Output.secret(tunnel_secret),
            },
            _with_defaults(
                "cloudflare:index/tunnel:Tunnel", pulumi.ResourceOptions.merge(opts, hidden)
            ),
        )


AccessRule = Mapping[str, Mapping[str, pulumi.Input[str]]]
"""One selector of an Access policy by the name of its kind, as `{"email": {"email": "ann@example.com"}}`."""


class ZeroTrustAccessApplication(pulumi.CustomResource):
    """An Access application in front of hostnames (`cloudflare_zero_trust_access_application`)."""

    aud: pulumi.Output[str]
    """The audience of its tokens, 64 hexadecimal digits; it stays as long as the application."""

    def __init__(
        self,
        resource_name: str,
        *,
        account_id: pulumi.Input[str],
        name: pulumi.Input[str],
        type: pulumi.Input[str],
        destinations: Sequence[Mapping[str, pulumi.Input[str]]],
        policies: Sequence[Mapping[str, pulumi.Input[str | int]]],
        session_duration: pulumi.Input[str] | None = None,
        allowed_idps: Sequence[str] | None = None,
        auto_redirect_to_identity: bool | None = None,
        app_launcher_visible: bool | None = None,
        cors_headers: Mapping[str, object] | None = None,
        custom_deny_message: str | None = None,
        custom_deny_url: str | None = None,
        enable_binding_cookie: bool | None = None,
        same_site_cookie_attribute: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication",
            resource_name,
            {
                "accountId": account_id,
                "name": name,
                "type": type,
                "destinations": destinations,
                "policies": policies,
                "sessionDuration": session_duration,
                "allowedIdps": allowed_idps,
                "autoRedirectToIdentity": auto_redirect_to_identity,
                "appLauncherVisible": app_launcher_visible,
                "corsHeaders": cors_headers,
                "customDenyMessage": custom_deny_message,
                "customDenyUrl": custom_deny_url,
                "enableBindingCookie": enable_binding_cookie,
                "sameSiteCookieAttribute": same_site_cookie_attribute,
                "aud": None,
            },
            _with_defaults("cloudflare:index/accessApplication:AccessApplication", opts),
        )


class ZeroTrustAccessPolicy(pulumi.CustomResource):
    """A policy that Access applications share (`cloudflare_zero_trust_access_policy`)."""

    def __init__(
        self,
        resource_name: str,
        *,
        account_id: pulumi.Input[str],
        name: pulumi.Input[str],
        decision: pulumi.Input[str],
        includes: Sequence[AccessRule],
        requires: Sequence[AccessRule] | None = None,
        excludes: Sequence[AccessRule] | None = None,
        session_duration: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy",
            resource_name,
            {
                "accountId": account_id,
                "name": name,
                "decision": decision,
                "includes": includes,
                "requires": requires,
                "excludes": excludes,
                "sessionDuration": session_duration,
            },
            _with_defaults("cloudflare:index/accessPolicy:AccessPolicy", opts),
        )


class ZeroTrustAccessServiceToken(pulumi.CustomResource):
    """A token by which programs pass Access (`cloudflare_zero_trust_access_service_token`); its secret is encrypted in the state."""

    def __init__(
        self,
        resource_name: str,
        *,
        account_id: pulumi.Input[str],
        name: pulumi.Input[str],
        duration: pulumi.Input[str],
        client_secret_version: pulumi.Input[int] | None = None,
        previous_client_secret_expires_at: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["clientSecret"])
        super().__init__(
            "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken",
            resource_name,
            {
                "accountId": account_id,
                "name": name,
                "duration": duration,
                "clientSecretVersion": client_secret_version,
                "previousClientSecretExpiresAt": previous_client_secret_expires_at,
                "clientId": None,
                "clientSecret": None,
            },
            _with_defaults(
                "cloudflare:index/accessServiceToken:AccessServiceToken",
                pulumi.ResourceOptions.merge(opts, hidden),
            ),
        )

    @property
    def client_id(self) -> pulumi.Output[str]:
        """What a program sends as `CF-Access-Client-Id`."""
        output: pulumi.Output[str] = self.__dict__["clientId"]
        return output

    @property
    def client_secret(self) -> pulumi.Output[str]:
        """What a program sends as `CF-Access-Client-Secret`; Cloudflare shows it once, to whoever made the token."""
        output: pulumi.Output[str] = self.__dict__["clientSecret"]
        return output


class NotificationPolicy(pulumi.CustomResource):
    """Whom Cloudflare tells of what happens in an account (`cloudflare_notification_policy`)."""

    def __init__(
        self,
        resource_name: str,
        *,
        account_id: pulumi.Input[str],
        name: pulumi.Input[str],
        alert_type: pulumi.Input[str],
        mechanisms: Mapping[str, Sequence[Mapping[str, pulumi.Input[str]]]],
        filters: Mapping[str, Sequence[pulumi.Input[str]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "cloudflare:index/notificationPolicy:NotificationPolicy",
            resource_name,
            {
                "accountId": account_id,
                "name": name,
                "alertType": alert_type,
                "mechanisms": mechanisms,
                "filters": filters,
                "created": None,
                "modified": None,
            },
            _with_defaults(None, opts),
        )


def _with_defaults(
    former_type: str | None, opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions:
    """Adds to the options what the SDK adds: the plugin's version, and the type that the resource had in version 5, if another one."""
    former = [pulumi.Alias(type_=former_type)] if former_type else None
    added = pulumi.ResourceOptions(version=_VERSION, aliases=former)
    return pulumi.ResourceOptions.merge(added, opts)
