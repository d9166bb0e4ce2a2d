"""What the commands take from a stack's state, as `pulumi stack export` prints it."""

from typing import Any

from argoweb.stack import read_state
from existing.state import APPLICATION, POLICY, RECORD, TUNNEL

COMMAND = "command:remote:Command"


def resource(type: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": type, "urn": f"urn:pulumi:prod::argoweb::{type}::{name}", **more}


def test_of_a_state_what_lives_counts() -> None:
    tunnel, record = {"id": "t", "name": "web"}, {"id": "r", "name": "www.example.com"}
    application = {"id": "a", "destinations": [{"type": "public", "uri": "www.example.com"}]}
    policy = {"id": "p", "name": "staff"}
    manifest = {"stdin": "owner x\nend\n"}
    living = [
        resource("pulumi:pulumi:Stack", "argoweb-prod"),
        resource(TUNNEL, "tunnel-tunnel", outputs=tunnel),
        resource(RECORD, "records-www.example.com", outputs=record),
        resource(RECORD, "records-of-a-preview"),
        resource(APPLICATION, "access-www.example.com", outputs=application),
        resource(POLICY, "access-policy-staff", outputs=policy),
        resource(COMMAND, "web-1-activate", inputs=manifest),
        resource(COMMAND, "web-1-teardown", inputs=manifest),
        resource(COMMAND, "web2-activate", inputs={}),
        resource(COMMAND, "web3-activate"),
    ]
    to_be_deleted = [
        resource(TUNNEL, "tunnel-tunnel", delete=True, outputs={"id": "old"}),
        resource(COMMAND, "web-1-activate", delete=True, inputs={"stdin": "old"}),
    ]

    found = read_state({"deployment": {"resources": [*to_be_deleted, *living]}})

    assert (found.tunnel, found.records) == (tunnel, {"www.example.com": record})
    assert found.manifests == {"web-1": "owner x\nend\n"}
    assert found.access.applications == {"www.example.com": application}
    assert found.access.policies == (policy,)


def test_a_stack_that_was_never_deployed_has_an_empty_state() -> None:
    for exported in ({}, {"deployment": None}, {"deployment": {"resources": None}}):
        found = read_state(exported)

        assert (found.tunnel, found.records, found.manifests) == (None, {}, {})
