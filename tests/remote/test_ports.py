"""Ports of ours that something else has: told before anything is touched, and never seen where they are free."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.remote.test_units import CADDY, REBUILT, builds, cloudflared
from tests.remote.test_work import LISTENING, Server

__all__ = ["cloudflared"]

LOOPBACK, LOOPBACK_6 = "127.0.0.1", "::1"


def listening(host: str, *, both: bool = False) -> socket.socket:
    """Listens at a port that nobody has at any address; at `::` with `both` at all addresses of IPv4 too."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if family == socket.AF_INET6 and not Path("/proc/net/if_inet6").exists():
        pytest.skip("NOT CHECKED: this machine has no IPv6")
    for _ in range(100):
        one = socket.create_server((host, 0), family=family, dualstack_ipv6=both)
        if _at_no_other_address(one.getsockname()[1]):
            return one
        one.close()
    raise AssertionError("each port is taken at some address")


def _at_no_other_address(port: int) -> bool:
    """Whether this very process alone has the port, listening or on its way to somebody else."""
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    lines = [line.split() for it in tables if it.exists() for line in it.open()]
    return sum(line[1].endswith(f":{port:04X}") for line in lines) == 1


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """One that knows what listens on this machine."""
    server = Server(tmp_path)
    text = server.program.read_text()
    server.program.write_text(
        text.replace(str(tmp_path / "unheard"), LISTENING).replace(
            "/proc/${pid:-none}/cgroup", str(tmp_path / "cgroup")
        )
    )
    return server


