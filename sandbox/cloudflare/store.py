"""Everything the account holds, kept in a JSON file so that a restart of the process keeps it."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .errors import (
    AccessNotEnabled,
    AccessObjectNotFound,
    NoRoute,
    RecordNotFound,
    TunnelNotFound,
    UnknownApplication,
)
from .models import AccessObject, Account, Record, Token, Tunnel, Zone


class Store:
    """Accounts, zones, tokens, tunnels, records and what Access has, by id (tokens by value).

    Every `put_*` and `delete_*` is on disk when it returns; the file replaces the old one whole.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.accounts: dict[str, Account] = {}
        self.zones: dict[str, Zone] = {}
        self.tokens: dict[str, Token] = {}
        self.tunnels: dict[str, Tunnel] = {}
        self.records: dict[str, Record] = {}
        self.access: dict[str, AccessObject] = {}
        if path.exists():
            self._load(json.loads(path.read_text()))

    def account(self, account_id: str) -> Account:
        if account_id not in self.accounts:
            raise NoRoute(f"/accounts/{account_id}")
        return self.accounts[account_id]

    def zone(self, zone_id: str) -> Zone:
        if zone_id not in self.zones:
            raise NoRoute(f"/zones/{zone_id}")
        return self.zones[zone_id]

    def tunnel(self, account_id: str, tunnel_id: str, *, deleted: bool = False) -> Tunnel:
        """The account's tunnel; a deleted one only when `deleted` says so."""
        self.account(account_id)
        tunnel = self.tunnels.get(tunnel_id)
        if tunnel is None or tunnel.account_id != account_id:
            raise TunnelNotFound
        if tunnel.deleted_at is not None and not deleted:
            raise TunnelNotFound
        return tunnel

    def record(self, zone_id: str, record_id: str) -> Record:
        self.zone(zone_id)
        record = self.records.get(record_id)
        if record is None or record.zone_id != zone_id:
            raise RecordNotFound
        return record

    def zone_records(self, zone_id: str) -> list[Record]:
        return [record for record in self.records.values() if record.zone_id == zone_id]

    def access_objects(self, account_id: str, kind: str) -> list[AccessObject]:
        """All of a kind, in the order of their making.

        Raises:
            AccessNotEnabled: the account has no organization of Zero Trust.
        """
        self.account(account_id)
        own = [found for found in self.access.values() if found.account_id == account_id]
        if not any(found.kind == "organizations" for found in own):
            raise AccessNotEnabled
        return [found for found in own if found.kind == kind]

    def access_object(self, account_id: str, kind: str, object_id: str) -> AccessObject:
        for found in self.access_objects(account_id, kind):
            if found.id == object_id:
                return found
        raise UnknownApplication() if kind == "apps" else AccessObjectNotFound()

    def put_seed(
        self, accounts: Iterable[Account], zones: Iterable[Zone], tokens: Iterable[Token]
    ) -> None:
        self.accounts.update((account.id, account) for account in accounts)
        self.zones.update((zone.id, zone) for zone in zones)
        self.tokens.update((token.value, token) for token in tokens)
        self._save()

    def put_tunnel(self, tunnel: Tunnel) -> Tunnel:
        self.tunnels[tunnel.id] = tunnel
        self._save()
        return tunnel

    def put_record(self, record: Record) -> Record:
        self.records[record.id] = record
        self._save()
        return record

    def delete_record(self, record: Record) -> None:
        del self.records[record.id]
        self._save()

    def put_access(self, thing: AccessObject) -> AccessObject:
        self.access[thing.id] = thing
        self._save()
        return thing

    def delete_access(self, thing: AccessObject) -> None:
        del self.access[thing.id]
        self._save()

    def clear(self) -> None:
        """Forget everything, the seeds too."""
        self._load({})
        self._save()

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """Everything, secrets included, as the file has it."""
        return {
            "accounts": [asdict(item) for item in self.accounts.values()],
            "zones": [asdict(item) for item in self.zones.values()],
            "tokens": [asdict(item) for item in self.tokens.values()],
            "tunnels": [asdict(item) for item in self.tunnels.values()],
            "records": [asdict(item) for item in self.records.values()],
            "access": [asdict(item) for item in self.access.values()],
        }

    def _load(self, data: dict[str, list[dict[str, Any]]]) -> None:
        self.accounts = {item["id"]: Account(**item) for item in data.get("accounts", [])}
        self.zones = {item["id"]: Zone(**item) for item in data.get("zones", [])}
        self.tokens = {item["value"]: Token(**item) for item in data.get("tokens", [])}
        self.tunnels = {item["id"]: Tunnel(**item) for item in data.get("tunnels", [])}
        self.records = {item["id"]: Record(**item) for item in data.get("records", [])}
        self.access = {item["id"]: AccessObject(**item) for item in data.get("access", [])}

    def _save(self) -> None:
        write_private_json(self._path, self.dump())


def write_private_json(path: Path, value: object) -> None:
    """Write JSON for the owner only, so that readers see the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(value, indent=1) + "\n")
    temporary.replace(path)
