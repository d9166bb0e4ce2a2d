"""Stand-ins for the resources of Cloudflare Access: requests, differences and flaws of terraform-provider-cloudflare 5.22.

Each PUT has the whole object, with `null` for what the state has and the inputs have not any more. Of an answer to POST
and PUT only what was not known is taken; a read takes all of it.
"""

import json
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from sandbox.plugins.base import Call, Change, Failure, Found, PluginError, Resource
from sandbox.plugins.cloudflare_api import Api, Missing
from sandbox.plugins.values import UNKNOWN, Properties, Secret, reveal

_NAMES: Mapping[str, str] = {
    "includes": "include",
    "excludes": "exclude",
    "requires": "require",
    "azureAd": "azureAD",
    "githubOrganization": "github-organization",
    "serviceAuth401Redirect": "service_auth_401_redirect",
}
"""Names that the API has otherwise than in its own way of writing."""
_BACK = {wire: name for name, wire in _NAMES.items()}
_SETS = frozenset(
    {
        *("includes", "excludes", "requires", "allowedIdps", "tags", "selfHostedDomains"),
        *("allowedHeaders", "allowedMethods", "allowedOrigins"),
    }
)
"""Lists whose order says nothing; they are sorted."""
_DURATION = re.compile(
    r"0|[-+]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*"
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class AccessObject(Resource):
    """An object below `/accounts/…/access`."""

    kind: ClassVar[str]
    """What its path ends in."""
    required: ClassVar[Mapping[str, str]]
    """Properties that must be given, and how each is described."""
    defaults: ClassVar[Properties]
    optional: ClassVar[tuple[str, ...]]
    """Properties that may be given."""
    computed: ClassVar[tuple[str, ...]]
    """Properties that the API alone gives."""
    import_prefix: ClassVar[tuple[str, ...]] = ("accounts",)
    """What stands before account and id in the id of an import."""
    import_form: ClassVar[str] = "<{accounts|zones}/{account_id|zone_id}>/<%s>"
    """How that is described."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def check(self, news: Properties) -> tuple[Properties, list[Failure]]:
        failures = [
            Failure(property="", reason=f"Missing required property '{name}': {text}")
            for name, text in self.required.items()
            if news.get(name) is None
        ]
        return news, failures or [
            Failure(property="", reason=text) for text in self.problems(reveal(news))
        ]

    def diff(self, state: Properties, old_inputs: Properties, news: Properties) -> Change:
        planned, before = reveal(self.planned(news, state)), reveal(state)
        names = {*planned, *before} & {*self.optional, *self.required, *self.computed, "accountId"}
        found = tuple(sorted(n for n in names if _ordered(n, planned.get(n)) != _ordered(n, before.get(n))))  # fmt: skip
        return Change(diffs=found, replaces=tuple(name for name in found if name == "accountId"))

    def create(self, call: Call, news: Properties) -> tuple[str, Properties]:
        planned = self.planned(news, {})
        if call.preview:
            return "", {**planned, "id": UNKNOWN}
        body = _body(planned, self._sent)
        path = f"accounts/{reveal(news['accountId'])}/access/{self.kind}"
        result = self._call(call, "POST", path, self._api.bodies.whole(body, body))
        return result["id"], self._known(planned, result)

    def read(self, call: Call, found: Found) -> Found | None:
        account, identifier = self._place(found)
        try:
            path = f"accounts/{account}/access/{self.kind}/{identifier}"
            result = self._call(call, "GET", path)
        except Missing:
            if found.state:
                return None
            raise
        seen = {
            name: _property(name, result[_wire_name(name)])
            for name in (*self.required, *self.optional, *self.computed)
            if name != "accountId" and result.get(_wire_name(name)) is not None
        }
        state = {**self.normalized(seen, found.state), "accountId": account, "id": identifier}
        kept = {name: found.inputs[name] for name in ("accountId",) if name in found.inputs}
        if not found.state:
            inputs = {n: v for n, v in state.items() if n in self._given and v not in (False, None)}
        else:
            inputs = {**kept, **self._seen_inputs(found, state)}
        return Found(id=identifier, state=state, inputs=inputs)

    def update(
        self, call: Call, id: str, state: Properties, old_inputs: Properties, news: Properties
    ) -> Properties:
        planned = self.planned(news, state)
        if call.preview:
            return {**planned, "id": id}
        body = _body(planned, self._sent)
        old = _body(state, {name for name in self._sent if planned.get(name) is not UNKNOWN})
        body = {**self._api.bodies.whole(body, old), **_nulls(body, old)}
        path = f"accounts/{reveal(news['accountId'])}/access/{self.kind}/{id}"
        return self._known(planned, self._call(call, "PUT", path, body))

    def delete(self, call: Call, id: str, state: Properties) -> None:
        path = f"accounts/{reveal(state['accountId'])}/access/{self.kind}/{reveal(state['id'])}"
        self._call(call, "DELETE", path)

    @abstractmethod
    def planned(self, news: Properties, state: Properties) -> Properties:
        """All properties as they are to be; `UNKNOWN` for those that the answer will tell."""

    def problems(self, given: Properties) -> Iterator[str]:
        """What is wrong with inputs that are complete."""
        yield from ()

    def normalized(self, seen: Properties, state: Properties) -> Properties:
        """A read without what says the same as the state; the state is empty for an import."""
        return {name: value for name, value in seen.items() if value != [] or name in state}

    @property
    def _given(self) -> set[str]:
        return {*self.required, *self.optional, "accountId"}

    @property
    def _sent(self) -> set[str]:
        return self._given - {"accountId"}

    def _call(self, call: Call, method: str, path: str, body: Any = None) -> Any:
        try:
            return self._api.call(call, method, path, body)
        except PluginError as error:
            raise type(error)(f"failed to make http request: {error}") from None

    def _place(self, found: Found) -> tuple[str, str]:
        """Account and id: of an import, from what it was given; else from the state."""
        if found.state:
            return str(reveal(found.state["accountId"])), str(reveal(found.state["id"]))
        *discriminator, account, identifier = ["", *found.id.split("/")]
        if discriminator != ["", *self.import_prefix]:
            form = f'"{self.import_form}", got "{found.id}"'
            raise PluginError(f"invalid ID: expected urlencoded segments {form}")
        return account, identifier

    def _known(self, planned: Properties, result: dict[str, Any]) -> Properties:
        """What was planned, with the answer's values for what was not known."""
        state = {
            name: _property(name, result.get(_wire_name(name))) if value is UNKNOWN else value
            for name, value in planned.items()
        }
        return {n: v for n, v in state.items() if v is not None} | {"id": result["id"]}

    def _seen_inputs(self, found: Found, state: Properties) -> Properties:
        """The inputs of before, with what was changed by somebody else."""
        before = reveal(self.planned(found.inputs, found.state))
        inputs = {}
        for name, given in found.inputs.items():
            now = state.get(name)
            same = _ordered(name, before.get(name)) == _ordered(name, reveal(now))
            if same or now is not None:
                inputs[name] = given if same else now
        return inputs


class AccessPolicy(AccessObject):
    """`cloudflare_zero_trust_access_policy`

    A duration that the API keeps for itself, as it does an empty one, is a difference at every refresh.
    """

    kind = "policies"
    required: ClassVar = {
        "accountId": "Identifier.",
        "decision": "The action Access will take if a user matches this policy.",
        "name": "The name of the Access policy.",
    }
    defaults: ClassVar = {"sessionDuration": "24h"}
    optional = (
        *("includes", "excludes", "requires", "sessionDuration"),
        *("approvalGroups", "approvalRequired", "isolationRequired"),
        *("purposeJustificationPrompt", "purposeJustificationRequired"),
    )
    computed = ()
    import_prefix = ()
    import_form = "<account_id>/<policy_id>"

    def planned(self, news: Properties, state: Properties) -> Properties:
        return _sorted({**self.defaults, **news})

    def problems(self, given: Properties) -> Iterator[str]:
        decisions = ("allow", "deny", "non_identity", "bypass")
        if given["decision"] not in (*decisions, UNKNOWN):
            listed = " ".join(f'"{each}"' for each in decisions)
            yield (
                f"Invalid Attribute Value Match. Attribute decision value must be one of: [{listed}], "
                f'got: "{given["decision"]}".'
            )
        for name in ("includes", "excludes", "requires"):
            rules = given.get(name)
            for rule in rules if isinstance(rules, list) else []:
                if isinstance(rule, dict) and len(rule) > 1:
                    yield (
                        f"Invalid Attribute Value. Attribute {_NAMES[name]} must contain at most 1 elements, "
                        f"got: {len(rule)}."
                    )

    def normalized(self, seen: Properties, state: Properties) -> Properties:
        flags = ("approvalRequired", "isolationRequired", "purposeJustificationRequired")
        found = super().normalized(seen, state)
        return {n: v for n, v in found.items() if n not in flags or v or state.get(n) is not None}


class AccessApplication(AccessObject):
    """`cloudflare_zero_trust_access_application`

    Domain, destinations and self-hosted domains hang together: with one that changes, those that are not given are not
    known. After an import whatever the API says is false differs from inputs that do not say so.
    """

    kind = "apps"
    required: ClassVar = {}
    defaults: ClassVar = {
        "appLauncherVisible": True,
        "httpOnlyCookieAttribute": True,
        "sessionDuration": "24h",
    }
    optional = (
        *("allowIframe", "allowedIdps", "appLauncherVisible", "autoRedirectToIdentity"),
        *("corsHeaders", "customDenyMessage", "customDenyUrl", "customNonIdentityDenyUrl"),
        *("destinations", "domain", "enableBindingCookie", "httpOnlyCookieAttribute", "logoUrl"),
        *("name", "optionsPreflightBypass", "pathCookieAttribute", "policies"),
        *("readServiceTokensFromHeader", "sameSiteCookieAttribute", "selfHostedDomains"),
        *("serviceAuth401Redirect", "sessionDuration", "skipInterstitial", "tags", "type"),
    )
    computed = ("aud",)
    import_form = AccessObject.import_form % "app_id"
    _FALSE_BY_DEFAULT = (
        *("allowIframe", "autoRedirectToIdentity", "enableBindingCookie"),
        *("optionsPreflightBypass", "pathCookieAttribute", "serviceAuth401Redirect"),
        "skipInterstitial",
    )
    _COVERED = ("domain", "destinations", "selfHostedDomains")

    def planned(self, news: Properties, state: Properties) -> Properties:
        planned = _sorted({**self.defaults, **news})
        if isinstance(destinations := planned.get("destinations"), list):
            planned["destinations"] = [
                {"type": "public", **each} if isinstance(each, dict) else each
                for each in destinations
            ]
        if isinstance(policies := planned.get("policies"), list):
            planned["policies"] = list(_with_precedences(policies))
        given = {name: planned[name] for name in self._COVERED if planned.get(name) is not None}
        old = reveal(state)
        moved = any(reveal(value) != _ordered(name, old.get(name)) for name, value in given.items())
        for name in self._COVERED if moved or not state else ():
            planned.setdefault(name, UNKNOWN)
        if state and not moved:
            planned |= {name: state[name] for name in self._COVERED if name in state}
        planned["aud"] = state.get("aud") or UNKNOWN
        return planned

    def problems(self, given: Properties) -> Iterator[str]:
        if isinstance(given.get("destinations"), list) and given.get("type") != "self_hosted":
            yield (
                'Invalid Attribute Combination. "destinations" can only be set if "type" is one of: "self_hosted", '
                '"ssh", "vnc", "rdp", "mcp_portal", "mcp".'
            )
        both = ("selfHostedDomains", "destinations")
        if all(given.get(name) is not None for name in both):
            for one, other in (both, both[::-1]):
                yield (
                    f'Invalid Attribute Combination. Attribute "{_wire_name(other)}" cannot be specified when '
                    f'"{_wire_name(one)}" is specified.'
                )
        duration = given.get("sessionDuration")
        if isinstance(duration, str) and not _DURATION.fullmatch(duration):
            yield (
                'Invalid Attribute Value Match. Attribute session_duration "session_duration" only supports "ns", '
                f'"us" (or "µs"), "ms", "s", "m", or "h" as valid units, got: {duration}.'
            )
        policies = given.get("policies")
        for number, policy in enumerate(policies if isinstance(policies, list) else []):
            if isinstance(least := policy.get("precedence"), int) and least < 1:
                yield (
                    f"Invalid Attribute Value. Attribute policies[{number}].precedence value must be at least 1, "
                    f"got: {least}."
                )
        if isinstance(cors := given.get("corsHeaders"), dict):
            yield from _cors_problems(cors)

    def normalized(self, seen: Properties, state: Properties) -> Properties:
        found = super().normalized(seen, state)
        if "policies" in found:
            found["policies"] = [
                {name: each[name] for name in ("id", "precedence")} for each in found["policies"]
            ]
        silent = [name for name in self._FALSE_BY_DEFAULT if state and state.get(name) is None]
        return {n: v for n, v in found.items() if n not in silent or v}

    def create(self, call: Call, news: Properties) -> tuple[str, Properties]:
        id, state = super().create(call, _with_policies(news))
        return id, _without_policies(state, news)

    def update(
        self, call: Call, id: str, state: Properties, old_inputs: Properties, news: Properties
    ) -> Properties:
        return _without_policies(
            super().update(call, id, state, old_inputs, _with_policies(news)), news
        )


class AccessServiceToken(AccessObject):
    """`cloudflare_zero_trust_access_service_token`

    Its secret is never read. With whatever changes, its end is not known; with the version its secret is not. An answer
    that has no new secret leaves the old one in the state.
    """

    kind = "service_tokens"
    required: ClassVar = {"name": "The name of the service token."}
    defaults: ClassVar = {"clientSecretVersion": 1, "duration": "8760h"}
    optional = ("clientSecretVersion", "duration", "previousClientSecretExpiresAt")
    computed = ("clientId", "clientSecret", "expiresAt")
    import_form = AccessObject.import_form % "service_token_id"
    _NEVER_READ = ("clientSecret", "clientSecretVersion", "previousClientSecretExpiresAt")

    def planned(self, news: Properties, state: Properties) -> Properties:
        planned = {**self.defaults, **news}
        old = reveal(state)
        names = {*planned, *old} & {*self.required, *self.optional, "accountId"}
        differs = any(reveal(planned.get(name)) != old.get(name) for name in names)
        rotates = planned["clientSecretVersion"] != old.get("clientSecretVersion")
        planned["clientId"] = state.get("clientId", UNKNOWN)
        planned["clientSecret"] = UNKNOWN if rotates else state.get("clientSecret")
        planned["expiresAt"] = UNKNOWN if differs else state.get("expiresAt")
        return {name: value for name, value in planned.items() if value is not None}

    def problems(self, given: Properties) -> Iterator[str]:
        pair = ("clientSecretVersion", "previousClientSecretExpiresAt")
        for one, other in (pair, pair[::-1]):
            if given.get(one) is not None and given.get(other) is None:
                yield (
                    f'Invalid Attribute Combination. Attribute "{_wire_name(other)}" must be specified when '
                    f'"{_wire_name(one)}" is specified.'
                )
        moment = given.get(pair[1])
        if isinstance(moment, str) and not _MOMENT.fullmatch(moment):
            yield (
                "Invalid RFC3339 String Value. A string value was provided that is not valid RFC3339 string format.\n"
                f"\nGiven Value: {moment}\n"
            )

    def normalized(self, seen: Properties, state: Properties) -> Properties:
        kept = {name: state[name] for name in self._NEVER_READ if state.get(name) is not None}
        return {**{n: v for n, v in seen.items() if n not in self._NEVER_READ}, **kept}

    def _known(self, planned: Properties, result: dict[str, Any]) -> Properties:
        state = super()._known(planned, result)
        if "clientSecret" in state and not isinstance(state["clientSecret"], Secret):
            state["clientSecret"] = Secret(state["clientSecret"])
        return state

    def update(
        self, call: Call, id: str, state: Properties, old_inputs: Properties, news: Properties
    ) -> Properties:
        new = super().update(call, id, state, old_inputs, news)
        if "clientSecret" not in new and "clientSecret" in state:
            new["clientSecret"] = state["clientSecret"]
        return new


def _cors_problems(cors: Properties) -> Iterator[str]:
    for what in ("methods", "origins"):
        one, other = f"allow_all_{what}", f"allowed_{what}"
        count = sum(cors.get(_property_name(name)) is not None for name in (one, other))
        if count != 1:
            found = "No attribute" if not count else "2 attributes"
            yield (
                f"Invalid Attribute Combination. {found} specified when one (and only one) of "
                f"[cors_headers.{one}.<.{other}] is required."
            )


def _with_precedences(policies: list[Any]) -> Iterator[Any]:
    """One that is not given follows that of the policy before."""
    last = 0
    for policy in policies:
        if not isinstance(policy, dict):
            yield policy
            continue
        last = policy["precedence"] if policy.get("precedence") is not None else last + 1
        yield {**policy, "precedence": last}


def _with_policies(news: Properties) -> Properties:
    """An empty list goes to the API where there are none, since it would leave them for `null`."""
    return news if news.get("policies") is not None else {**news, "policies": []}


def _without_policies(state: Properties, news: Properties) -> Properties:
    """The list that was only for the API does not stay."""
    if news.get("policies") is None:
        return {name: value for name, value in state.items() if name != "policies"}
    return state


def _ordered(name: str, value: Any) -> Any:
    """A value such that equal ones compare equal, whatever the order in a set."""
    if isinstance(value, dict):
        return {key: _ordered(key, item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_ordered("", item) for item in value]
        return sorted(items, key=_sort_key) if name in _SETS else items
    return value


def _sorted(properties: Properties) -> Properties:
    return {name: _ordered(name, value) for name, value in properties.items() if value is not None}


def _sort_key(value: Any) -> str:
    return json.dumps(_wire(value), sort_keys=True, default=repr)


def _wire_name(name: str) -> str:
    return _NAMES.get(name) or re.sub("(?=[A-Z])", "_", name).lower()


def _property_name(wire: str) -> str:
    return _BACK.get(wire) or re.sub("_([a-z])", lambda found: found[1].upper(), wire)


def _wire(value: Any) -> Any:
    """A property's value in the API's form."""
    if isinstance(value, dict):
        return {_wire_name(k): _wire(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_wire(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _property(name: str, wire: Any) -> Any:
    """The reverse, with sets sorted."""
    if isinstance(wire, dict):
        pairs = ((_property_name(key), item) for key, item in wire.items())
        return {key: _property(key, item) for key, item in pairs if item is not None}
    if isinstance(wire, list):
        return _ordered(name, [_property("", item) for item in wire])
    return wire


def _body(properties: Properties, names: set[str]) -> dict[str, Any]:
    given = {n: v for n, v in reveal(properties).items() if n in names and v is not UNKNOWN}
    body: dict[str, Any] = _wire(given)
    return body


def _nulls(body: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """What the state has and the new body has not, within objects too."""
    found: dict[str, Any] = {name: None for name in old if name not in body}
    for name, value in body.items():
        before = old.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            found[name] = {**value, **_nulls(value, before)}
    return found
