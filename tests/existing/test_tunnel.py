"""What is at Cloudflare of the stack's tunnel: its own, one that it takes in, and the secret that it goes on with."""

import base64
from typing import Any

import pulumi
import pytest

from existing import KeptSecret, OwnState, TunnelFound, look_up
from settings import FindingsError, tell
from settings.reading.build import build
from tests.existing.conftest import ACCOUNT, SECRET, ZONE, Cloudflare

NAME, SITE = "argoweb-prod", "www.example.com"
MINE = base64.b64encode(b"m" * 64).decode()
IN_STATE = {"id": "f" * 32, "name": SITE, "comment": "argoweb argoweb/prod", "tags": []}
RECORDS = {(ZONE, SITE): IN_STATE}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was said, whatever it weighs."""
    said: list[str] = []
    for weight in ("info", "warn"):
        monkeypatch.setattr(pulumi.log, weight, said.append)
    return said


def found(
    cloudflare: Cloudflare, own: OwnState | None = None, secret: str | None = None, **tunnel: Any
) -> TunnelFound:
    values: dict[str, Any] = {
        "accountId": ACCOUNT,
        "tunnel": tunnel,
        "zones": [{"name": "example.com", "id": ZONE}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "sites": [{"hostname": SITE, "root": "/srv/www"}],
    }
    settings = build(values, deployment="argoweb/prod", tunnel_secret=secret)
    found = look_up(settings, cloudflare.access(), own or OwnState())
    tell(found.warnings, found.notices)
    return found.tunnel


def having(tunnel: dict[str, Any], **more: Any) -> OwnState:
    """A state with a tunnel."""
    return OwnState(**{"tunnel_id": tunnel["id"], "tunnel_name": tunnel["name"], **more})


# Which tunnel is taken in.


def test_where_there_is_none_of_the_name_one_is_made(cloudflare: Cloudflare) -> None:
    assert found(cloudflare) == TunnelFound()


@pytest.mark.parametrize("proof", ["never connected", "secret", "record"])
def test_one_that_this_stack_made_is_taken_in_with_its_secret_and_that_is_said(
    cloudflare: Cloudflare, said: list[str], proof: str
) -> None:
    tunnel = cloudflare.has_tunnel(NAME, MINE)
    if proof != "never connected":
        cloudflare.connects(tunnel["id"], MINE)
    if proof == "record":
        content = f"{tunnel['id']}.cfargotunnel.com"
        cloudflare.has("old.example.com", "CNAME", content, comment="argoweb argoweb/prod")
    own = OwnState(made_secret=MINE if proof == "secret" else None)

    assert found(cloudflare, own, secretVersion=3) == TunnelFound(
        taken_in=tunnel["id"], kept=KeptSecret(text=MINE, version=3)
    )
    (line,) = said
    assert line.startswith(f"The tunnel '{NAME}' ({tunnel['id']}, made on {tunnel['created_at']})")
    assert " is not in the stack's state, and " in line
    assert line.endswith("it is taken in, and keeps its secret.")
    assert MINE not in line


@pytest.mark.parametrize("mark", ["", "argoweb argoweb/other"])
def test_one_that_somebody_else_uses_is_not(cloudflare: Cloudflare, mark: str) -> None:
    tunnel = cloudflare.has_tunnel(NAME)
    cloudflare.connects(tunnel["id"])
    content = f"{tunnel['id']}.cfargotunnel.com"
    cloudflare.has("old.example.com", "CNAME", content, comment=mark)

    with pytest.raises(FindingsError) as refused:
        found(cloudflare, OwnState(made_secret=MINE))

    assert "the account has a tunnel 'argoweb-prod' already" in refused.value.problems[0]


def test_one_that_the_dashboard_manages_is_never_taken_in(cloudflare: Cloudflare) -> None:
    cloudflare.has_tunnel(NAME, config_src="cloudflare")

    with pytest.raises(FindingsError):
        found(cloudflare)


# Which secret it goes on with.


def test_a_tunnel_with_a_secret_of_the_stack_needs_no_other(cloudflare: Cloudflare) -> None:
    own = having(cloudflare.has_tunnel(NAME), secret_sent=True, records=RECORDS)

    assert found(cloudflare, own, secretVersion=2).kept is None
    assert [each for each in cloudflare.asked() if "/token" in each] == []


def test_one_that_was_taken_in_keeps_what_the_state_has_until_the_version_is_raised(
    cloudflare: Cloudflare,
) -> None:
    kept = KeptSecret(text=SECRET, version=2)
    own = having(cloudflare.has_tunnel(NAME), kept_secret=kept, records=RECORDS)

    assert found(cloudflare, own, secretVersion=2).kept == kept
    assert found(cloudflare, own, secretVersion=3).kept is None
    assert [each for each in cloudflare.asked() if "/token" in each] == []


def test_one_whose_import_was_cut_off_before_its_secret_was_noted_is_asked_for_it_again(
    cloudflare: Cloudflare,
) -> None:
    own = having(cloudflare.has_tunnel(NAME), records=RECORDS)

    assert found(cloudflare, own, secretVersion=2).kept == KeptSecret(text=SECRET, version=2)


def test_a_first_new_secret_waits_for_an_update_that_sends_no_record(
    cloudflare: Cloudflare, said: list[str]
) -> None:
    """The official plugin would send incomplete records after it."""
    tunnel = cloudflare.has_tunnel("by-hand")
    own = having(tunnel, kept_secret=KeptSecret(text=SECRET, version=1))
    wanted = {"importId": tunnel["id"], "secretVersion": 2}

    assert found(cloudflare, own, **wanted).kept == own.kept_secret
    assert said == [
        "The tunnel keeps its secret in this update; the next one gives it that of argoweb:tunnel.secretVersion 2."
    ]
    assert found(cloudflare, having(tunnel, records=RECORDS), **wanted).kept is None


def test_the_stack_files_own_secret_is_asked_of_nobody(cloudflare: Cloudflare) -> None:
    tunnel = cloudflare.has_tunnel("by-hand")

    taken = found(cloudflare, secret=SECRET, importId=tunnel["id"])

    assert taken == TunnelFound(taken_in=tunnel["id"])
    assert [each for each in cloudflare.asked() if "/token" in each] == []


# What has become of the stack's own.


def test_one_that_was_moved_to_the_dashboard_is_told_at_each_preview(
    cloudflare: Cloudflare, said: list[str]
) -> None:
    tunnel = cloudflare.has_tunnel(NAME)
    own = having(tunnel, secret_sent=True)
    assert found(cloudflare, own) == TunnelFound()
    assert said == []
    cloudflare.control(f"/tunnels/{tunnel['id']}/migrate", {})

    assert found(cloudflare, own) == TunnelFound()

    (line,) = said
    assert line.startswith(
        f"The tunnel {tunnel['id']} ({NAME}) is managed in Cloudflare's dashboard now (config_src 'cloudflare')"
    )


@pytest.mark.parametrize("noted", [False, True])
def test_one_that_was_deleted_is_told_with_what_the_update_does(
    cloudflare: Cloudflare, said: list[str], noted: bool
) -> None:
    tunnel = cloudflare.has_tunnel(NAME)
    path = f"/accounts/{ACCOUNT}/cfd_tunnel/{tunnel['id']}"
    deleted = cloudflare.api("DELETE", path)["deleted_at"]
    kept = KeptSecret(text=SECRET, version=1)
    own = having(tunnel, kept_secret=kept, tunnel_deleted=deleted if noted else None)

    first = found(cloudflare, own)
    second = found(cloudflare, having(tunnel, kept_secret=kept, tunnel_let_go=deleted))

    assert first == TunnelFound(deleted=deleted, kept=kept)
    assert second == TunnelFound(deleted=deleted)
    told = f"The tunnel {tunnel['id']} was deleted at Cloudflare on {deleted}. This `pulumi up`"
    assert said == [
        f"{told} lets go of it; the one after it makes a new tunnel in its place. [tunnel-deleted]",
        f"{told} makes a new one in its place. [tunnel-deleted]",
    ]


def test_one_of_which_cloudflare_knows_nothing_any_more_is_told_with_the_way_back(
    cloudflare: Cloudflare, said: list[str]
) -> None:
    gone = {"id": "6ff42ae2-765d-4adf-8112-31c55c1551ef", "name": NAME}

    assert found(cloudflare, having(gone, secret_sent=True)) == TunnelFound()
    assert said == [
        f"The tunnel {gone['id']} that this stack made is gone at Cloudflare. Only an update with --refresh sees that: "
        "`pulumi up --refresh` makes a new one. [tunnel-gone]"
    ]
