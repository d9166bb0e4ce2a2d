"""Stand-in for `cloudflare_notification_policy` of terraform-provider-cloudflare 5.22.

What the API answers to POST and PUT is the id alone, so the state has what was asked for until it is read.
"""

from typing import Any

from sandbox.plugins.base import Call, Change, Failure, Found, PluginError, Resource
from sandbox.plugins.cloudflare_api import Api, Missing
from sandbox.plugins.values import UNKNOWN, Properties, reveal

_NAMES = {
    "alertType": "alert_type",
    "emails": "email",
    "pagerduties": "pagerduty",
    "tunnelIds": "tunnel_id",
    "newStatuses": "new_status",
}
_BACK = {wire: name for name, wire in _NAMES.items()}
_REQUIRED = ("alertType", "mechanisms", "name")
_GIVEN = (*_REQUIRED, "description", "enabled", "filters")
_FORM = "<account_id>/<policy_id>"


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(k, k): _renamed(v, names) for k, v in value.items() if v is not None}
    return [_renamed(each, names) for each in value] if isinstance(value, list) else value


class NotificationPolicy(Resource):
    """Receivers are sets, so their order says nothing."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def check(self, news: Properties) -> tuple[Properties, list[Failure]]:
        missing = [name for name in ("accountId", *_REQUIRED) if news.get(name) is None]
        failures = [Failure(property="", reason=f"Missing required property '{name}'") for name in missing]  # fmt: skip
        return news, failures

    def diff(self, state: Properties, old_inputs: Properties, news: Properties) -> Change:
        planned, before = _sorted(_planned(news)), _sorted(state)
        names = ("accountId", *_GIVEN)
        found = tuple(sorted(n for n in names if planned.get(n) != before.get(n)))
        return Change(diffs=found, replaces=tuple(n for n in found if n == "accountId"))

    def create(self, call: Call, news: Properties) -> tuple[str, Properties]:
        planned = _planned(news)
        if call.preview:
            return "", {**planned, "id": UNKNOWN, "created": UNKNOWN, "modified": UNKNOWN}
        body = _body(planned)
        made = self._call(call, "POST", _path(news), self._api.bodies.whole(body, body))
        return made["id"], {**planned, "id": made["id"]}

    def read(self, call: Call, found: Found) -> Found | None:
        place = found.state
        if not place:
            parts = found.id.split("/")
            if len(parts) != 2:
                raise PluginError(f'invalid ID: expected urlencoded segments "{_FORM}", got "{found.id}"')  # fmt: skip
            place = {"accountId": parts[0], "id": parts[1]}
        try:
            seen = self._call(call, "GET", f"{_path(place)}/{place['id']}")
        except Missing:
            if found.state:
                return None
            raise
        state = {**_renamed(seen, _BACK), "accountId": place["accountId"], "id": place["id"]}
        inputs = {n: state[n] for n in ("accountId", *_GIVEN) if n in (found.inputs or state)}
        if not found.state:
            inputs.pop("enabled", None)
        return Found(id=str(place["id"]), state=state, inputs=inputs)

    def update(
        self, call: Call, id: str, state: Properties, old_inputs: Properties, news: Properties
    ) -> Properties:
        planned = _planned(news)
        if call.preview:
            return {**planned, "id": id}
        body, old = _body(planned), _body(state)
        sent = {**self._api.bodies.whole(body, old), **dict.fromkeys(old.keys() - body.keys())}
        self._call(call, "PUT", f"{_path(news)}/{id}", sent)
        kept: Properties = {n: v for n, v in state.items() if n in ("created", "modified")}
        return {**planned, **kept, "id": id}

    def delete(self, call: Call, id: str, state: Properties) -> None:
        self._call(call, "DELETE", f"{_path(state)}/{id}")

    def _call(self, call: Call, method: str, path: str, body: Any = None) -> Any:
        try:
            return self._api.call(call, method, path, body)
        except PluginError as error:
            raise type(error)(f"failed to make http request: {error}") from None


def _planned(news: Properties) -> Properties:
    return {"enabled": True, **{n: v for n, v in news.items() if v is not None}}


def _path(given: Properties) -> str:
    return f"accounts/{reveal(given['accountId'])}/alerting/v3/policies"


def _body(properties: Properties) -> Any:
    return _renamed({n: v for n, v in reveal(properties).items() if n in _GIVEN}, _NAMES)


def _sorted(properties: Properties) -> Properties:
    """Such that equal ones compare equal."""
    shown = reveal(properties)
    given = shown.get("mechanisms")
    if not isinstance(given, dict):
        return shown  # type: ignore[no-any-return]
    ids = {k: sorted(str(each) for each in v) for k, v in given.items() if v}
    return {**shown, "mechanisms": ids}
