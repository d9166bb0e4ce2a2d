"""Which tunnels that are there already the stack may take over."""

import base64
from typing import Any

import pytest

from existing import Found, KeptSecret, OwnState, look_up, permissions
from settings import FindingsError
from settings.reading.build import build
from tests.existing.conftest import ACCOUNT, OTHER_ACCOUNT, ZONE, Cloudflare

SECRET = base64.b64encode(b"s" * 32).decode()
UNKNOWN = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
NEW = (
    "Remove the key, and run `pulumi config rm argoweb:tunnelSecret`: a new tunnel is made, and `dns: {adopt: true}` "
    "at a site leads its record there."
)


def made(cloudflare: Cloudflare, account: str = ACCOUNT, config_src: str = "local") -> str:
    """The id of a tunnel that somebody made."""
    body = {"name": "by-hand", "config_src": config_src, "tunnel_secret": SECRET}
    return str(cloudflare.api("POST", f"/accounts/{account}/cfd_tunnel", body)["id"])


def imported(
    cloudflare: Cloudflare,
    tunnel: str,
    own: str | None = None,
    token: str = "T" * 40,
    secret: str | None = SECRET,
    **more: Any,
) -> Found:
    values: dict[str, Any] = {
        "accountId": ACCOUNT,
        "tunnel": {"importId": tunnel, **more},
        "zones": [{"name": "example.com", "id": ZONE}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "sites": [{"hostname": "www.example.com", "root": "/srv/www"}],
    }
    settings = build(values, deployment="argoweb/prod", tunnel_secret=secret)
    return look_up(settings, cloudflare.access(token), OwnState(tunnel_id=own))


def refusal(cloudflare: Cloudflare, tunnel: str, own: str | None = None) -> str:
    with pytest.raises(FindingsError) as refused:
        imported(cloudflare, tunnel, own)
    (problem,) = refused.value.problems
    return problem


def test_a_tunnel_whose_rules_are_on_the_server_is_taken_over(cloudflare: Cloudflare) -> None:
    tunnel = made(cloudflare)

    found = imported(cloudflare, tunnel)

    assert (found.tunnel.taken_in, found.tunnel.kept) == (tunnel, None)
    assert [claim.hostname for claim in found.claims] == ["www.example.com"]
    assert f"GET /accounts/{ACCOUNT}/cfd_tunnel/{tunnel}?" in cloudflare.asked()


def test_a_remotely_managed_tunnel_is_refused(cloudflare: Cloudflare) -> None:
    tunnel = made(cloudflare, config_src="cloudflare")

    assert refusal(cloudflare, tunnel) == (
        f"argoweb:tunnel.importId: found '{tunnel}' (by-hand), which is managed in Cloudflare's dashboard "
        "(config_src 'cloudflare'), expected one with config_src 'local': cloudflared would follow the "
        f"dashboard's rules and not this stack's. {NEW}"
    )


@pytest.mark.parametrize("remote", [True, False])
def test_an_answer_from_before_october_2026_says_the_same_by_remote_config(
    cloudflare: Cloudflare, remote: bool
) -> None:
    tunnel = made(cloudflare)
    answer = cloudflare.api("GET", f"/accounts/{ACCOUNT}/cfd_tunnel/{tunnel}")
    old = {name: value for name, value in answer.items() if name != "config_src"}
    body = {"success": True, "result": {**old, "connections": [], "remote_config": remote}}
    cloudflare.control("/faults", {"path_regex": "cfd_tunnel", "status": 200, "body": body})

    if remote:
        assert "which is managed in Cloudflare's dashboard" in refusal(cloudflare, tunnel)
    else:
        assert imported(cloudflare, tunnel).tunnel.taken_in == tunnel


def test_a_deleted_tunnel_is_refused_with_the_date(cloudflare: Cloudflare) -> None:
    tunnel = made(cloudflare)
    deleted = cloudflare.api("DELETE", f"/accounts/{ACCOUNT}/cfd_tunnel/{tunnel}")["deleted_at"]

    assert refusal(cloudflare, tunnel) == (
        f"argoweb:tunnel.importId: found '{tunnel}' (by-hand), which was deleted at Cloudflare on {deleted}, "
        f"expected one that is there. {NEW}"
    )


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_tunnel_that_the_account_does_not_have_is_refused(
    cloudflare: Cloudflare, elsewhere: bool
) -> None:
    tunnel = made(cloudflare, OTHER_ACCOUNT) if elsewhere else UNKNOWN

    assert refusal(cloudflare, tunnel) == (
        f"argoweb:tunnel.importId: found '{tunnel}', expected a tunnel of the account {ACCOUNT}: "
        f"GET {cloudflare.api_url}/accounts/{ACCOUNT}/cfd_tunnel/{tunnel}: 404 Tunnel not found (1003). "
        "`cloudflared tunnel list` prints what it has. Correct this key or argoweb:accountId."
    )


@pytest.mark.parametrize("version", [1, 2])
def test_without_its_credentials_file_it_keeps_the_secret_that_its_token_tells(
    cloudflare: Cloudflare, version: int
) -> None:
    found = imported(cloudflare, made(cloudflare), secret=None, secretVersion=version)

    assert found.tunnel.kept == KeptSecret(text=SECRET, version=1)


def test_once_it_is_in_the_state_it_is_looked_at_once(cloudflare: Cloudflare) -> None:
    tunnel = made(cloudflare)
    imported(cloudflare, tunnel, own=tunnel)

    assert sorted(each for each in cloudflare.asked() if each.startswith("GET")) == [
        f"GET /accounts/{ACCOUNT}/cfd_tunnel/{tunnel}?",
        f"GET /zones/{ZONE}/dns_records?per_page=5000",
    ]


def test_a_stack_that_has_another_tunnel_keeps_it(cloudflare: Cloudflare) -> None:
    tunnel = made(cloudflare)

    assert refusal(cloudflare, tunnel, own=UNKNOWN) == (
        f"argoweb:tunnel.importId: found '{tunnel}', but this stack has the tunnel {UNKNOWN} already. "
        "Remove the key, or import into another stack."
    )


def test_it_is_told_together_with_what_stands_against_the_records(cloudflare: Cloudflare) -> None:
    cloudflare.has("www.example.com", "A", "192.0.2.7")

    with pytest.raises(FindingsError) as clash:
        imported(cloudflare, UNKNOWN)
    with pytest.raises(FindingsError) as unreadable:
        imported(cloudflare, UNKNOWN, token="N" * 40)

    tunnel, record = clash.value.problems
    assert tunnel.startswith("argoweb:tunnel.importId: ")
    assert record.startswith("argoweb:sites[0].hostname: ")
    tunnel, zone = unreadable.value.problems
    assert tunnel.startswith("argoweb:tunnel.importId: ")
    assert tunnel.endswith(f"needs the permission {permissions.TUNNEL}.")
    assert zone.startswith("argoweb:zones[0]: ")
