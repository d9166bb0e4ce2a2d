"""`python -m tests.monitoring.record`: the metrics of a sandbox in good and bad times, minute by minute, into recorded.json.

With the real cloudflared where there is one. Each minute is a scrape after the sandbox was in that condition for a while,
and not a minute of a clock.
"""

import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from sandbox.world import World
from tests.engine.worlds import started

FILE = Path(__file__).with_name("recorded.json")
ADDRESS = "127.0.0.1:9180"
JOBS = ("caddy", "argoWeb", "argoWeb-2")
_HOSTS = ("www.example.localhost", "app.example.localhost", "status.example-two.localhost")
_KEPT = re.compile(
    r"caddy_http_request_duration_seconds_(bucket|sum|count)|caddy_config_last_reload_successful"
    r"|cloudflared_tunnel_(ha_connections|total_requests|request_errors|concurrent_requests_per_tunnel|server_locations)"
)


def with_metrics(config: dict[str, Any]) -> None:
    """The stack's keys with the metrics served on the server itself."""
    config["argoweb:metrics"] = {"address": ADDRESS}


def scraped(world: World) -> dict[str, dict[str, float]]:
    """What a Prometheus would read of each job, by series; nothing where it does not answer."""
    found: dict[str, dict[str, float]] = {}
    for job in JOBS:
        text = world.ssh(f"curl -s -m 5 -f http://{ADDRESS}/metrics/{job}", check=False)
        pairs = (line.rpartition(" ") for line in text.splitlines() if _KEPT.match(line))
        found[job] = {series: float(value) for series, _, value in pairs if "_other" not in series}
    return found


def connections(world: World) -> float:
    """How many a server has."""
    return sum(
        found.get("cloudflared_tunnel_ha_connections", 0) for found in scraped(world).values()
    )


def visit(world: World, times: int = 5) -> None:
    """Some requests for each site."""
    for _ in range(times):
        for hostname in _HOSTS:
            world.get(hostname)


def main() -> None:
    """Records good minutes, some with an application that is down, some without the edge, and good ones again."""
    conditions: list[str] = []
    scrapes: list[dict[str, dict[str, float]]] = []

    def minute(condition: str, count: int) -> None:
        for _ in range(count):
            visit(world)
            time.sleep(1)
            conditions.append(condition)
            scrapes.append(scraped(world))

    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        started(Path(folder)) as world,
    ):
        world.edit(with_metrics)
        world.up()
        visit(world)
        minute("good", 6)
        world.ssh("systemctl stop app")
        minute("application down", 12)
        world.ssh("systemctl start app")
        minute("good", 4)
        world.control("/weather", {"location": "sbx01", "gone": True})
        world.wait_for(lambda: connections(world) == 4, 60)
        minute("one data centre gone", 12)
        world.control("/weather", {"gone": True})
        world.wait_for(lambda: world.get(_HOSTS[0])[0] == 530, 60)
        time.sleep(2)
        minute("edge gone", 8)
        world.control("/weather", method="DELETE")
        world.wait_for(lambda: connections(world) == 8, 240)
        minute("good", 6)
        world.ssh("systemctl stop argoWeb-2")
        minute("one cloudflared stopped", 8)
        series = {
            job: {name: [each[job].get(name) for each in scrapes] for name in _names(job, scrapes)}
            for job in JOBS
        }
        lines = [f"{json.dumps(job)}: {{\n{_lines(found)}\n}}" for job, found in series.items()]
        about = {"cloudflared": world.status["cloudflared"], "conditions": conditions}
        head = json.dumps(about)[:-1]
        FILE.write_text(f'{head},\n"series": {{\n' + ",\n".join(lines) + "\n}}\n")


def _names(job: str, scrapes: list[dict[str, dict[str, float]]]) -> list[str]:
    return list(dict.fromkeys(name for each in scrapes for name in each[job]))


def _lines(found: dict[str, list[float | None]]) -> str:
    return ",\n".join(f"{json.dumps(name)}: {json.dumps(values)}" for name, values in found.items())


if __name__ == "__main__":
    main()
