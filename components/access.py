"""Makes the Cloudflare Access of a stack's sites: applications, their policies, and service tokens."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.cloudflare import (
    AccessRule,
    ZeroTrustAccessApplication,
    ZeroTrustAccessPolicy,
    ZeroTrustAccessServiceToken,
)
from existing import LostPolicy
from settings.model.access import (
    Application,
    Cors,
    Policy,
    Protection,
    Selector,
    ServiceToken,
    is_within,
)
from settings.model.access_marks import RULES, mark, write_network
from values.tables import write_camel_case

_FOR_EVERYBODY = Protection(groups=(), policies=(), login_methods=(), app_launcher=False)


@dataclass(frozen=True, kw_only=True)
class AccessArgs:
    """The inputs of `Access`."""

    account_id: str
    deployment: str
    """`project/stack`, which the names of policies and tokens have."""
    applications: Sequence[Application]
    """The applications that the stack makes."""
    tokens: Sequence[ServiceToken]
    taken_in: Mapping[str, str]
    """Ids of applications, by URI, and of policies, by key, that are there, but not in the stack's state."""
    lost_tokens: Mapping[str, ServiceToken]
    """Service tokens that are there, by id, whose secret nobody has: noted by this update, deleted by the next one."""
    lost_policies: Mapping[str, LostPolicy] = field(default_factory=dict)
    """Policies that are there twice, by id: likewise."""


