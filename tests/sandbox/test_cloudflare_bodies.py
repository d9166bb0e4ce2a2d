"""The cloudflare stand-in's bodies: what the official encoder printed for the same values in the same order."""

from sandbox.plugins.cloudflare_bodies import Bodies

TUNNEL = {"config_src": "local", "name": "n"}
RECORD = {"name": "a.example.com", "type": "CNAME", "comment": "c", "proxied": True, "ttl": 1}


def test_after_a_text_is_added_by_the_first_body_no_text_that_equals_its_state_is_sent() -> None:
    bodies = Bodies()

    assert bodies.changes({**TUNNEL, "tunnel_secret": "s"}, TUNNEL) == {"tunnel_secret": "s"}
    assert bodies.whole(RECORD, RECORD) == {"proxied": True, "ttl": 1}
    without = {name: value for name, value in RECORD.items() if name != "comment"}
    assert bodies.whole(RECORD, without) == {"comment": "c", "proxied": True, "ttl": 1}


def test_a_whole_body_before_that_prevents_it() -> None:
    bodies = Bodies()
    bodies.whole(RECORD, RECORD)
    bodies.changes({**TUNNEL, "tunnel_secret": "s"}, TUNNEL)

    assert bodies.whole(RECORD, RECORD) == RECORD


def test_a_text_that_is_changed_does_no_harm() -> None:
    bodies = Bodies()

    assert bodies.changes({**TUNNEL, "name": "m"}, TUNNEL) == {"name": "m"}
    assert bodies.whole(RECORD, RECORD) == RECORD
