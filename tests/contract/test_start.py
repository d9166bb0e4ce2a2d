"""From the start of cloudflared to its four connections."""

import socket
from datetime import datetime
from pathlib import Path

import pytest

from tests.contract.rig import PATIENCE, Rig, until


def test_it_has_four_connections_at_two_locations(rig: Rig) -> None:
    rig.start()

    until(lambda: len(rig.connections()) == 4)

    assert {connection["colo_name"] for connection in rig.connections()} == {"sbx01", "sbx02"}
    assert len({connection["client_id"] for connection in rig.connections()}) == 1
    until(lambda: rig.ready() == (200, 4))


def test_a_visitor_reaches_the_service(rig: Rig) -> None:
    rig.start()

    assert rig.visit() == (200, b"hi")
    assert rig.visit("/", Host="other.example.localhost")[0] == 404


def test_the_connections_come_one_after_another(rig: Rig) -> None:
    rig.start()
    until(lambda: len(rig.connections()) == 4)

    came = sorted(
        datetime.fromisoformat(each["opened_at"].replace("Z", "+00:00")).timestamp()
        for each in rig.connections()
    )
    assert came[1] - came[0] < came[3] - came[1], "the second one follows at once"
    assert came[2] - came[1] > 0.5
    assert came[3] - came[2] > 0.5


def test_it_is_ready_with_the_first_connection(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        rig.control("POST", "/weather", {"refusal": "Unauthorized: not yet"})
        program = rig.start(wait=False)
        until(lambda: "Retrying connection" in program.log)
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(100)
        manager.settimeout(PATIENCE)
        rig.control("DELETE", "/weather")

        assert manager.recv(100) == b"READY=1"
        assert rig.ready()[1] < 4


def test_what_it_says_at_its_start(rig: Rig) -> None:
    program = rig.start()
    registered = "INF Registered tunnel connection connIndex=0 "
    until(lambda: registered in program.log)  # it has written that, once the edge has let it in
    log = program.log

    for line in (
        f"INF Starting tunnel tunnelID={rig.tunnel}",
        "INF Version ",
        "INF Generated Connector ID: ",
        f"INF Initial protocol {rig.protocol}",
        f"INF Starting metrics server on {rig.metrics}/metrics",
    ):
        assert line in log
    assert f"protocol={rig.protocol}" in log


def test_it_tells_by_which_rules_it_goes(rig: Rig) -> None:
    rules = [
        {"hostname": "a.example.com", "path": "^/x", "service": "http://127.0.0.1:3001"},
        {"hostname": "*.example.com", "service": "http_status:200"},
    ]
    rig.start(rules=rules)

    assert rig.rules() == (-1, [*rules, {"service": "http_status:404"}])


def test_it_takes_other_rules_from_the_dashboard_when_they_come_and_when_it_starts(
    rig: Rig,
) -> None:
    first, second = (
        {"ingress": [{"service": f"http_status:{status}"}]} for status in ("418", "503")
    )
    program = rig.start()
    assert rig.visit() == (200, b"hi")
    rig.control("POST", f"/tunnels/{rig.tunnel}/migrate", {"config": first})
    until(lambda: rig.rules()[0] == 0)

    assert rig.rules() == (0, first["ingress"])
    assert rig.visit()[0] == 418

    rig.tunnel_api("PUT", "/configurations", {"config": second})
    until(lambda: rig.rules()[0] == 1)
    program.kill()
    until(lambda: not rig.connections())
    rig.start()
    until(lambda: rig.rules()[0] == 1)

    assert rig.rules() == (1, second["ingress"])
    assert rig.visit()[0] == 503


@pytest.mark.long
def test_some_seconds_later_its_checks_fill_the_journal(rig: Rig) -> None:
    program = rig.start()

    until(lambda: "precheck complete" in program.log, 30)

    checks = program.log.splitlines()[-40:]
    assert len([line for line in checks if "precheck" in line]) > 20


@pytest.mark.parametrize("kind", ["real"])
def test_it_takes_no_more_memory_than_a_small_server_has(rig: Rig) -> None:
    program = rig.start()
    until(lambda: len(rig.connections()) == 4)

    assert [rig.visit()[0] for _ in range(20)] == [200] * 20
    assert program.memory() < 60e6
