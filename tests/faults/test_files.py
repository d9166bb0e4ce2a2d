"""Files on the server that the stack names and does not push."""

from typing import Any

import pytest

from sandbox.world import World
from tests.faults.faults import Faults
from tests.faults.test_activation import UNTOUCHED, live_files
from tests.faults.test_health import refused

pytestmark = pytest.mark.long

TLS = {
    "certificate": "/srv/tls/site.pem",
    "key": "/srv/tls/site.key",
    "caPool": "/srv/tls/site.pem",
}


def over_tls(config: dict[str, Any]) -> None:
    config["argoweb:caddy"] = {"port": 8443, "tls": TLS}


def test_files_that_are_missing_or_unreadable_are_all_named_before_anything_is_touched(
    deployed: World, faults: Faults
) -> None:
    files = live_files(deployed)
    with deployed.changed(over_tls):
        missing = refused(deployed)
        deployed.ssh(
            "mkdir /srv/tls; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            "-subj /CN=site -addext subjectAltName=DNS:www.example.localhost,DNS:app.example.localhost "
            "-keyout /srv/tls/site.key -out /srv/tls/site.pem; chmod 600 /srv/tls/*; chgrp caddy /srv/tls/*"
        )
        unreadable = refused(deployed)
        still = live_files(deployed)
        deployed.ssh("chmod 640 /srv/tls/site.key; chmod 644 /srv/tls/site.pem")
        deployed.up()
        pages = [deployed.get(f"{name}.example.localhost")[0] for name in ("www", "app")]

    for path, reader in (("site.pem", "Caddy"), ("site.key", "Caddy"), ("site.pem", "cloudflared")):
        assert f"/srv/tls/{path}, which {reader} reads, is not there." in missing
    for path, reader, user in (
        ("site.pem", "Caddy", "caddy"),
        ("site.key", "Caddy", "caddy"),
        ("site.pem", "cloudflared", "argoWeb"),
    ):
        assert (
            f"/srv/tls/{path}, which {reader} reads, is not readable for its user '{user}'."
            in unreadable
        )
    assert UNTOUCHED in missing
    assert UNTOUCHED in unreadable
    assert still == files
    assert pages == [200, 200]
    deployed.ssh("rm -r /srv/tls")
