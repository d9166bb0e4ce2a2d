"""Stand-in for the cloudflare plugin: the same HTTP calls as the official one, for the few resources in use.

Calls, bodies, retries and replace rules follow terraform-provider-cloudflare v5 and its client cloudflare-go,
upon which the official plugin is built.
"""

import json
import os
from dataclasses import replace
from typing import Any, ClassVar

from sandbox.plugins.base import (
    Call,
    Change,
    Failure,
    Found,
    PluginError,
    Provider,
    Resource,
    serve,
)
from sandbox.plugins.cloudflare_access import AccessApplication, AccessPolicy, AccessServiceToken
from sandbox.plugins.cloudflare_alerting import NotificationPolicy
from sandbox.plugins.cloudflare_api import DEFAULT_URL, Api, Missing
from sandbox.plugins.values import UNKNOWN, Properties, Secret, changed, reveal


def _wire(value: Any) -> Any:
    """A property as JSON: whole numbers without a fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Tunnel(Resource):
    """`cloudflare_zero_trust_tunnel_cloudflared`

    `config_src` has a default, but only one that is given and differs asks for a new tunnel
    (`RequiresReplaceIfConfigured` in its `schema.go`); an import takes it from the API's answer.
    """

    _COMPUTED: ClassVar = {
        "accountTag": "account_tag",
        "createdAt": "created_at",
        "deletedAt": "deleted_at",
        "remoteConfig": "remote_config",
        "status": "status",
        "tunType": "tun_type",
    }

    def __init__(self, api: Api) -> None:
        self._api = api

    def check(self, news: Properties) -> tuple[Properties, list[Failure]]:
        result = dict(news)
        if "tunnelSecret" in result and not isinstance(result["tunnelSecret"], Secret):
            result["tunnelSecret"] = Secret(result["tunnelSecret"])
        return result, []

    def diff(self, state: Properties, old_inputs: Properties, news: Properties) -> Change:
        planned = _planned(news)
        names = changed({name: state.get(name) for name in planned}, planned)
        replacing = {"accountId", "configSrc"} & news.keys()
        return Change(diffs=names, replaces=tuple(n for n in names if n in replacing))

    def create(self, call: Call, news: Properties) -> tuple[str, Properties]:
        if call.preview:
            return "", {**news, **dict.fromkeys(self._COMPUTED, UNKNOWN)}
        given = reveal(_planned(news))
        body = {"config_src": given["configSrc"], "name": given["name"]}
        if given.get("tunnelSecret") is not None:
            body["tunnel_secret"] = given["tunnelSecret"]
        result = self._api.call(
            call,
            "POST",
            f"accounts/{given['accountId']}/cfd_tunnel",
            self._api.bodies.whole(body, body),
        )
        return result["id"], self._state(news, result)

    def read(self, call: Call, found: Found) -> Found | None:
        account, _, identifier = found.id.rpartition("/")
        account = account or reveal(found.state["accountId"])
        try:
            result = self._api.call(call, "GET", f"accounts/{account}/cfd_tunnel/{identifier}")
        except Missing:
            return None
        seen = {"accountId": account, "name": result["name"]}
        if not found.state:
            seen["configSrc"] = result.get("config_src")
        inputs = {**found.inputs, **seen}
        return Found(
            id=identifier, state=self._state({**found.state, **seen}, result), inputs=inputs
        )

    def update(
        self, call: Call, id: str, state: Properties, old_inputs: Properties, news: Properties
    ) -> Properties:
        if call.preview:
            return {**state, **news}
        given, old = reveal(news), reveal(state)
        wire = {"name": "name", "tunnelSecret": "tunnel_secret", "configSrc": "config_src"}
        planned = _planned(given)
        body = self._api.bodies.changes(
            {key: planned[name] for name, key in wire.items() if name in planned},
            {key: old.get(name) for name, key in wire.items()},
        )
        result = self._api.call(
            call, "PATCH", f"accounts/{given['accountId']}/cfd_tunnel/{id}", body
        )
        return self._state({**state, **news}, result)

    def delete(self, call: Call, id: str, state: Properties) -> None:
        self._api.call(call, "DELETE", f"accounts/{reveal(state['accountId'])}/cfd_tunnel/{id}")

    def _state(self, inputs: Properties, result: dict[str, Any]) -> Properties:
        seen = {name: result.get(key) for name, key in self._COMPUTED.items()}
        return {**_planned(inputs), **seen, "id": result["id"]}


def _planned(inputs: Properties) -> Properties:
    """A tunnel's properties with the default of the one that has one."""
    return {"configSrc": "local", **inputs}


