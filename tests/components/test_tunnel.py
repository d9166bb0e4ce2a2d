"""A tunnel that was deleted behind Pulumi's back: let go by one update, replaced by the next one."""

from typing import Any

import pulumi

from components import Tunnel, TunnelArgs
from existing import KeptSecret
from tests.components.program import registered

_ARGS: dict[str, Any] = {
    "account_id": "a" * 32,
    "tunnel_name": "web",
    "protect": True,
}
KEPT = KeptSecret(text="c2VjcmV0", version=2)
MARK, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""How the engine tells a secret (`sdk/go/common/resource/sig`)."""
DELETED = "2026-11-26T01:00:00Z"


def requests(
    deleted: str | None, *, let_go: bool = False, **given: object
) -> tuple[dict[str, Any], Any]:
    """What the engine is asked for the tunnel, and what the component leaves for the next update."""
    args = TunnelArgs(**{**_ARGS, "deleted": deleted, "let_go": let_go, **given})
    found = registered(lambda: Tunnel("tunnel", args))
    return found["tunnel-tunnel"], found["tunnel"]["outputs"].get("letGo")


def test_a_tunnel_that_is_there_is_protected_and_deleted_by_the_provider() -> None:
    tunnel, left = requests(None)

    assert tunnel["protect"]
    assert not tunnel.get("retainOnDelete")
    assert not tunnel.get("replacementTrigger")
    assert left is None


def test_the_first_update_only_lets_go_of_a_deleted_one() -> None:
    tunnel, left = requests(DELETED)

    assert not tunnel.get("protect")
    assert tunnel["retainOnDelete"]
    assert left == DELETED


def test_the_second_one_replaces_it_by_one_that_is_protected_and_deleted_as_usual() -> None:
    first, _ = requests(DELETED)
    second, _ = requests(DELETED, let_go=True)

    assert second["protect"]
    assert not second.get("retainOnDelete")
    assert second["replacementTrigger"] != first["replacementTrigger"]


def test_the_secret_that_an_imported_tunnel_keeps_is_not_sent_to_it() -> None:
    kept, _ = requests(None, secret="c2VjcmV0", tunnel_name=None)
    renamed, _ = requests(None, secret="c2VjcmV0")
    let_go, _ = requests(DELETED, secret="c2VjcmV0")

    assert kept["ignoreChanges"] == ["name", "tunnelSecret"]
    assert renamed["ignoreChanges"] == let_go["ignoreChanges"] == ["tunnelSecret"]


def test_so_is_the_one_that_a_tunnel_was_taken_in_with_and_the_state_notes_it() -> None:
    args = TunnelArgs(**{**_ARGS, "deleted": None, "let_go": False, "kept": KEPT})
    found = registered(lambda: Tunnel("tunnel", args))

    assert found["tunnel-tunnel"]["ignoreChanges"] == ["tunnelSecret"]
    assert "tunnel-secret" not in found
    noted = found["tunnel"]["outputs"]["keptSecret"]
    assert noted["version"] == KEPT.version
    assert noted["text"] == {MARK: SECRET, "value": KEPT.text}


def test_one_that_is_there_already_is_imported_and_its_kind_left_as_it_is() -> None:
    made, _ = requests(None)
    taken, _ = requests(None, import_id="b" * 32, made_elsewhere=True)

    assert taken["importId"] == f"{'a' * 32}/{'b' * 32}"
    assert "configSrc" not in taken["object"]
    assert made["object"]["configSrc"] == "local"


def test_a_new_secret_is_sent_to_an_imported_tunnel_and_each_to_a_new_one_in_its_place() -> None:
    rotated, _ = requests(None, made_elsewhere=True)
    replaced, _ = requests(DELETED, let_go=True, secret="c2VjcmV0")

    assert not rotated.get("ignoreChanges")
    assert not replaced.get("ignoreChanges")


def test_another_program_needs_an_account_and_a_name_which_a_resource_may_tell() -> None:
    def program() -> None:
        stack = pulumi.Output.from_input("from-a-resource")
        Tunnel("tunnel", TunnelArgs(account_id=stack, tunnel_name=stack, secret_version=two))

    two = pulumi.Output.from_input(2)
    found = registered(program)

    made = found["tunnel-tunnel"]
    assert made["object"]["accountId"] == made["object"]["name"] == "from-a-resource"
    assert not made.get("ignoreChanges")
    assert found["tunnel-secret"]["object"]["keepers"] == {"version": "2"}