class Access(pulumi.ComponentResource):
    """An Access application for each protected hostname, and one for each of its paths with other visitors."""

    audiences: Mapping[str, pulumi.Output[str]]
    """The audience of each application's tokens, by URI."""
    applications: Mapping[str, pulumi.CustomResource]
    """By URI: each is there before its site is, and goes after it."""
    service_tokens: Mapping[str, Mapping[str, pulumi.Output[str]]]
    """What programs have to send, by the token's name: `clientId`, and `clientSecret`, which is a secret."""

    def __init__(
        self, name: str, args: AccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("argoweb:index:Access", name, {}, opts)
        account, of_account = args.account_id, f"accounts/{args.account_id}"

        def make_options(within: str, import_id: str | None = None) -> pulumi.ResourceOptions:
            return pulumi.ResourceOptions(
                parent=self, import_=import_id and f"{within}/{import_id}"
            )

        tokens = {
            each.name: _make_token(
                f"{name}-token-{each.name}",
                account,
                mark(each.name, args.deployment),
                each,
                make_options(of_account),
            )
            for each in args.tokens
        }
        for id, token in args.lost_tokens.items():
            opts = make_options(of_account, id)
            _make_token(f"{name}-lost-{id}", account, token.name, token, opts)
        wanted = {it.key: it for app in args.applications for it in app.policies}
        policies = {
            key: _make_policy(
                f"{name}-policy-{key}",
                account,
                mark(key, args.deployment),
                policy,
                lambda selector: _make_rule(selector, tokens),
                make_options(account, args.taken_in.get(key)),
            )
            for key, policy in wanted.items()
        }
        for id, lost in args.lost_policies.items():
            opts = make_options(account, id)
            _make_policy(
                f"{name}-lost-{id}", account, lost.name, lost, _put_in_providers_words, opts
            )
        made: dict[str, ZeroTrustAccessApplication] = {}
        for each, within in _list_with_open_ones(args.applications):
            made[each.uri] = _make_application(
                f"{name}-{each.uri}",
                account,
                each,
                [policies[policy.key].id for policy in each.policies],
                pulumi.ResourceOptions.merge(
                    make_options(of_account, args.taken_in.get(each.uri)),
                    pulumi.ResourceOptions(depends_on=[made[it] for it in within]),
                ),
            )
        self.applications = made
        self.audiences = {uri: each.aud for uri, each in made.items()}
        self.service_tokens = {
            each: {"clientId": it.clientId, "clientSecret": pulumi.Output.secret(it.clientSecret)}
            for each, it in tokens.items()
        }
        self.register_outputs({"applications": [*made]})


def _list_with_open_ones(
    applications: Sequence[Application],
) -> Iterator[tuple[Application, Sequence[str]]]:
    """Gives the applications in the order in which they are made, each with the URIs of the open ones within a protected one.

    Those are made before it and go after it, so a webhook never meets a login.
    """
    opened = [it.uri for it in applications if it.protection is None]
    for each in sorted(applications, key=lambda it: it.protection is not None):
        yield each, [it for it in opened if each.protection and is_within(it, each.uri)]


def _make_token(
    resource_name: str,
    account_id: str,
    called: str,
    token: ServiceToken,
    opts: pulumi.ResourceOptions,
) -> ZeroTrustAccessServiceToken:
    return ZeroTrustAccessServiceToken(
        resource_name,
        {
            "accountId": account_id,
            "name": called,
            "duration": token.duration,
            # The provider refuses a secret's version without `previousClientSecretExpiresAt`, and the other way round.
            "clientSecretVersion": token.secret_version if token.old_until else None,
            "previousClientSecretExpiresAt": token.old_until,
        },
        opts,
    )


def _make_policy(
    resource_name: str,
    account_id: str,
    called: str,
    policy: Policy | LostPolicy,
    write_rule: Callable[[Any], AccessRule],
    opts: pulumi.ResourceOptions,
) -> ZeroTrustAccessPolicy:
    return ZeroTrustAccessPolicy(
        resource_name,
        {
            "accountId": account_id,
            "name": called,
            "decision": policy.decision,
            "includes": [*map(write_rule, policy.include)],
            "requires": [*map(write_rule, policy.require)],
            "excludes": [*map(write_rule, policy.exclude)],
            # If it is absent the provider sends 24h, which counts more than the application's.
            "sessionDuration": policy.session,
        },
        opts,
    )


def _make_application(
    resource_name: str,
    account_id: str,
    application: Application,
    policies: Sequence[pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> ZeroTrustAccessApplication:
    how = application.protection or _FOR_EVERYBODY
    return ZeroTrustAccessApplication(
        resource_name,
        {
            "accountId": account_id,
            "name": application.uri,
            "type": "self_hosted",
            "destinations": [{"type": "public", "uri": application.uri}],
            # In ascending precedence, as the API gives them back.
            "policies": [
                {"id": id, "precedence": place}
                for place, id in enumerate([*policies, *how.policies], start=1)
            ],
            "sessionDuration": how.session,
            "allowedIdps": how.login_methods or None,
            "autoRedirectToIdentity": True if len(how.login_methods) == 1 else None,
            "appLauncherVisible": how.app_launcher,
            "corsHeaders": _write_cors(how.cors) if how.cors else None,
            "customDenyMessage": how.deny_text,
            "customDenyUrl": how.deny_url,
            "enableBindingCookie": how.binding_cookie or None,
            "sameSiteCookieAttribute": how.same_site,
        },
        opts,
    )


def _put_in_providers_words(value: Any) -> Any:
    """Writes a rule of the API as the provider's, whose keys are in camel case."""
    if not isinstance(value, Mapping):
        return value
    return {
        write_camel_case(key): _put_in_providers_words(inner)
        for key, inner in value.items()
        if inner is not None
    }


def _make_rule(selector: Selector, tokens: Mapping[str, ZeroTrustAccessServiceToken]) -> AccessRule:
    kind, key = RULES[selector.kind]
    match selector.kind:
        case "serviceTokens":
            return {kind: {key: tokens[selector.value].id}}
        case "ips":
            return {kind: {key: write_network(selector.value)}}
        case _:
            return {kind: {key: selector.value} if key else {}}


def _write_cors(cors: Cors) -> dict[str, object]:
    """Writes the answers to preflight requests: of `allow…` and `allowAll…` the provider takes one."""
    given: dict[str, object] = {
        "allowedOrigins": () if "*" in cors.origins else cors.origins,
        "allowAllOrigins": "*" in cors.origins,
        "allowedMethods": cors.methods,
        "allowAllMethods": not cors.methods,
        "allowedHeaders": cors.headers,
        "allowAllHeaders": not cors.headers,
        "allowCredentials": cors.credentials,
        "maxAge": cors.max_age,
    }
    return {key: value for key, value in given.items() if value}
