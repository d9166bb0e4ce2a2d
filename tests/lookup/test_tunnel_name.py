"""Whether the tunnel's name is free is known at preview."""

from typing import Any

import pulumi
import pytest

from lookup import LookupFailed, OwnState, claims, permissions
from settings.build import build
from tests.lookup.conftest import ACCOUNT, OTHER_ACCOUNT, ZONE, Cloudflare

NAME = "web"
OWN = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
RECORDS = f"GET /zones/{ZONE}/dns_records?per_page=5000"


def made(cloudflare: Cloudflare, name: str = NAME, **more: str) -> dict[str, Any]:
    """A tunnel that somebody made."""
    account = more.pop("account", ACCOUNT)
    body = {"name": name, "config_src": "local", "tunnel_secret": "c2VjcmV0" * 6, **more}
    found: dict[str, Any] = cloudflare.api("POST", f"/accounts/{account}/cfd_tunnel", body)
    return found


def looked_up(cloudflare: Cloudflare, own: OwnState, token: str = "T" * 40, **tunnel: Any) -> None:
    values: dict[str, Any] = {
        "accountId": ACCOUNT,
        "tunnel": {"name": NAME, **tunnel},
        "zones": [{"name": "example.com", "id": ZONE}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "sites": [{"hostname": "www.example.com", "root": "/srv/www"}],
    }
    claims(build(values, deployment="argoweb/prod"), cloudflare.access(token), own)


def refusal(cloudflare: Cloudflare, own: OwnState, **tunnel: Any) -> str:
    with pytest.raises(LookupFailed) as refused:
        looked_up(cloudflare, own, **tunnel)
    (problem,) = refused.value.problems
    return problem


def taken(tunnel: dict[str, Any]) -> str:
    return (
        f"argoweb:tunnel.name: the account has a tunnel 'web' already ({tunnel['id']}, "
        f"made on {tunnel['created_at']})"
    )


def over(tunnel: dict[str, Any]) -> str:
    return (
        "set another argoweb:tunnel.name; delete that tunnel in Cloudflare's dashboard; or take it over with: "
        f"pulumi config set --path argoweb:tunnel.importId {tunnel['id']}, "
        "and: pulumi config set --path argoweb:tunnel.secretVersion 2."
    )


def test_a_name_that_another_tunnel_has_is_refused_with_the_ways_out(
    cloudflare: Cloudflare,
) -> None:
    other = made(cloudflare)

    assert refusal(cloudflare, OwnState(known=True)) == f"{taken(other)}. Either {over(other)}"


def test_where_the_state_does_not_tell_it_is_a_warning(
    cloudflare: Cloudflare, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = made(cloudflare)
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)

    looked_up(cloudflare, OwnState())

    assert said == [
        f"{taken(other)}, and the stack's state does not tell whether it is this stack's. "
        f"If `pulumi up` ends with 1013, it is not: {over(other)}"
    ]


def test_a_tunnel_that_cannot_be_taken_over_is_not_offered(cloudflare: Cloudflare) -> None:
    other = made(cloudflare, config_src="cloudflare")

    assert refusal(cloudflare, OwnState(known=True)) == (
        f"{taken(other)}. Either set another argoweb:tunnel.name; or delete that tunnel in Cloudflare's dashboard."
    )


@pytest.mark.parametrize("deleted", [None, "2026-11-26T01:00:00Z"])
def test_a_new_name_and_a_new_tunnel_in_the_place_of_a_deleted_one_are_looked_up_too(
    cloudflare: Cloudflare, deleted: str | None
) -> None:
    other = made(cloudflare)
    own = OwnState(
        known=True,
        tunnel_id=OWN,
        tunnel_name=NAME if deleted else "before",
        tunnel_deleted=deleted,
    )

    assert refusal(cloudflare, own) == (
        f"{taken(other)}. Either set another argoweb:tunnel.name; or delete that tunnel in Cloudflare's dashboard."
    )


def test_the_name_of_a_deleted_tunnel_of_another_account_and_of_the_imported_one_are_free(
    cloudflare: Cloudflare,
) -> None:
    old = made(cloudflare)
    cloudflare.api("DELETE", f"/accounts/{ACCOUNT}/cfd_tunnel/{old['id']}")
    made(cloudflare, account=OTHER_ACCOUNT)
    made(cloudflare, "web-2")

    looked_up(cloudflare, OwnState(known=True))
    imported = made(cloudflare)
    looked_up(cloudflare, OwnState(known=True), importId=imported["id"], secretVersion=2)


def test_nothing_is_asked_where_the_stacks_tunnel_has_the_name(cloudflare: Cloudflare) -> None:
    looked_up(cloudflare, OwnState(known=True, tunnel_id=OWN, tunnel_name=NAME))

    assert cloudflare.asked() == [RECORDS]


def test_a_token_that_may_not_read_tunnels_is_told_the_permission(cloudflare: Cloudflare) -> None:
    with pytest.raises(LookupFailed) as refused:
        looked_up(cloudflare, OwnState(known=True), token="N" * 40)

    problem = refused.value.problems[0]
    assert problem.startswith("argoweb:tunnel.name: GET ")
    assert problem.endswith(f"needs the permission {permissions.TUNNEL}.")
