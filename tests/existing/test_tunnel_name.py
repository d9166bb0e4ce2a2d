"""Whether the tunnel's name is free is known at preview."""

from typing import Any

import pytest

from existing import OwnState, look_up, permissions
from settings import FindingsError
from settings.reading.build import build
from tests.existing.conftest import ACCOUNT, OTHER_ACCOUNT, ZONE, Cloudflare

NAME = "web"


def looked_up(cloudflare: Cloudflare, own: OwnState, token: str = "T" * 40, **tunnel: Any) -> None:
    values: dict[str, Any] = {
        "accountId": ACCOUNT,
        "tunnel": {"name": NAME, **tunnel},
        "zones": [{"name": "example.com", "id": ZONE}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "sites": [{"hostname": "www.example.com", "root": "/srv/www"}],
    }
    look_up(build(values, deployment="argoweb/prod"), cloudflare.access(token), own)


def refusal(cloudflare: Cloudflare, own: OwnState, **tunnel: Any) -> str:
    with pytest.raises(FindingsError) as refused:
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
        "set another argoweb:tunnel.name; delete that tunnel in Cloudflare's dashboard; or take it over, if it is yours, "
        f"with the secret that it has: pulumi config set --path argoweb:tunnel.importId {tunnel['id']}."
    )


def test_a_name_that_another_tunnel_has_is_refused_with_the_ways_out(
    cloudflare: Cloudflare,
) -> None:
    other = cloudflare.has_tunnel(NAME)
    cloudflare.connects(other["id"])

    assert refusal(cloudflare, OwnState()) == f"{taken(other)}. Either {over(other)}"


def test_a_tunnel_that_cannot_be_taken_over_is_not_offered(cloudflare: Cloudflare) -> None:
    other = cloudflare.has_tunnel(NAME, config_src="cloudflare")

    assert refusal(cloudflare, OwnState()) == (
        f"{taken(other)}. Either set another argoweb:tunnel.name; or delete that tunnel in Cloudflare's dashboard."
    )


@pytest.mark.parametrize("deleted", [None, "2026-11-26T01:00:00Z"])
def test_a_new_name_and_a_new_tunnel_in_the_place_of_a_deleted_one_are_looked_up_too(
    cloudflare: Cloudflare, deleted: str | None
) -> None:
    other = cloudflare.has_tunnel(NAME)
    own = OwnState(
        tunnel_id=cloudflare.has_tunnel("before")["id"],
        tunnel_name=NAME if deleted else "before",
        tunnel_deleted=deleted,
    )

    assert refusal(cloudflare, own) == (
        f"{taken(other)}. Either set another argoweb:tunnel.name; or delete that tunnel in Cloudflare's dashboard."
    )


def test_the_name_of_a_deleted_tunnel_of_another_account_and_of_the_imported_one_are_free(
    cloudflare: Cloudflare,
) -> None:
    old = cloudflare.has_tunnel(NAME)
    cloudflare.api("DELETE", f"/accounts/{ACCOUNT}/cfd_tunnel/{old['id']}")
    cloudflare.has_tunnel(NAME, account=OTHER_ACCOUNT)
    cloudflare.has_tunnel("web-2")

    looked_up(cloudflare, OwnState())
    imported = cloudflare.has_tunnel(NAME)
    looked_up(cloudflare, OwnState(), importId=imported["id"], secretVersion=2)


def test_no_list_is_asked_for_where_the_stacks_tunnel_has_the_name(cloudflare: Cloudflare) -> None:
    own = cloudflare.has_tunnel(NAME)
    looked_up(cloudflare, OwnState(tunnel_id=own["id"], tunnel_name=NAME))

    assert [each for each in cloudflare.asked() if f"name={NAME}" in each] == []


def test_a_token_that_may_not_read_tunnels_is_told_the_permission(cloudflare: Cloudflare) -> None:
    with pytest.raises(FindingsError) as refused:
        looked_up(cloudflare, OwnState(), token="N" * 40)

    problem = refused.value.problems[0]
    assert problem.startswith("argoweb:tunnel.name: GET ")
    assert problem.endswith(f"needs the permission {permissions.TUNNEL}.")
