"""The control plane: how the sandbox and tests seed, watch and disturb the stand-in."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from .access import organization
from .errors import ApiError, IdenticalRecordExists, UnknownInput, known
from .http import Request, Response
from .journal import Fault, Journal
from .models import Account, Token, Zone
from .records import FIELDS, built, check_clash
from .routes import Json, refuse_unknown
from .store import Store
from .tunnels import Tunnels
from .weather import Weather

Doors = Callable[[Path], Awaitable[None]]
"""Lets the edge be found in the network namespace that a file holds."""
SEEDS = frozenset({"accounts", "zones", "tokens", "records", "organizations"})


class Control:
    """Answers requests of the control port. It has no authentication: it is for the loopback."""

    def __init__(
        self,
        store: Store,
        tunnels: Tunnels,
        journal: Journal,
        open_doors: Doors,
        weather: Weather,
    ) -> None:
        self._store = store
        self._tunnels = tunnels
        self._journal = journal
        self._open_doors = open_doors
        self._weather = weather

    async def handle(self, request: Request) -> Response | None:
        try:
            if (request.method, request.path) == ("POST", "/doors"):
                await self._open_doors(Path(json.loads(request.body)["namespace"]))
                return Response.of_json(200, {})
            if request.method in ("POST", "DELETE") and request.path == "/weather":
                body = json.loads(request.body) if request.body else {}
                return Response.of_json(200, await self._weather.change(body))
            result = self._perform(request)
        except (ApiError, ValueError, TypeError, KeyError) as error:
            return Response.of_json(400, {"error": f"{type(error).__name__}: {error}"})
        if result is None:
            return Response.of_json(404, {"error": f"no {request.method} {request.path} here"})
        return Response.of_json(200, result)

    def _perform(self, request: Request) -> Any:
        journal = self._journal
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["seed"]:
                return self._seed(json.loads(request.body))
            case "GET", ["requests"]:
                return list(journal.requests)
            case "DELETE", ["requests"]:
                journal.requests.clear()
                return {}
            case "GET", ["violations"]:
                return journal.violations
            case "POST", ["faults"]:
                fault = checked_fault(json.loads(request.body))
                journal.faults.append(fault)
                return asdict(fault)
            case "DELETE", ["faults"]:
                journal.faults.clear()
                return {}
            case "POST", ["reset"]:
                for tunnel_id in self._store.tunnels:
                    self._tunnels.disconnect(tunnel_id)
                self._store.clear()
                journal.clear()
                return {}
            case "GET", ["weather"]:
                return self._weather.shown()
            case "GET", ["dump"]:
                return self._store.dump()
            case "POST", ["tunnels", tunnel_id, "disconnect"]:
                return {"disconnected": self._tunnels.disconnect(tunnel_id)}
            case "POST", ["tunnels", tunnel_id, "migrate"]:
                return self._migrate(tunnel_id, json.loads(request.body or b"{}"))
        return None

    def _migrate(self, tunnel_id: str, body: Json) -> Json:
        """Moves a tunnel to the dashboard, which gives it the `config` of the body; the API has no call for it."""
        refuse_unknown("field of a migration", body, frozenset({"config"}))
        tunnel = replace(
            self._store.tunnels[tunnel_id],
            config_src="cloudflare",
            configuration=body.get("config"),
        )
        self._store.put_tunnel(tunnel)
        self._tunnels.push(tunnel_id)
        return asdict(tunnel)

    def _seed(self, seed: Json) -> Json:
        """Add what is not there; ids that exist are replaced, identical records are kept."""
        refuse_unknown("seed", seed, SEEDS)
        accounts = [Account(**item) for item in seed.get("accounts", [])]
        zones = [Zone(**{**item, "name": item["name"].lower()}) for item in seed.get("zones", [])]
        known = {*self._store.accounts, *(account.id for account in accounts)}
        for zone in zones:
            if zone.account_id not in known:
                raise UnknownInput(f"zone {zone.name}: no account {zone.account_id}")
        tokens = [Token(**item) for item in seed.get("tokens", [])]
        self._store.put_seed(accounts, zones, tokens)
        for item in seed.get("organizations", []):
            organization.seeded(self._store, item)
        for item in seed.get("records", []):
            self._seed_record(dict(item))
        return {}

    def _seed_record(self, item: Json) -> None:
        zone = self._store.zone(item.pop("zone_id"))
        refuse_unknown("field of a record", item, FIELDS)
        record = built(item, zone)
        try:
            check_clash(record, self._store.zone_records(zone.id))
        except IdenticalRecordExists:
            return
        self._store.put_record(record)


def checked_fault(body: Json) -> Fault:
    """The fault a body describes; unknown names and unreadable patterns are refused."""
    refuse_unknown("field of a fault", body, frozenset(item.name for item in fields(Fault)))
    fault = Fault(**{name: value for name, value in body.items() if value is not None})
    if "times" in body:
        fault.times = body["times"]
    if fault.code is not None:
        known(fault.code)
    try:
        re.compile(fault.path_regex)
    except re.error as error:
        raise UnknownInput(f"path_regex {fault.path_regex!r}: {error}") from error
    return fault
