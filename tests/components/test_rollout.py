"""Whether visitors may be led to the servers already."""

import base64
from typing import Any

import pytest

from components.rollout import serves_visitors
from existing import OwnState, look_up
from settings.reading.build import build
from tests.existing.conftest import ACCOUNT, ZONE, Cloudflare, cloudflare

__all__ = ["cloudflare"]

NAME = "www.example.com"
SECRET = base64.b64encode(b"s" * 32).decode()
NOTHING_YET = OwnState()


def used(cloudflare: Cloudflare, own: OwnState = NOTHING_YET, **more: Any) -> bool:
    """For a stack with one site on `NAME`."""
    values = {
        "accountId": ACCOUNT,
        "zones": [{"name": "example.com", "id": ZONE}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "sites": [{"hostname": NAME, "root": "/srv/www"}],
        **more,
    }
    secret = SECRET if "tunnel" in more else None
    settings = build(values, deployment="argoweb/prod", tunnel_secret=secret)
    return serves_visitors(settings, own, look_up(settings, cloudflare.access(), own))


def test_nobody_is_led_to_a_tunnel_that_is_yet_to_be_made(
    cloudflare: Cloudflare,
) -> None:
    for name in ("other.example.com", "below.www.example.com", "*.other.example.com"):
        cloudflare.has(name, "CNAME", "shop.example.net")
    sites = [
        {"hostname": NAME, "root": "/srv/www"},
        {"hostname": NAME, "path": "^/x", "root": "/srv/x"},
        {"hostname": "*.sub.example.com", "root": "/srv/sub"},
    ]

    assert not used(cloudflare, sites=sites)


def test_the_tunnel_of_the_stack_is_in_use(cloudflare: Cloudflare) -> None:
    body = {"name": "argoweb-prod", "config_src": "local", "tunnel_secret": SECRET}
    tunnel = cloudflare.api("POST", f"/accounts/{ACCOUNT}/cfd_tunnel", body)["id"]

    assert used(cloudflare, OwnState(tunnel_id=tunnel, tunnel_name="argoweb-prod"))


def test_a_tunnel_that_is_taken_over_is_in_use(cloudflare: Cloudflare) -> None:
    body = {"name": "by-hand", "config_src": "local", "tunnel_secret": SECRET}
    tunnel = cloudflare.api("POST", f"/accounts/{ACCOUNT}/cfd_tunnel", body)["id"]

    assert used(cloudflare, tunnel={"importId": tunnel})


@pytest.mark.parametrize("mark", ["", "argoweb argoweb/prod"])
def test_a_record_may_lead_to_what_the_stack_takes_the_place_of(
    cloudflare: Cloudflare, mark: str
) -> None:
    cloudflare.has(NAME, "CNAME", "old.cfargotunnel.com", comment=mark)
    site = {"hostname": NAME, "root": "/srv/www", "dns": {"adopt": True}}

    assert used(cloudflare, sites=[site])


@pytest.mark.parametrize(
    ("hostname", "record"),
    [
        ("www.example.com", "*.example.com"),
        ("a.b.example.com", "*.example.com"),
        ("*.sub.example.com", "shop.sub.example.com"),
        ("*.sub.example.com", "*.example.com"),
    ],
)
def test_a_wildcards_record_leads_to_the_names_below_it(
    cloudflare: Cloudflare, hostname: str, record: str
) -> None:
    cloudflare.has(record, "CNAME", "old.cfargotunnel.com")

    assert used(cloudflare, sites=[{"hostname": hostname, "root": "/srv/www"}])


def test_of_a_record_that_is_not_the_stacks_affair_nothing_is_known(cloudflare: Cloudflare) -> None:
    assert used(cloudflare, sites=[{"hostname": NAME, "root": "/srv/www", "dns": False}])
