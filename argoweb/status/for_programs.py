"""Writes the status of a stack for programs."""

from dataclasses import asdict
from typing import Any

from argoweb.report import as_object, choose_exit_code
from argoweb.status.overview import Overview


def as_json(found: Overview) -> dict[str, Any]:
    """Writes an overview as a JSON object."""
    settings, update = found.stack.settings, found.stack.last_update or {}
    return {
        "stack": settings.deployment,
        "exit": choose_exit_code(found.lines),
        "last_update": {key: update[key] for key in ("result", "endTime") if key in update},
        "tunnel": {
            "id": found.cloud.tunnel_id,
            "name": found.cloud.tunnel_name,
            "status": found.cloud.tunnel_status,
            "connectors": [asdict(each) for each in found.cloud.connectors],
        },
        "servers": [
            {key: value for key, value in asdict(server).items() if key not in ("lines", "origins")}
            for server in found.servers
        ],
        "sites": [
            {
                "hostname": site.hostname,
                "path": site.path,
                "protected": bool(site.passed),
                "record": found.cloud.records[site.hostname],
                "edge": (seen := found.find_edge(site)) and asdict(seen),
                "origins": {
                    server.name: asdict(server.origins[index])
                    for server in found.servers
                    if index in server.origins
                },
            }
            for index, site in enumerate(settings.sites)
        ],
        "lines": [as_object(line) for line in found.lines],
    }
