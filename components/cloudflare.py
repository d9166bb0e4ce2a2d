"""The Cloudflare resources of this program, registered without importing their SDK.

`import pulumi_cloudflare` takes 2.6 s of processor time and 120 MB (6.23.1 on Python 3.11), and its typed classes cost a
program of 500 records a seventh of its preview. The engine needs of it the plugin's version alone. A test holds each
request to the one that the SDK's own class sends. A property whose value is `None` is not sent.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Generic, TypedDict, TypeVar

import pulumi
from pulumi import Input

_SDK = "pulumi-cloudflare"
_Inputs = TypeVar("_Inputs", bound=Mapping[str, object])


def _find_plugin_version() -> str:
    described = distribution(_SDK).locate_file("pulumi_cloudflare/pulumi-plugin.json")
    return str(json.loads(Path(str(described)).read_text())["version"])


_VERSION = _find_plugin_version()


class _Resource(pulumi.CustomResource, Generic[_Inputs]):
    """A resource as the SDK registers it: with the plugin's version, and the type that it had in version 5, if another one."""

    _TYPE: str
    _FORMER: str | None
    _OUTPUTS: Sequence[str] = ()
    """Properties that are read here and that Cloudflare alone sets."""
    _SECRETS: Sequence[str] = ()
    """Properties that are encrypted in the state."""

    def __init__(
        self, resource_name: str, inputs: _Inputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        added = pulumi.ResourceOptions(
            version=_VERSION,
            aliases=[pulumi.Alias(type_=self._FORMER)] if self._FORMER else None,
            additional_secret_outputs=[*self._SECRETS] or None,
        )
        properties = {**inputs, **dict.fromkeys(self._OUTPUTS)}
        for name in self._SECRETS:
            if properties[name] is not None:
                properties[name] = pulumi.Output.secret(properties[name])
        super().__init__(
            self._TYPE, resource_name, properties, pulumi.ResourceOptions.merge(added, opts)
        )


class DnsRecordInputs(TypedDict):
    """The properties of a `DnsRecord`."""

    zoneId: Input[str]
    name: Input[str]
    type: Input[str]
    content: Input[str]
    proxied: Input[bool]
    ttl: Input[int]
    comment: Input[str] | None
    tags: Input[list[str]] | None


class DnsRecord(_Resource[DnsRecordInputs]):
    """A DNS record of a zone (`cloudflare_dns_record` of the Terraform provider)."""

    _TYPE = "cloudflare:index/dnsRecord:DnsRecord"
    _FORMER = "cloudflare:index/record:Record"


class TunnelInputs(TypedDict):
    """The properties of a `ZeroTrustTunnelCloudflared`."""

    accountId: Input[str]
    name: Input[str]
    configSrc: Input[str] | None
    tunnelSecret: Input[str] | None


class ZeroTrustTunnelCloudflared(_Resource[TunnelInputs]):
    """A Cloudflare Tunnel (`cloudflare_zero_trust_tunnel_cloudflared`); its secret is encrypted in the state."""

    _TYPE = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
    _FORMER = "cloudflare:index/tunnel:Tunnel"
    _SECRETS = ("tunnelSecret",)


AccessRule = Mapping[str, Mapping[str, Input[str]]]
"""One selector of an Access policy by the name of its kind, as `{"email": {"email": "ann@example.com"}}`."""


class ApplicationInputs(TypedDict):
    """The properties of a `ZeroTrustAccessApplication`."""

    accountId: Input[str]
    name: Input[str]
    type: Input[str]
    destinations: Sequence[Mapping[str, Input[str]]]
    policies: Sequence[Mapping[str, Input[str | int]]]
    sessionDuration: Input[str] | None
    allowedIdps: Sequence[str] | None
    autoRedirectToIdentity: bool | None
    appLauncherVisible: bool | None
    corsHeaders: Mapping[str, object] | None
    customDenyMessage: str | None
    customDenyUrl: str | None
    enableBindingCookie: bool | None
    sameSiteCookieAttribute: str | None


class ZeroTrustAccessApplication(_Resource[ApplicationInputs]):
    """An Access application in front of hostnames (`cloudflare_zero_trust_access_application`)."""

    _TYPE = "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication"
    _FORMER = "cloudflare:index/accessApplication:AccessApplication"
    _OUTPUTS = ("aud",)
    aud: pulumi.Output[str]
    """The audience of its tokens, 64 hexadecimal digits; it stays as long as the application."""


class PolicyInputs(TypedDict):
    """The properties of a `ZeroTrustAccessPolicy`."""

    accountId: Input[str]
    name: Input[str]
    decision: Input[str]
    includes: Sequence[AccessRule]
    requires: Sequence[AccessRule] | None
    excludes: Sequence[AccessRule] | None
    sessionDuration: Input[str] | None


class ZeroTrustAccessPolicy(_Resource[PolicyInputs]):
    """A policy that Access applications share (`cloudflare_zero_trust_access_policy`)."""

    _TYPE = "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy"
    _FORMER = "cloudflare:index/accessPolicy:AccessPolicy"


class ServiceTokenInputs(TypedDict):
    """The properties of a `ZeroTrustAccessServiceToken`."""

    accountId: Input[str]
    name: Input[str]
    duration: Input[str]
    clientSecretVersion: Input[int] | None
    previousClientSecretExpiresAt: Input[str] | None


class ZeroTrustAccessServiceToken(_Resource[ServiceTokenInputs]):
    """A token by which programs pass Access (`cloudflare_zero_trust_access_service_token`); its secret is encrypted in the state."""

    _TYPE = "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken"
    _FORMER = "cloudflare:index/accessServiceToken:AccessServiceToken"
    _OUTPUTS = ("clientId", "clientSecret")
    _SECRETS = ("clientSecret",)
    clientId: pulumi.Output[str]
    """What a program sends as `CF-Access-Client-Id`."""
    clientSecret: pulumi.Output[str]
    """What a program sends as `CF-Access-Client-Secret`; Cloudflare shows it once, to whoever made the token."""


class NotificationInputs(TypedDict):
    """The properties of a `NotificationPolicy`."""

    accountId: Input[str]
    name: Input[str]
    alertType: Input[str]
    mechanisms: Mapping[str, Sequence[Mapping[str, Input[str]]]]
    filters: Mapping[str, Sequence[Input[str]]] | None


class NotificationPolicy(_Resource[NotificationInputs]):
    """Whom Cloudflare tells of what happens in an account (`cloudflare_notification_policy`)."""

    _TYPE = "cloudflare:index/notificationPolicy:NotificationPolicy"
    _FORMER = None
    _OUTPUTS = ("created", "modified")
