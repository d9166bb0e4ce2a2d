"""From the start of cloudflared to its four connections."""

from tests.contract.rig import Rig, until


def test_it_has_four_connections_at_two_locations(rig: Rig) -> None:
    rig.start()

    until(lambda: len(rig.connections()) == 4)

    assert {connection["colo_name"] for connection in rig.connections()} == {"sbx01", "sbx02"}
    assert len({connection["client_id"] for connection in rig.connections()}) == 1
    assert rig.ready() == (200, 4)


def test_a_visitor_reaches_the_service(rig: Rig) -> None:
    rig.start()

    assert rig.visit() == (200, b"hi")
    assert rig.visit("/", Host="other.example.localhost")[0] == 404