class DnsRecord(Resource):
    """`cloudflare_dns_record`

    Tags and settings that are not given stay as they are, without a difference, and go into every PUT: both are
    optional and computed in `internal/services/dns_record/schema.go`, and `custom.go` fills in a CNAME's settings.
    """

    _COMPUTED: ClassVar = {
        "createdOn": "created_on",
        "modifiedOn": "modified_on",
        "proxiable": "proxiable",
        "meta": "meta",
    }
    _READ = ("comment", "content", "name", "proxied", "ttl", "type")
    _SETTINGS: ClassVar = {
        "flattenCname": "flatten_cname",
        "ipv4Only": "ipv4_only",
        "ipv6Only": "ipv6_only",
    }

    def __init__(self, api: Api) -> None:
        self._api = api

    def check(self, news: Properties) -> tuple[Properties, list[Failure]]:
        given = reveal(news)
        failures = [
            Failure(
                property=name,
                reason=f'The argument "{name}" is required, but no definition was found.',
            )
            for name in ("name", "ttl", "type", "zoneId")
            if given.get(name) is None
        ]
        if given.get("proxied") is True and given.get("ttl") not in (1, UNKNOWN):
            failures.append(
                Failure(property="ttl", reason="ttl must be set to 1 when `proxied` is true")
            )
        return news, failures

    def diff(self, state: Properties, old_inputs: Properties, news: Properties) -> Change:
        kept = {n: state.get(n) for n in ("tags", "settings") if news.get(n) is None}
        after = {**{n: v for n, v in news.items() if n not in kept}, **kept}
        before = {n: state.get(n) for n in {*after, *old_inputs}}
        for properties in (before, after):
            properties["tags"] = sorted(reveal(properties.get("tags")) or [])
        found = changed(before, after)
        return Change(diffs=found, replaces=tuple(n for n in found if n in ("zoneId", "type")))

    def create(self, call: Call, news: Properties) -> tuple[str, Properties]:
        if call.preview:
            return "", {**news, **dict.fromkeys(self._COMPUTED, UNKNOWN)}
        given = reveal(news)
        body = self._body(given)
        result = self._api.call(
            call,
            "POST",
            f"zones/{given['zoneId']}/dns_records",
            self._api.bodies.whole(body, body),
        )
        return result["id"], self._state(news, result)

    def read(self, call: Call, found: Found) -> Found | None:
        zone, _, identifier = found.id.rpartition("/")
        zone = zone or reveal(found.state["zoneId"])
        try:
            result = self._api.call(call, "GET", f"zones/{zone}/dns_records/{identifier}")
        except Missing:
            return None
        names = (*self._READ, "tags")
        seen = {name: result[name] for name in names if result.get(name) is not None}
        state = {**found.state, "comment": None, **seen, "zoneId": zone}
        inputs = {n: seen.get(n, v) for n, v in found.inputs.items()} or {**seen, "zoneId": zone}
        return replace(found, id=identifier, state=self._state(state, result), inputs=inputs)

    def update(
        self, call: Call, id: str, state: Properties, old_inputs: Properties, news: Properties
    ) -> Properties:
        if call.preview:
            return {**state, **news}
        kept = {name: state.get(name) for name in ("tags", "settings")}
        given, old = reveal({**kept, **news}), reveal(state)
        body = self._api.bodies.whole(self._body(given), self._body(old))
        if old.get("comment") is not None and given.get("comment") is None:
            body["comment"] = None
        result = self._api.call(call, "PUT", f"zones/{given['zoneId']}/dns_records/{id}", body)
        return self._state({**state, "comment": None, **news}, result)

    def delete(self, call: Call, id: str, state: Properties) -> None:
        self._api.call(call, "DELETE", f"zones/{reveal(state['zoneId'])}/dns_records/{id}")

    def _body(self, given: dict[str, Any]) -> dict[str, Any]:
        body = {n: _wire(given[n]) for n in (*self._READ, "tags") if given.get(n) is not None}
        if given.get("settings") is not None:
            body["settings"] = {self._SETTINGS[n]: v for n, v in given["settings"].items()}
        return body

    def _state(self, inputs: Properties, result: dict[str, Any]) -> Properties:
        seen = {name: result.get(key) for name, key in self._COMPUTED.items()}
        state = {**inputs, **seen, "meta": json.dumps(result.get("meta")), "id": result["id"]}
        state["tags"] = result.get("tags") or []
        if result["type"] == "CNAME":
            answered = result.get("settings") or {}
            state["settings"] = {n: answered.get(key, False) for n, key in self._SETTINGS.items()}
        return {name: value for name, value in state.items() if value is not None}


class Cloudflare(Provider):
    """The provider; without settings it takes its address and token from the environment."""

    def __init__(self) -> None:
        self._api = Api()
        super().__init__(
            "cloudflare",
            {
                "cloudflare:index/notificationPolicy:NotificationPolicy": NotificationPolicy(
                    self._api
                ),
                "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": Tunnel(
                    self._api
                ),
                "cloudflare:index/dnsRecord:DnsRecord": DnsRecord(self._api),
                "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication": (
                    AccessApplication(self._api)
                ),
                "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy": AccessPolicy(
                    self._api
                ),
                "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken": (
                    AccessServiceToken(self._api)
                ),
            },
            {"cloudflare:index/getZone:getZone": self._get_zone},
        )

    def configure(self, config: Properties) -> None:
        url = config.get("baseUrl") or os.environ.get("CLOUDFLARE_BASE_URL") or DEFAULT_URL
        self._api.url = str(url).rstrip("/")
        self._api.token = str(
            config.get("apiToken") or os.environ.get("CLOUDFLARE_API_TOKEN") or ""
        )

    def _get_zone(self, call: Call, given: Properties) -> Properties:
        if zone_id := given.get("zoneId"):
            zone = self._api.call(call, "GET", f"zones/{zone_id}")
        else:
            wanted: Any = given.get("filter") or {}
            query = {"name": wanted["name"]} if wanted.get("name") else {}
            if (wanted.get("account") or {}).get("id"):
                query["account.id"] = wanted["account"]["id"]
            zones = self._api.call(call, "GET", "zones", query=query)
            if len(zones) != 1:
                raise PluginError(
                    f"failed to find exactly one result: found {len(zones)} zones for {json.dumps(query)}"
                )
            zone = self._api.call(call, "GET", f"zones/{zones[0]['id']}")
        return {
            "id": zone["id"],
            "zoneId": zone["id"],
            "name": zone["name"],
            "status": zone["status"],
        }


if __name__ == "__main__":
    serve(Cloudflare())
