"""Looking a host up in the account's DNS, wildcards as RFC 4592 has them."""

from .models import Record, Zone
from .records import PROXIABLE, delegates, is_at_or_below
from .store import Store


def find_proxied(store: Store, host: str) -> Record | None:
    """The proxied record that answers for a host; None when DNS has none or it is not proxied.

    The exact name wins. Otherwise the wildcard directly below the closest existing ancestor
    answers, however many labels deep the host is; a name exists when a record is at or below it.
    """
    name = host.lower().rstrip(".")
    zone = _zone(store, name)
    if zone is None:
        return None
    records = store.zone_records(zone.id)
    if any(delegates(record, zone) and is_at_or_below(name, record.name) for record in records):
        return None  # other name servers answer for it
    owner = _owner(name, zone.name, {record.name for record in records})
    for record in records:
        if record.name == owner and record.type in PROXIABLE and record.proxied:
            return record
    return None


def resolved_zone(store: Store, host: str) -> str | None:
    """The name of the zone in which a host is found; None where no visitor finds it."""
    name = host.lower().rstrip(".")
    zone = _zone(store, name)
    return zone.name if zone is not None and find_proxied(store, name) else None


def _zone(store: Store, name: str) -> Zone | None:
    zones = [
        zone for zone in store.zones.values() if name == zone.name or name.endswith("." + zone.name)
    ]
    return max(zones, key=lambda candidate: len(candidate.name), default=None)


def _owner(name: str, zone: str, names: set[str]) -> str:
    """The name whose records answer: the name itself or a wildcard."""
    encloser = name
    while encloser != zone and not _exists(encloser, names):
        encloser = encloser.partition(".")[2]
    return name if encloser == name else f"*.{encloser}"


def _exists(name: str, names: set[str]) -> bool:
    return any(other == name or other.endswith("." + name) for other in names)
