"""The secret of an imported tunnel: taken from its credentials file, and never shown."""

import base64
import json
from typing import Any

import pytest

from settings import FindingsError
from settings.model.stack import TunnelSettings
from settings.reading.build import build

TUNNEL = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
ACCOUNT = "0123456789abcdef0123456789abcdef"
SECRET = "c2VjcmV0" * 6
FILE = {"AccountTag": ACCOUNT, "TunnelSecret": SECRET, "TunnelID": TUNNEL, "Endpoint": ""}
HOW = f"pulumi config set --secret argoweb:tunnelSecret < {TUNNEL}.json"


def tunnel(prod: dict[str, Any], secret: str | None, **keys: Any) -> TunnelSettings:
    return build({**prod, "tunnel": keys}, deployment="argoweb/prod", tunnel_secret=secret).tunnel


def refusal(prod: dict[str, Any], secret: str | None, **keys: Any) -> str:
    with pytest.raises(FindingsError) as refused:
        tunnel(prod, secret, **keys)
    (problem,) = refused.value.problems
    assert SECRET not in problem
    return problem


@pytest.mark.parametrize(
    "given", [SECRET, f"{SECRET}\n", json.dumps(FILE), f"\ufeff{json.dumps(FILE)}\r\n"]
)
def test_the_secret_is_the_credentials_file_or_what_is_secret_of_it(
    prod: dict[str, Any], given: str
) -> None:
    imported = tunnel(prod, given, importId=TUNNEL)

    assert (imported.secret, imported.import_id, imported.name) == (SECRET, TUNNEL, None)
    assert SECRET not in repr(imported)


@pytest.mark.parametrize(
    ("secret", "keys", "message"),
    [
        (
            SECRET,
            {},
            "is for an imported tunnel. Set its UUID too: pulumi config set --path argoweb:tunnel.importId <UUID>",
        ),
        (
            SECRET,
            {"importId": TUNNEL, "secretVersion": 2},
            "is the old secret, but argoweb:tunnel.secretVersion 2 asks for a new one. "
            "Remove it: pulumi config rm argoweb:tunnelSecret",
        ),
        (
            "short",
            {"importId": TUNNEL},
            f"is no base64 text of at least 32 bytes. Set it with: {HOW}",
        ),
        *(
            (
                text,
                {"importId": TUNNEL},
                f"is no base64 text of at least 32 bytes. Set it with: {HOW}",
            )
            for text in (f"{SECRET}x", f"\u00e9{SECRET}", json.dumps(FILE | {"TunnelSecret": 5}))
        ),
        (
            "{}",
            {"importId": TUNNEL},
            f"is no credentials file of a tunnel. Set it with: {HOW}",
        ),
        (
            json.dumps(FILE | {"TunnelID": "another"}),
            {"importId": TUNNEL},
            f"is the credentials file of 'another', but argoweb:tunnel.importId is '{TUNNEL}'.",
        ),
        (
            json.dumps(FILE | {"AccountTag": "another"}),
            {"importId": TUNNEL},
            f"is the credentials file of 'another', but argoweb:accountId is '{ACCOUNT}'.",
        ),
        (
            json.dumps(FILE | {"Endpoint": "us"}),
            {"importId": TUNNEL},
            "is bound to the region 'us' (Endpoint), which argoweb takes from its own key. "
            "Set it too: pulumi config set --path argoweb:cloudflared.region us",
        ),
        (
            base64.b64encode(
                json.dumps({"a": ACCOUNT, "t": TUNNEL, "s": SECRET}).encode()
            ).decode(),
            {"importId": TUNNEL},
            "is a token, expected the tunnel's credentials file. Get it with: "
            f"cloudflared tunnel token --cred-file {TUNNEL}.json {TUNNEL}. Set it with: {HOW}",
        ),
    ],
)
def test_a_secret_that_cannot_be_is_refused(
    prod: dict[str, Any], secret: str | None, keys: dict[str, Any], message: str
) -> None:
    assert refusal(prod, secret, **keys) == f"argoweb:tunnelSecret: {message}"


def test_a_file_whose_tunnel_is_not_known_is_called_by_what_to_put_in_its_place(
    prod: dict[str, Any],
) -> None:
    with pytest.raises(FindingsError) as refused:
        tunnel(prod, "short")

    how = HOW.replace(TUNNEL, "<UUID>")
    assert [problem for problem in refused.value.problems if problem.endswith(how)]


def test_a_secret_that_begins_as_a_token_does_is_none(prod: dict[str, Any]) -> None:
    given = base64.b64encode(b"{" + bytes(range(128, 159))).decode()

    assert tunnel(prod, given, importId=TUNNEL).secret == given


def test_the_region_of_a_credentials_file_is_kept_by_the_stacks_own_key(
    prod: dict[str, Any],
) -> None:
    prod["cloudflared"]["region"] = "us"

    assert tunnel(prod, json.dumps(FILE | {"Endpoint": "us"}), importId=TUNNEL).secret == SECRET


def test_a_new_secret_for_an_imported_tunnel_is_made_on_request(prod: dict[str, Any]) -> None:
    assert tunnel(prod, None, importId=TUNNEL, secretVersion=2).secret is None


@pytest.mark.parametrize(
    "secret",
    [
        # As `cloudflared tunnel token` prints it: the secret stands before the tunnel's id.
        "eyJhIjoiNjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjYiLCJzIjoiWVNCelpXTnlaWFFnYjJZZ2RHaGxJSFIxYm01bGJDd2dNeklnWW5sMFpYTT0iLCJ0IjoiMTExMTExMTEtMjIyMi00MzMzLTg0NDQtNTU1NTU1NTU1NTU1In0=",
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIDAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmoAoGCCqGSM49\n",
        "cfast_0123456789abcdefghijklmnopqrstuvwxyzABCD0a1b2c3d",
    ],
)
@pytest.mark.parametrize("place", ["accountId", "tunnel", "zones", "servers", "sites", "access"])
def test_a_secret_that_was_pasted_into_another_key_is_not_shown(
    prod: dict[str, Any], place: str, secret: str
) -> None:
    prod[place] = {
        "accountId": secret,
        "tunnel": {"importId": secret},
        "zones": [{"name": secret, "id": secret}],
        "servers": {"web1": {"address": "192.0.2.1", "hostKey": secret}},
        "sites": [{"hostname": secret, "service": secret}],
        "access": {"team": secret, "groups": {"a": {"emails": secret}}},
    }[place]

    with pytest.raises(FindingsError) as error:
        build(prod, deployment="argoweb/prod")

    shown = str(error.value)
    assert not [at for at in range(40, len(secret) - 12) if secret[at : at + 12] in shown]