@pytest.fixture
def taken(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port at which this very test listens."""
    host, both = request.param
    with closing(listening(host, both=both)) as one:
        yield one.getsockname()[1]


AT = [
    ((LOOPBACK, False), LOOPBACK, True),
    ((LOOPBACK, False), "localhost", True),
    ((LOOPBACK, False), "", True),
    ((LOOPBACK, False), "127.0.0.2", False),
    ((LOOPBACK, False), "[::1]", False),
    (("0.0.0.0", False), LOOPBACK, True),
    (("0.0.0.0", False), "[::1]", False),
    ((LOOPBACK_6, False), "[::1]", True),
    ((LOOPBACK_6, False), LOOPBACK, False),
    (("::", True), LOOPBACK, True),
    (("::", False), LOOPBACK, False),
    (("::", False), "[::1]", True),
]
"""Where something listens, where we would, and whether that fails. Asked of Linux itself below."""


@pytest.mark.parametrize(("taken", "host", "fails"), AT, indirect=["taken"])
def test_what_the_kernel_would_refuse_is_refused(taken: int, host: str, fails: bool) -> None:
    name = {"": "::", "localhost": LOOPBACK}.get(host, host.strip("[]"))
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    try:
        socket.create_server((name, taken), family=family, dualstack_ipv6=name == "::").close()
    except OSError:
        refused = True
    else:
        refused = False
    assert refused is fails


@pytest.mark.parametrize(("taken", "host", "fails"), AT, indirect=["taken"])
def test_a_cloudflared_whose_port_is_taken_is_told_before_anything_is_touched(
    server: Server, cloudflared: Path, taken: int, host: str, fails: bool
) -> None:
    builds(server, cloudflared, CADDY, """echo '{"sites":"argoweb-probe.invalid"}'""")
    (server.stubs / "curl").write_text("#!/bin/bash\n")
    said, code = server.work("activate", REBUILT, f"instance argoWeb.service {host}:{taken}")

    told = f"argoWeb.service is to serve its metrics at {host}:{taken}, where "
    assert (told in said) is fails, said
    if fails:
        assert code == 1
        assert "Stop that, or take another port in argoweb:cloudflared.metrics." in said
        assert said.endswith("nothing was changed on this server; it runs what it ran before.\n")


OTHERS, OURS = "0::/system.slice/other.service", "0::/system.slice/argoWeb-2.service"
STOP_IT, WAIT = "Stop that, or take another port", "It moves only after that: take another port"


@pytest.mark.parametrize(
    ("group", "then", "told", "advice"),
    [
        (OTHERS, "[Unit]\n", "(other.service) listens", STOP_IT),
        (OTHERS, "[Unit]\n# of the new system\n", None, ""),
        (OTHERS, None, None, ""),
        (OURS, "[Unit]\n# of the new system\n", "(argoWeb-2.service) listens", WAIT),
        ("0::/", None, "listens", STOP_IT),
    ],
)
def test_a_port_is_free_where_the_switch_ends_or_restarts_the_unit_that_has_it(
    server: Server, cloudflared: Path, group: str, then: str | None, told: str | None, advice: str
) -> None:
    builds(server, cloudflared, CADDY, """echo '{"sites":"argoweb-probe.invalid"}'""")
    (server.folder / "cgroup").write_text(f"1:name=x:/\n{group}\n")
    name = group.rpartition("/")[2]
    for system, text in (("old", "[Unit]\n"), ("new", then)):
        units = server.folder / "systems" / system / "etc/systemd/system"
        units.mkdir(parents=True, exist_ok=True)
        if name and text is not None:
            (units / name).write_text(text)
    with closing(listening(LOOPBACK)) as one:
        said, code = server.work(
            "activate",
            REBUILT,
            f"instance argoWeb.service {LOOPBACK}:{one.getsockname()[1]}",
        )

    assert ("is to serve its metrics at" in said) is (told is not None), said
    assert f"{told or ''}" in said
    assert advice in said
    assert told is None or code == 1


METRICS = "argoweb:metrics.address, or metricsAddress of this server"


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ('{"admin":{"listen":"HERE"},PROBE}', "the server's own configuration of Caddy"),
        ('{"admin":{"listen":"tcp/HERE|0220"},PROBE}', "the server's own configuration of Caddy"),
        ('{"apps":{"http":{"servers":{"srv0":{"listen":["127.0.0.1:1","HERE"]}}}},PROBE}', "argoweb:caddy.port"),
        ('{"apps":{"http":{"servers":{"srv0":{"listen":["127.0.0.1:1","HERE"]}}}},PROBE}', METRICS),
        ('{"admin":{"disabled":true},"apps":{"http":{"servers":{"x":{"listen":["udp/HERE","unix//HERE"]}}}},PROBE}', None),
    ],
)  # fmt: skip
def test_a_port_that_caddy_would_find_taken_is_told_too(
    server: Server, cloudflared: Path, config: str, key: str | None
) -> None:
    with closing(listening(LOOPBACK)) as one:
        here = f"{LOOPBACK}:{one.getsockname()[1]}"
        text = config.replace("HERE", here).replace("PROBE", '"s":"argoweb-probe.invalid"')
        builds(server, cloudflared, CADDY, f"echo '{text}'")
        unit = server.folder / "systems/new/etc/systemd/system/caddy.service"
        unit.write_text(unit.read_text().replace("ExecReload", "X-Not"))
        port = one.getsockname()[1]
        sites = {
            "argoweb:caddy.port": f"http://a.example.com:{port} {{\n}}\n",
            METRICS: f"http://:{port} {{\n\tbind {LOOPBACK}\n\troute {{\n\t\tmetrics /metrics/caddy\n\t}}\n}}\n",
        }.get(str(key), "new\n")

        said, code = server.work("activate", {**REBUILT, "argoWeb.caddy": sites})

    assert (f"caddy.service is to listen at {here}, where " in said) is (key is not None), said
    if key is not None:
        assert code == 1
        assert f"Stop that, or take another port in {key}." in said


def test_what_caddy_would_have_where_the_sites_are_is_told_before_anything_is_touched(
    server: Server, cloudflared: Path
) -> None:
    config = '{"admin":{"listen":"localhost:8080"},"s":"argoweb-probe.invalid"}'
    builds(server, cloudflared, CADDY, f"echo '{config}'")
    sites = "http://a.example.com:8080 {\n\tbind 127.0.0.1\n}\n"

    said, code = server.work("activate", {**REBUILT, "argoWeb.caddy": sites})

    assert code == 1
    assert "Caddy is to listen at localhost:8080 for something else" in said
    assert said.endswith("nothing was changed on this server; it runs what it ran before.\n")
